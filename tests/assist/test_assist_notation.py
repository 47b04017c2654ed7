"""The grammar that people read is one that completion can follow."""

from __future__ import annotations

import pytest

from sqlrec.assist.expect import accepted, expected
from sqlrec.assist.notation import (
    IN_QUERIES,
    REFUSED,
    Choice,
    Many,
    Maybe,
    Node,
    Series,
    Sign,
    Slot,
    Word,
    grammar,
    keywords,
    read,
)
from sqlrec.codes.statements import StatementEntry, statement_entries
from sqlrec.sql.lexer import Split, tokens

KEY_VALUE = Series((Slot("key"), Sign("="), Slot("value")))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("FLUSH", Word("FLUSH", "FLUSH")),
        ("DROP API api", Series((Word("DROP", "DROP API"), Word("API", "API"), Slot("api")))),
        ("[a | b]", Maybe(Choice((Slot("a"), Slot("b"))))),
        ("(a | b)", Choice((Slot("a"), Slot("b")))),
        ("(a)", Series((Sign("("), Slot("a"), Sign(")")))),
        ("(a, 'b')", Series((Sign("("), Slot("a"), Sign(","), Slot("b", quoted=True), Sign(")")))),
        ("(key = value, …)", Series((Sign("("), Many(KEY_VALUE), Sign(")")))),
        ("(path = 'x' | 'y', more = 'z', …)", Series((Sign("("), Many(KEY_VALUE), Sign(")")))),
        ("(a, b, …)", Series((Sign("("), Many(Choice((Slot("a"), Slot("b")))), Sign(")")))),
        ("TO CHECKPOINT = 'c'", read("TO CHECKPOINT = 'c'")),
    ],
)
def test_notation(text: str, tree: Node) -> None:
    assert read(text) == tree


def test_words_that_always_follow_are_one_phrase() -> None:
    tree = read("TO CHECKPOINT = 'c'")
    assert isinstance(tree, Series)
    assert tree.items[0] == Word("TO", "TO CHECKPOINT =")
    assert tree.items[1] == Word("CHECKPOINT", "CHECKPOINT =")


def test_keywords() -> None:
    assert {"TRAIN", "VALIDATE", "ML_PREDICT"} <= keywords()
    assert "model" not in keywords()


FOLLOWED = [entry for entry in statement_entries() if entry.group != REFUSED]


@pytest.mark.parametrize("entry", FOLLOWED, ids=lambda entry: entry.name)
def test_every_documented_example_follows_the_documented_grammar(entry: StatementEntry) -> None:
    statements = Split(entry.example).read().statements
    assert statements
    for statement in statements:
        assert accepted(statement), " ".join(token.value for token in statement)


def test_each_statement_can_begin() -> None:
    first = {item.node.text for item in expected([]) if isinstance(item.node, Word)}
    documented = {entry.name.split()[0] for entry in FOLLOWED if entry.group != IN_QUERIES}
    assert documented - first == {"SELECT"}
    assert Slot("query") in [item.node for item in expected([])]
    assert len(grammar().statements) >= len(first)


@pytest.mark.parametrize(
    "text",
    [
        "TRAIN MODEL m ON t",
        "TRAIN MODEL m CHECKPOINT = v1 ON t",
        "DROP MODEL 'm'",
        "DROP MODEL a.",
        "CREATE MODEL m (a 'INT')",
        "CREATE MODEL m (a ROW<INT)",
        "CREATE MODEL m (a ROW<INT",
        "CREATE MODEL m WITH (, a = 1)",
        "CREATE MODEL m WITH (a",
        "CREATE MODEL m WITH (a = ,)",
        "CALL f(x) PARTITION BY t SIZE x",
        "ASSERT 1",
        "EXPLAIN",
        "IF (SELECT 1) THEN (FLUSH",
        "SET = 1",
        "x",
    ],
)
def test_what_does_not_follow_the_grammar(text: str) -> None:
    assert not accepted(tokens(text))


@pytest.mark.parametrize(
    "text",
    [
        'TRAIN MODEL a.b.`c d` CHECKPOINT = "v" ON (SELECT (1) FROM t) WHERE a IN (1, 2) WITH (n = -1,)',
        "TRAIN MODEL m CHECKPOINT = 'v' ON t FROM 'x'",
        "CREATE MODEL m (a DOUBLE PRECISION, b MAP<STRING, ARRAY<INT>>, c DECIMAL(10, 2) NOT NULL)",
        "CREATE TABLE t (a INT, b AS a + f(a, 1), PRIMARY KEY (a) NOT ENFORCED) WITH (connector = 'csv')",
        "CREATE MODEL m WITH (column.a-b.size = 3, `k` = TRUE, \"q\" = 'x')",
        "CALL f(x, 's', GET('v')) PARTITION BY t SIZE 10",
        "IF (SELECT 1) THEN (CACHE TABLE a AS SELECT 1) ELSE (FLUSH)",
        "EXPLAIN DROP MODEL m",
        "SET a.b = 10",
        "SET",
    ],
)
def test_what_follows_the_grammar(text: str) -> None:
    assert accepted(tokens(text))
