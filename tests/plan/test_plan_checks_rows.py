from __future__ import annotations

from typing import Any

import pytest

from sqlrec.spec.model import CheckpointKind

M = "CREATE MODEL m (u INT, v INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
T = "CREATE TABLE t (u INT, v INT, Y INT) WITH (connector = 'parquet', path = 't');"
NO_V = "CREATE TABLE nov (u INT, vv INT) WITH (connector = 'parquet', path = 't');"
SERVED = (
    M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL m CHECKPOINT = 'v1';"
    "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';"
)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("CACHE TABLE a AS SELECT 1; CACHE TABLE b AS SELECT * FROM a", []),
        (
            "CACHE TABLE a AS SELECT 1;\nCACHE TABLE A AS SELECT 2",
            ["SR212 `A` cache table 'A' is made in line 1 already | choose another name"],
        ),
        (
            T + "CACHE TABLE t AS SELECT 2",
            ["SR212 `t` 't' is a table that the script creates | choose another name"],
        ),
        (
            "CACHE TABLE a AS SELECT 1; INSERT INTO a SELECT 2",
            [
                "SR213 `a` 'a' is a cache table; rows cannot be added to it"
                " | put the rows into its query with UNION ALL"
            ],
        ),
        (T + "INSERT INTO t SELECT 1, 2, 3; INSERT OVERWRITE elsewhere SELECT 1", []),
        (
            T + T + T.replace("TABLE t", "TABLE IF NOT EXISTS t"),
            [
                "SR212 `t` table 't' is created twice"
                " | rename one of them, or write CREATE TABLE IF NOT EXISTS"
            ],
        ),
        (
            "CREATE TABLE t (a INT) PARTITIONED BY (b) WITH (connector = 'parket', header = TRUE)",
            [
                "SR307 `t` CREATE TABLE needs the option 'path'"
                " | add WITH (path = …): file, folder or glob, from the project folder unless absolute",
                "SR426 `b` partition column 'b' is not declared | list it, with its type, among the columns",
                "SR303 `'parket'` option 'connector' is one of parquet, csv, not 'parket'"
                " | Did you mean 'parquet'?",
                "SR304 `header` option 'header' belongs to connector csv"
                " | leave it out, or write connector = 'csv'",
            ],
        ),
        (
            "CREATE TABLE t (day INT, a INT) PARTITIONED BY (Day, days, day)"
            " WITH (connector = 'csv', path = ' ')",
            [
                "SR426 `days` partition column 'days' is not declared | Did you mean 'day'?",
                "SR108 `day` column 'day' is listed twice | remove one of them",
                "SR303 `' '` option 'path' is empty"
                " | name a file, a folder or a glob, such as 'visits/*.csv'",
            ],
        ),
        (
            "CREATE TABLE t (day INT) PARTITIONED BY (day) WITH (connector = 'parquet', path = 'x')",
            ["SR426 `t` table 't' has only partition columns | a table needs a column that its files hold"],
        ),
        (
            "CREATE TABLE t WITH (connector = '{{ ds }}', path = '{{ secret.path }}')",
            [
                "SR310 `'{{ ds }}'` option 'connector' of a table is a fixed value"
                " | only the path of a table may hold templates",
                "SR310 `'{{ secret.path }}'` option 'path' of a table is a fixed value"
                " | only the path of a table may hold templates",
            ],
        ),
        (
            "CREATE TABLE t WITH (connector = 'parquet', path = '{{ params.d }}'); DECLARE d STRING;"
            "CREATE TABLE q WITH (connector = 'parquet', path = '{{ params.e }}', nul_value = 1)",
            [
                "SR309 `{{ params.e }}` parameter 'e' is not declared | add: DECLARE e STRING DEFAULT '…'",
                "SR301 `nul_value` unknown option 'nul_value' | Did you mean 'null_value'?",
            ],
        ),
    ],
)
def test_tables(findings: Any, script: str, expected: list[str]) -> None:
    assert findings(script) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("TRAIN MODEL m CHECKPOINT = 'v1' ON t VALIDATE ON t", []),
        (
            "TRAIN MODEL m CHECKPOINT = 'v1' ON nov VALIDATE ON other",
            [
                "SR402 `nov` table 'nov' has no column 'v', a feature of model m | it has: u, vv",
                "SR402 `nov` table 'nov' has no column 'y', a label of model m | it has: u, vv",
            ],
        ),
        ("TRAIN MODEL m CHECKPOINT = 'v1' ON (SELECT * FROM nov) VALIDATE ON nov", ["SR402", "SR402"]),
        ("EXPORT MODEL m CHECKPOINT = 'v1' ON nov", ["SR402"]),
        ("EXPORT MODEL m CHECKPOINT = 'v1' ON t", []),
        ("EXPORT MODEL m CHECKPOINT = 'v1'", []),
    ],
)
def test_columns_of_declared_tables(findings: Any, statement: str, expected: list[str]) -> None:
    found = findings(M + T + NO_V + statement)
    assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("call_service('s', t)", []),
        ("CALL_SERVICE('S', t)", []),
        ("call_service_with_qv('s', t, t)", []),
        ("call_service_with_qv('s', t, nov)", []),
        (
            "call_service('s', nov)",
            ["SR402 `nov` table 'nov' has no column 'v', a feature of model m | it has: u, vv"],
        ),
        ("call_service_with_qv('s', nov, nov)", ["SR402"]),
        ("call_service('s', somewhere)", []),
        ("call_service_with_qv('s', nov, somewhere)", []),
        (
            "call_servce('s', t)",
            ["SR214 `call_servce` unknown function 'call_servce' | Did you mean 'call_service'?"],
        ),
        (
            "frobnicate('s', t)",
            [
                "SR214 `frobnicate` unknown function 'frobnicate'"
                " | CALL knows call_service and call_service_with_qv"
            ],
        ),
        (
            "call_service('s')",
            [
                "SR215 `call_service('s')` call_service takes 2 arguments, found 1"
                " | write CALL call_service('service', table)"
            ],
        ),
        (
            "call_service_with_qv(s, 't', nov)",
            [
                "SR215 `s` call_service_with_qv takes a service name in quotes here"
                " | write CALL call_service_with_qv('service', query_table, table)",
                "SR215 `'t'` call_service_with_qv takes a table name without quotes here"
                " | write CALL call_service_with_qv('service', query_table, table)",
            ],
        ),
        (
            "call_service('x', t)",
            ["SR206 `'x'` service 'x' does not exist | services: s"],
        ),
    ],
)
def test_calls(findings: Any, catalog: Any, call: str, expected: list[str]) -> None:
    for statement in (f"CALL {call}", f"CACHE TABLE c AS CALL {call}"):
        found = findings(SERVED + T + NO_V + statement, catalog)
        assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


