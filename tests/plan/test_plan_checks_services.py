from __future__ import annotations

from typing import Any

import pytest

from sqlrec.spec.function import ApiSpec, FunctionSpec, Program
from sqlrec.spec.model import CheckpointKind, CheckpointStatus

EXPORT = CheckpointKind.EXPORT
M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
TRAIN = "TRAIN MODEL m CHECKPOINT = '{0}' ON t; EXPORT MODEL m CHECKPOINT = '{0}';"
SERVE = "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';"
SERVED = M + TRAIN.format("v1") + SERVE


def matches(found: list[str], expected: list[str]) -> bool:
    return [f[: len(e)] for f, e in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (TRAIN.format("v2") + "ALTER SERVICE s SET CHECKPOINT = 'v2_export' WITH (replicas = 2)", []),
        ("ALTER SERVICE s SET (replicas = 3)", []),
        ("ALTER SERVICE s RESET (replicas)", []),
        ("ALTER SERVICE s PROMOTE", []),
        ("ALTER SERVICE z SET (replicas = 3)", ["SR206 `z` service 'z' does not exist | services: s"]),
        ("ALTER SERVICE IF EXISTS z SET CHECKPOINT = 'x'", []),
        (
            "ALTER SERVICE s SET CHECKPOINT = 'v1'",
            [
                "SR209 `'v1'` service only supports export checkpoint, and 'v1' is a training checkpoint"
                " | use CHECKPOINT = 'v1_export', which line 1 makes"
            ],
        ),
        (
            "ALTER SERVICE s SET CHECKPOINT = 'v2_export'",
            ["SR207 `'v2_export'` checkpoint not exists: v2_export for model m | Did you mean 'v1_export'?"],
        ),
        ("ALTER SERVICE s SET CHECKPOINT = '{{ ds }}_export'", []),
        ("ALTER SERVICE s SET CHECKPOINT = 'a b'", ["SR211"]),
        ("ALTER SERVICE s SET CHECKPOINT = 'v1_export' WITH (replica = 2)", ["SR301"]),
        ("ALTER SERVICE s SET (replicas = 'many')", ["SR302"]),
        ("ALTER SERVICE s SET (replicas = '{{ dss }}')", ["SR309"]),
        (
            "ALTER SERVICE s RESET (replica)",
            ["SR301 `replica` unknown option 'replica' | Did you mean 'replicas'?"],
        ),
        ("ALTER SERVICE s RESET (epochs)", ["SR304"]),
        (
            "ROLLBACK SERVICE s",
            [
                "SR233 `s` service 's' has nothing to roll back to: it never served anything but v1_export"
                " | ALTER SERVICE s SET CHECKPOINT = '…' gives it another checkpoint"
            ],
        ),
        ("ROLLBACK SERVICE z", ["SR206"]),
        ("ROLLBACK SERVICE s TO CHECKPOINT = 'v1_export'", []),
        ("ROLLBACK SERVICE s TO CHECKPOINT = 'v1'", ["SR209"]),
        (
            TRAIN.format("v2")
            + "ALTER SERVICE s SET CHECKPOINT = 'v2_export'; ROLLBACK SERVICE s; ROLLBACK SERVICE s",
            [],
        ),
        (TRAIN.format("v2") + SERVE.replace("CREATE", "CREATE OR REPLACE") + "ROLLBACK SERVICE s", []),
        (SERVE.replace("SERVICE", "SERVICE IF NOT EXISTS") + "ROLLBACK SERVICE s", ["SR233"]),
        ("DROP SERVICE s; ALTER SERVICE s PROMOTE", ["SR206"]),
    ],
)
def test_changes_of_services(findings: Any, catalog: Any, statement: str, expected: list[str]) -> None:
    found = findings(SERVED + statement, catalog)
    assert matches(found, expected)


