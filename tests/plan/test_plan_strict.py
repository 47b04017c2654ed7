"""Strict modes: per rule, a statement that it refuses and one that it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sqlrec.plan.strict import strict_findings
from sqlrec.plan.strict_rules import BOTH, CLAUSES, FLINK, SQLREC, STATEMENTS, Rule, Strict
from sqlrec.sql.script import parse

TRAIN = "TRAIN MODEL m CHECKPOINT = 'v1' ON t"
FUNCTION = "CREATE SQL FUNCTION f; DEFINE INPUT TABLE a (x INT); CACHE TABLE b AS SELECT x FROM a; RETURN b"
PREDICT = "SELECT * FROM {}(TABLE t, MODEL m, DESCRIPTOR(a))"

REFUSED = {
    "TRAIN MODEL": TRAIN,
    "EXPORT MODEL": "EXPORT MODEL m CHECKPOINT = 'v1'",
    "EVALUATE MODEL": "EVALUATE MODEL m CHECKPOINT = 'v1' ON t",
    "SET ALIAS": "ALTER MODEL m SET ALIAS 'prod' = 'v1'",
    "DROP ALIAS": "ALTER MODEL m DROP ALIAS 'prod'",
    "ALTER MODEL … DROP CHECKPOINT": "ALTER MODEL m DROP CHECKPOINT = 'v1'",
    "ALTER MODEL": "ALTER MODEL m RENAME TO n",
    "CREATE SERVICE": "CREATE SERVICE s ON MODEL m",
    "DROP SERVICE": "DROP SERVICE s",
    "ALTER SERVICE": "ALTER SERVICE s SET CHECKPOINT = 'v2'",
    "ROLLBACK SERVICE": "ROLLBACK SERVICE s",
    "CREATE API": "CREATE API a WITH f",
    "WITH options of an API": "CREATE API a WITH f WITH ('replicas' = '2')",
    "DROP API": "DROP API a",
    "CREATE SQL FUNCTION": FUNCTION,
    "DEFINE INPUT TABLE": FUNCTION,
    "RETURN": FUNCTION,
    "DROP SQL FUNCTION": "DROP SQL FUNCTION f",
    "CACHE TABLE": "CACHE TABLE t AS SELECT 1 AS x",
    "IF": "IF (SELECT TRUE AS x) THEN (SELECT 1 AS x)",
    "ASSERT": "ASSERT SELECT TRUE AS x",
    "FLUSH": "FLUSH",
    "DECLARE": "DECLARE x INT",
    "SHOW of SQLRec's objects": "SHOW SERVICES",
    "DESCRIBE of SQLRec's objects": "DESCRIBE SERVICE s",
    "SHOW CREATE of models": "SHOW CREATE MODEL m",
    "SHOW CREATE of services, APIs and functions": "SHOW CREATE SERVICE s",
    "EXPLAIN of a statement": "EXPLAIN DROP MODEL m",
    "VALIDATE ON": f"{TRAIN} VALIDATE ON u",
    "a query after ON": "TRAIN MODEL m CHECKPOINT = 'v1' ON (SELECT 1 AS x)",
    "a column list without INPUT and OUTPUT": "CREATE MODEL m (a INT) WITH ('model' = 'x')",
    "INPUT": "CREATE MODEL m INPUT (a INT) OUTPUT (b INT) WITH ('provider' = 'x')",
    "OUTPUT": "CREATE MODEL m INPUT (a INT) OUTPUT (b INT) WITH ('provider' = 'x')",
    "COMMENT": "CREATE MODEL m COMMENT 'x' WITH ('model' = 'x')",
    "AS query": "CREATE MODEL m WITH ('type' = 'training') AS SELECT 1 AS x",
    "OR REPLACE": "CREATE OR REPLACE MODEL m WITH ('model' = 'x')",
    "TEMPORARY": "DROP TEMPORARY MODEL m",
    "a model name with a database": "DROP MODEL shop.m",
    "IF EXISTS before DROP CHECKPOINT": "ALTER MODEL IF EXISTS m DROP CHECKPOINT = 'v1'",
    "LIKE": "CALL f(t) LIKE u",
    "PARTITION BY … SIZE": "CALL f(t) PARTITION BY t SIZE 10",
    "ASYNC": "CALL f(t) ASYNC",
    "CALL GET(…)": "CALL GET('f')(t) LIKE u",
    "ON MODELS": "CREATE SERVICE s ON MODELS (m CHECKPOINT = 'v1', n CHECKPOINT = 'v1')",
    "FROM, IN or LIKE in SHOW": "SHOW MODELS LIKE 'a%'",
    "FROM or IN in SHOW CHECKPOINTS": "SHOW CHECKPOINTS FROM m",
    "CHECKPOINT in DESCRIBE": "DESCRIBE MODEL m CHECKPOINT = 'v1'",
    "FORMATTED": "DESCRIBE FORMATTED MODEL m",
    "FORMATTED with a table": "DESCRIBE FORMATTED t",
    "EXTENDED with a model": "DESCRIBE EXTENDED MODEL m",
    "USE DATABASE": "USE DATABASE shop",
    "CROSS APPLY": "SELECT * FROM t CROSS APPLY (SELECT 1 AS x) AS a",
    "OUTER APPLY": "SELECT * FROM t OUTER APPLY (SELECT 1 AS x) AS a",
    "ML_PREDICT": PREDICT.format("ML_PREDICT"),
    "ML_EVALUATE": PREDICT.format("ML_EVALUATE"),
    "ML_EMBED": "SELECT ML_EMBED(MODEL m, a) AS e FROM t",
    "VECTOR_SEARCH": "SELECT * FROM VECTOR_SEARCH(TABLE t, DESCRIPTOR(e), ARRAY[1.0], 3)",
}
"""By clause, a script that the rule about it refuses."""

TAKEN = {
    Strict.SQLREC: [
        "CREATE MODEL m (a INT, b STRING COMMENT 'x') WITH ('model' = 'x')",
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t WHERE a > 1 FROM 'v0' WITH ('num_epochs' = '2')",
        "EXPORT MODEL m CHECKPOINT = 'v1' ON t",
        "CREATE SERVICE IF NOT EXISTS s ON MODEL m CHECKPOINT = 'v1'",
        "ALTER MODEL m DROP IF EXISTS CHECKPOINT = 'v1'",
        "DESCRIBE FORMATTED MODEL m CHECKPOINT = 'v1'",
        "SHOW MODELS; SHOW SERVICES; SHOW CHECKPOINTS m; SHOW TABLES LIKE 'a%'",
        "CACHE TABLE t AS CALL f(u, 'x') LIKE v PARTITION BY u SIZE 10; CALL GET('f')(u) LIKE v ASYNC",
        "CREATE OR REPLACE API a WITH f",
        "SET 'a' = 'b'; USE shop; FLUSH; ASSERT SELECT TRUE AS x",
        "SELECT `model` FROM `service`",
    ],
    Strict.FLINK: [
        "CREATE TEMPORARY MODEL m INPUT (a INT) OUTPUT (b INT) COMMENT 'x' WITH ('provider' = 'x')",
        "CREATE MODEL shop.m WITH ('type' = 'training') AS SELECT 1 AS x",
        "ALTER MODEL IF EXISTS m SET ('tag' = 'prod'); ALTER MODEL m RESET ('tag')",
        "ALTER MODEL m RENAME TO n; DROP MODEL IF EXISTS m",
        "SHOW MODELS FROM shop LIKE 'a%'; SHOW CREATE MODEL m; DESCRIBE MODEL m; DESCRIBE EXTENDED t",
        PREDICT.format("ML_PREDICT"),
        "CALL f('x'); EXPLAIN SELECT 1 AS x; USE shop; SET 'a' = 'b'",
        "INSERT OVERWRITE t SELECT 1 AS x",
    ],
}


def _findings(script: str, mode: Strict) -> Iterator[tuple[str, str, str]]:
    parsed = parse(script)
    assert [d.message for d in parsed.diagnostics] == []
    for found in strict_findings(script, parsed.statements, mode):
        assert found.hint
        yield found.code, found.message, script[found.span.start : found.span.end]


def _clauses(script: str, mode: Strict) -> set[str]:
    return {message.split(" is ")[0] for code, message, _ in _findings(script, mode) if code == "SR150"}


@pytest.mark.parametrize("rule", [*STATEMENTS, *CLAUSES], ids=lambda rule: rule.clause)
@pytest.mark.parametrize("mode", list(Strict))
def test_a_rule(rule: Rule, mode: Strict) -> None:
    script = REFUSED[rule.clause]
    told = _clauses(script, mode)
    if mode in rule.refused_by:
        whole = [r.clause for r in STATEMENTS if mode in r.refused_by and r.clause in told]
        assert rule.clause in told or whole, told
    else:
        assert rule.clause not in told


def test_every_rule_fires_in_some_mode() -> None:
    for rule in (*STATEMENTS, *CLAUSES):
        assert any(rule.clause in _clauses(REFUSED[rule.clause], mode) for mode in rule.refused_by), (
            rule.clause
        )


@pytest.mark.parametrize(
    ("mode", "script"), [(mode, script) for mode, scripts in TAKEN.items() for script in scripts]
)
def test_what_the_other_parser_takes_is_taken(mode: Strict, script: str) -> None:
    assert list(_findings(script, mode)) == []


@pytest.mark.parametrize("mode", list(Strict))
@pytest.mark.parametrize(
    ("script", "places"),
    [
        ("ALTER MODEL m DROP IF EXISTS CHECKPOINT = 'v1'", []),
        ("SET 'x' = 'y'", []),
        ("CREATE TABLE t (a INT) WITH (connector = 'csv', 'path' = 3)", ["connector", "3"]),
        ("CREATE TABLE t (a INT) WITH ('connector' = 'csv', 'path' = 'x',)", [","]),
        ("CREATE TABLE t (a INT) WITH ('connector' = \"csv\", 'path' = TRUE)", ["TRUE", '"csv"']),
        ("SELECT \"a\" FROM t", ['"a"']),
    ],
)  # fmt: skip
def test_spellings(mode: Strict, script: str, places: list[str]) -> None:
    assert [place for code, _, place in _findings(script, mode) if code == "SR151"] == places


def test_bare_keys_of_alter_model() -> None:
    told = list(_findings("ALTER MODEL m SET (tag = 'prod'); ALTER MODEL m RESET (tag)", Strict.FLINK))
    assert [(code, place) for code, _, place in told] == [("SR151", "tag"), ("SR151", "tag")]


def test_names_that_sqlrec_reserves() -> None:
    script = "DROP MODEL service; DROP MODEL `service`; DROP SERVICE mine"
    assert [place for _, _, place in _findings(script, Strict.SQLREC)] == ["service"]


@pytest.mark.parametrize(
    "script",
    [
        f"IF (SELECT TRUE AS x) THEN ({TRAIN} VALIDATE ON u)",
        f"IF (SELECT TRUE AS x) THEN (FLUSH) ELSE ({TRAIN} VALIDATE ON u)",
        f"EXPLAIN {TRAIN} VALIDATE ON u",
    ],
)
def test_statements_inside_statements_are_judged(script: str) -> None:
    assert "VALIDATE ON" in _clauses(script, Strict.SQLREC)


def test_a_qualified_model_of_a_service() -> None:
    told = _clauses("CREATE SERVICE s ON MODEL shop.m", Strict.SQLREC)
    assert told == {"a model name with a database"}


def test_the_message_says_whose_clause_it_is() -> None:
    messages = {
        message.partition("; ")[0]
        for script, mode in [
            (f"{TRAIN} VALIDATE ON u", Strict.SQLREC),
            (TRAIN, Strict.FLINK),
            ("DROP TEMPORARY MODEL m", Strict.SQLREC),
        ]
        for _, message, _ in _findings(script, mode)
    }
    assert messages == {
        "VALIDATE ON is an extension of sqlrec",
        "TRAIN MODEL is SQLRec's",
        "TEMPORARY is Flink's",
    }


def test_groups_of_dialects() -> None:
    assert BOTH == SQLREC | FLINK == frozenset(Strict)
    assert Strict.SQLREC.other is Strict.FLINK
    assert Strict.FLINK.other is Strict.SQLREC


@pytest.mark.parametrize("source", ["SELECT 1 AS a", "CALL f(a) LIKE t"])
def test_a_statement_that_is_refused_is_refused_once(source: str) -> None:
    text = f"CACHE TABLE c AS {source}"
    (found,) = strict_findings(text, parse(text).statements, Strict.FLINK)
    assert found.message.startswith("CACHE TABLE is SQLRec's")
