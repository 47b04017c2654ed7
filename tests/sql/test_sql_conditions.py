from __future__ import annotations

import pytest

from sqlrec.sql.conditions import Condition, conditions


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('SELECT * FROM "t"', ()),
        ('SELECT * FROM "t" WHERE (dt < $p1)', (Condition("dt < '{{ ds }}'", ("dt",)),)),
        (
            'SELECT * FROM "t" WHERE (a = 1 AND (t.b > 2 AND c IS NULL) AND (d = 1 OR a = 2))',
            (
                Condition("a = 1", ("a",)),
                Condition("t.b > 2", ("b",)),
                Condition("c IS NULL", ("c",)),
                Condition("d = 1 OR a = 2", ("d", "a")),
            ),
        ),
        (
            "SELECT * FROM t WHERE (dt = CAST($p1 AS DATE))",
            (Condition("dt = CAST('{{ ds }}' AS DATE)", ("dt",)),),
        ),
        ("SELECT * FROM t WHERE (u IN (SELECT u FROM v))", (Condition("u IN (SELECT u FROM v)", ()),)),
        ("SELECT * FROM (SELECT * FROM t) AS source WHERE (a = 1)", (Condition("a = 1", ()),)),
    ],
)
def test_conditions_one_by_one(query: str, expected: tuple[Condition, ...]) -> None:
    assert conditions(query, {"p1": "{{ ds }}"}) == expected