def test_registered_services(findings: Any, known: Any) -> None:
    known.put("v1_export", EXPORT, service="s").put("v2_export", EXPORT, status=CheckpointStatus.CREATED)
    assert findings("ROLLBACK SERVICE s; ALTER SERVICE S SET CHECKPOINT = 'V1_EXPORT'", known) == []
    assert matches(findings("ALTER SERVICE s SET CHECKPOINT = 'v2_export'", known), ["SR208"])
    assert matches(findings("ALTER SERVICE s SET (x = 1)", known), ["SR301"])


def test_services_that_may_exist(findings: Any) -> None:
    assert (
        findings("ALTER SERVICE s SET CHECKPOINT = 'c' WITH (x = 1); ROLLBACK SERVICE s; DROP SERVICE s")
        == []
    )


def test_a_service_follows_its_checkpoint(findings: Any, catalog: Any) -> None:
    script = SERVED + TRAIN.format("v2") + "ALTER SERVICE s SET CHECKPOINT = 'v2_export';"
    assert findings(script + "ALTER MODEL m DROP CHECKPOINT = 'v1_export'", catalog) == []
    assert matches(findings(script + "ALTER MODEL m DROP CHECKPOINT = 'v2_export'", catalog), ["SR203"])
    back = script + "ROLLBACK SERVICE s; ALTER MODEL m DROP CHECKPOINT = 'v2_export'"
    assert findings(back, catalog) == []
    aliased = SERVED + "ALTER MODEL m SET ALIAS 'a' = 'v1_export'; ALTER SERVICE s SET CHECKPOINT = '@a';"
    assert matches(findings(aliased + "ALTER MODEL m DROP CHECKPOINT = 'v1_export'", catalog), ["SR203"])


def test_an_export_in_parts_is_served_in_parts(findings: Any) -> None:
    towers = M.replace("test.rank", "test.towers") + TRAIN.format("v1")
    hint = "name one of its parts: v1_export/item, v1_export/user"
    wrong = [f"SR207 `'v1_export'` checkpoint not exists: v1_export for model m | {hint}"]
    assert findings(towers + SERVE) == wrong
    assert findings(towers + SERVE.replace("v1_export", "v1_export/user")) == []


# Evaluations


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("EVALUATE MODEL m CHECKPOINT = 'v1' ON t WITH (min_auc = 0.7)", []),
        ("EVALUATE MODEL m CHECKPOINT = 'v1_export' ON (SELECT * FROM t) WHERE u > '{{ ds }}'", []),
        ("EVALUATE MODEL m CHECKPOINT = 'v1' ON t WITH (min_acu = 0.7)",
         ["SR301 `min_acu` unknown option 'min_acu' | Did you mean 'min_auc'?"]),
        ("EVALUATE MODEL m CHECKPOINT = 'v1' ON t WITH (epochs = 2)", ["SR304"]),
        ("EVALUATE MODEL m CHECKPOINT = 'v3' ON t",
         ["SR207 `'v3'` checkpoint not exists: v3 for model m | checkpoints: v1, v1_export"]),
        ("EVALUATE MODEL z CHECKPOINT = 'v1' ON t", ["SR205"]),
        ("EVALUATE MODEL m CHECKPOINT = 'v1' ON nov",
         ["SR402 `nov` table 'nov' has no column 'y', a label of model m | it has: u"]),
        ("EVALUATE MODEL m CHECKPOINT = 'v1' ON t WHERE dt = '{{ dss }}'", ["SR309"]),
    ],
)  # fmt: skip
def test_evaluations(findings: Any, catalog: Any, statement: str, expected: list[str]) -> None:
    table = "CREATE TABLE nov (u INT) WITH (connector = 'parquet', path = 't');"
    assert matches(findings(M + TRAIN.format("v1") + table + statement, catalog), expected)


def test_a_type_that_cannot_be_evaluated(findings: Any) -> None:
    external = M.replace("test.rank", "test.external")
    found = findings(external + "EVALUATE MODEL m CHECKPOINT = 'v1' ON t")
    assert found == [
        "SR213 `m` model type test.external does not support evaluation"
        " | leave the statement out. test.external: For tests."
    ]