def test_a_registered_service_knows_its_model(findings: Any, known: Any) -> None:
    known.put("v1_export", CheckpointKind.EXPORT, service="s")
    assert findings(NO_V.replace("u INT", "w INT") + "CALL call_service('s', nov)", known) == [
        "SR402 `nov` table 'nov' has no column 'u', a feature of model m | it has: w, vv"
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "SELECT * FROM t WHERE a = '{{ ds }}'"
            " AND b = '{{ (logical_date - macros.timedelta(days=1)) | ds }}'",
            [],
        ),
        (
            "SELECT * FROM t WHERE a = '{{ dss }}'",
            ["SR309 `{{ dss }}` a template has no value called 'dss' | Did you mean 'ds'?"],
        ),
        (
            "INSERT INTO t SELECT * FROM t WHERE a = '{{ params.q }}'",
            ["SR309 `{{ params.q }}` parameter 'q' is not declared | add: DECLARE q STRING DEFAULT '…'"],
        ),
        (
            "CACHE TABLE c AS SELECT * FROM t WHERE a = '{{ }}' AND b = '{{ ds'",
            [
                "SR308 `{{ }}` a template is empty | name a value, such as {{ ds }}",
                "SR308 `{{ ds'` a template is not closed | end it with }}",
            ],
        ),
        (
            "TRAIN MODEL n CHECKPOINT = '{{ secret.x }}' ON t WHERE a = '{{ conn.x.y }}' VALIDATE ON"
            " (SELECT * FROM t WHERE b = '{{ zz }}') FROM '{{ aa }}'",
            [
                "SR310 `{{ secret.x }}` {{ secret.x }} cannot stand here | a secret is the whole value of an"
                " option: '{{ secret.NAME }}' or '{{ conn.ID.FIELD }}'",
                "SR310 `{{ conn.x.y }}` {{ conn.x.y }} cannot stand here | a secret is the whole value of an"
                " option: '{{ secret.NAME }}' or '{{ conn.ID.FIELD }}'",
                "SR309 `{{ zz }}` a template has no value called 'zz' | it may use ds, ds_nodash, ts,"
                " logical_date, run_id, params.NAME and other names of Airflow",
                "SR309 `{{ aa }}` a template has no value called 'aa' | it may use ds, ds_nodash, ts,"
                " logical_date, run_id, params.NAME and other names of Airflow",
            ],
        ),
        (
            "EXPORT MODEL n CHECKPOINT = \"{{ ds\" ON t WHERE a = '{{ dss }}' WITH (x = '{{ {{ ds }}')",
            ["SR308", "SR309", "SR308"],
        ),
        (
            "CREATE SERVICE s ON MODEL n CHECKPOINT = '{{ x }}' WITH (y = '{{ z }}', k = 3)",
            ["SR309", "SR309"],
        ),
        ("EXPORT MODEL n CHECKPOINT = '{{ ds }}' ON t", []),
    ],
)
def test_templates(findings: Any, script: str, expected: list[str]) -> None:
    found = findings(script)
    assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "DECLARE a STRING; DECLARE b INT DEFAULT -5; DECLARE c BIGINT DEFAULT 3000000000;"
            "DECLARE d DOUBLE DEFAULT 1; DECLARE e BOOLEAN DEFAULT TRUE; DECLARE f DATE DEFAULT '2026-01-31';"
            "DECLARE g STRING DEFAULT 'x'; DECLARE h DOUBLE DEFAULT 0.5",
            [],
        ),
        (
            "DECLARE a TIMESTAMP",
            [
                "SR216 `TIMESTAMP` a parameter cannot be TIMESTAMP"
                " | types of parameters: STRING, INT, BIGINT, DOUBLE, BOOLEAN, DATE"
            ],
        ),
        (
            "DECLARE a INT DEFAULT 3000000000",
            ["SR216 `3000000000` the default of 'a' is no INT | write it like 5"],
        ),
        ("DECLARE a INT DEFAULT '5'", ["SR216"]),
        ("DECLARE a INT DEFAULT TRUE", ["SR216"]),
        ("DECLARE a DOUBLE DEFAULT FALSE", ["SR216"]),
        ("DECLARE a STRING DEFAULT 5", ["SR216"]),
        ("DECLARE a BOOLEAN DEFAULT 'true'", ["SR216"]),
        ("DECLARE a DATE DEFAULT '2026-13-01'", ["SR216"]),
        ("DECLARE a DATE DEFAULT '20260101'", ["SR216"]),
        ("DECLARE a DATE DEFAULT 20260101", ["SR216"]),
        (
            "DECLARE a STRING DEFAULT '{{ ds }}'",
            [
                "SR310 `'{{ ds }}'` a default is a fixed value; templates are not rendered in it"
                " | use {{ ds }} where the parameter is used"
            ],
        ),
        (
            "DECLARE a INT; DECLARE a INT",
            ["SR212 `a` parameter 'a' is declared twice | rename or remove one of them"],
        ),
        (
            "DECLARE `a-b` INT",
            ["SR211 ``a-b`` 'a-b' cannot name a parameter | use letters, digits and _"],
        ),
    ],
)
def test_parameters(findings: Any, script: str, expected: list[str]) -> None:
    found = findings(script)
    assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


def test_parameters_keep_their_type(compiled: Any) -> None:
    plan = compiled("DECLARE a DOUBLE DEFAULT 1; DECLARE b DATE")
    assert [(p.name, p.type, p.default) for p in plan.params] == [("a", "DOUBLE", 1.0), ("b", "DATE", None)]
    assert type(plan.params[0].default) is float


@pytest.mark.parametrize("connector", ["kafka", "jdbc"])
def test_of_the_connector_of_another_system_nothing_else_is_said(findings: Any, connector: str) -> None:
    (found,) = findings(
        "CREATE TABLE t (a TIMESTAMP, b AS a, WATERMARK FOR a AS a) PARTITIONED BY (z)"
        f" WITH (topic = 'x', connector = '{connector}', url = 'y', header = 'maybe')"
    )
    assert found.startswith(f"SR303 `'{connector}'`")


def test_columns_that_files_do_not_hold(findings: Any, compiled: Any) -> None:
    table = "CREATE TABLE t (a INT, {} PRIMARY KEY (a) NOT ENFORCED) WITH (connector = 'parquet', path = 't')"
    assert findings(table.format("b AS a + 1, c TIMESTAMP METADATA VIRTUAL,")) == [
        "SR213 `b` computed column 'b' of a table of files | leave it out, and let a view over t compute b",
        "SR213 `c` metadata column 'c' of a table of files | leave it out, and let a view over t compute c",
    ]
    plan = compiled(table.format("c TIMESTAMP, WATERMARK FOR c AS c,"))
    assert [(w.code, w.hint) for w in plan.warnings] == [("SR318", "leave it out")]
    assert plan.tables["t"].schema.names == ("a", "c")