# What is shown or dropped


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DESCRIBE MODEL m; DESCRIBE FORMATTED MODEL m; SHOW CREATE MODEL m; SHOW CHECKPOINTS FROM m", []),
        ("DESCRIBE MODEL mm", ["SR205 `mm` model not exists: mm | models: m; CREATE MODEL first"]),
        ("SHOW CREATE MODEL z", ["SR205"]),
        ("SHOW CHECKPOINTS FROM z", ["SR205"]),
        ("DESCRIBE MODEL m CHECKPOINT = 'v1'; DESCRIBE MODEL m CHECKPOINT = 'running'", []),
        ("DESCRIBE MODEL m CHECKPOINT = 'v2'", ["SR207"]),
        ("DESCRIBE SERVICE front; SHOW CREATE SERVICE front", []),
        ("DESCRIBE SERVICE frnt", ["SR206 `frnt` service 'frnt' does not exist | Did you mean 'front'?"]),
        ("SHOW CREATE SERVICE z", ["SR206"]),
        ("DESCRIBE SQL FUNCTION f; SHOW CREATE SQL FUNCTION f; DESCRIBE API a; SHOW CREATE API a", []),
        ("DESCRIBE SQL FUNCTION zz", ["SR240 `zz` function not exists: zz | functions: f"]),
        ("DESCRIBE API apy", ["SR241 `apy` api not exists: apy | APIs: a"]),
        ("DROP API a; DROP SQL FUNCTION f", []),
        ("DROP SQL FUNCTION f", ["SR203 `f` sql function f is used by api: a | DROP API a first"]),
        ("DROP API a; DROP API a", ["SR241 `a` api not exists: a | the script drops it before this line"]),
        ("DROP SQL FUNCTION IF EXISTS zz; DROP API IF EXISTS zz", []),
        ("SHOW MODELS; SHOW MODELS FROM `default`; SHOW MODELS IN sqlrec.`default` NOT LIKE 'a%'", []),
        ("USE fresh; SHOW MODELS FROM fresh", []),
        ("CREATE DATABASE fresh; SHOW MODELS FROM fresh", []),
        ("SHOW MODELS FROM defalt",
         ["SR224 `defalt` database 'sqlrec.defalt' holds no model | Did you mean 'sqlrec.default'?"]),
        ("SHOW SERVICES FROM zzz", []),
        ("DESCRIBE t; DESCRIBE TABLE other; SHOW CREATE TABLE t", []),
        ("DESCRIBE c; CACHE TABLE c AS SELECT 1",
         ["SR227 `c` table 'c' is read before line 1 caches it"
          " | let CACHE TABLE stand before this line, or choose another name for one of the tables"]),
    ],
)  # fmt: skip
def test_what_is_shown(findings: Any, known: Any, statement: str, expected: list[str]) -> None:
    known.put("v1").put("v1_export", EXPORT, service="front").put("running", status=CheckpointStatus.CREATED)
    function = FunctionSpec(name="f", inputs=(), returns="", source="")
    program = Program(name="f", inputs=(), steps=(), returns="")
    known.specified.append(function)
    known.exposed.append(ApiSpec(name="a", function="F", program=program))
    assert matches(findings(statement, known), expected)


def test_an_empty_catalog_says_so(findings: Any, catalog: Any) -> None:
    found = findings("DESCRIBE SQL FUNCTION f; DESCRIBE API a; DESCRIBE MODEL m; DESCRIBE SERVICE s", catalog)
    assert [f.split(" | ")[1] for f in found] == [
        "there is no function yet",
        "there is no API yet",
        "there is no model yet; CREATE MODEL first",
        "there is no service yet",
    ]


def test_an_open_catalog_may_show_anything(findings: Any) -> None:
    assert findings("DESCRIBE MODEL z; DESCRIBE API z; DROP SQL FUNCTION z; SHOW MODELS FROM zz") == []
