from __future__ import annotations

from typing import Any

import pytest

from sqlrec.plan.catalog import OpenCatalog
from sqlrec.spec.model import CheckpointKind, CheckpointStatus

EXPORT = CheckpointKind.EXPORT
M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y', rate = 0.5);"
TRAIN = "TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL m CHECKPOINT = 'v1';"


def matches(found: list[str], expected: list[str]) -> bool:
    return [f[: len(e)] for f, e in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "ALTER MODEL n SET ('rate' = '1')",
            ["SR205 `n` Model n doesn't exist. | models: m; CREATE MODEL first"],
        ),
        ("ALTER MODEL IF EXISTS n SET ('rate' = '1')", []),
        ("ALTER MODEL m RENAME TO n; TRAIN MODEL n CHECKPOINT = 'v1' ON t", []),
        (
            "ALTER MODEL m RENAME TO n; TRAIN MODEL m CHECKPOINT = 'v1' ON t",
            ["SR205 `m` model not exists: m | line 1 renames it"],
        ),
        (
            "ALTER MODEL m RENAME TO lake.d.n",
            [
                "SR226 `lake.d.n` The catalog name of the new model name 'lake.d.n' must be the same as the"
                " old model name 'sqlrec.default.m'. | a model stays in its catalog: RENAME TO sqlrec.d.n"
            ],
        ),
        (M.replace("MODEL m", "MODEL n") + "ALTER MODEL m RENAME TO n",
         ["SR201 `n` Model already exists: n | choose a name that is free"]),
        ("ALTER MODEL m RENAME TO `a b`",
         ["SR211 ``a b`` 'a b' cannot name a model | use letters, digits, _ and -"]),
    ],
)  # fmt: skip
def test_names(findings: Any, known: Any, script: str, expected: list[str]) -> None:
    assert findings(script, known) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("SET ('rate' = '0.9', 'epochs' = '3')", []),
        ("SET (rate = 1, rate = 2)", []),
        ("SET (rat = 1)", ["SR301 `rat` unknown option 'rat' | Did you mean 'rate'?"]),
        ("SET (rate = 'much')", ["SR302"]),
        ("SET (replicas = 3)", ["SR304"]),
        (
            "SET (rate = '{{ ds }}')",
            [
                "SR310 `'{{ ds }}'` a model's definition is the same in every run; templates cannot stand in"
                " it | put what changes into the WITH of TRAIN MODEL"
            ],
        ),
        (
            "SET (model = 'test.towers')",
            [
                "SR317 `model` option 'model' says what type the model has, which stays"
                " | write CREATE OR REPLACE MODEL, or another model"
            ],
        ),
        ("SET (model = 'TEST.rank')", []),
        ("SET (label_columns = '')", ["SR499 `''` no label"]),
        ("RESET ('rate')", []),
        ("RESET (rate, rate)", []),
        (
            "RESET ('label_columns')",
            [
                "SR315 `'label_columns'` option 'label_columns' is required and has no default to go back to"
                " | give it another value: SET ('label_columns' = '…')"
            ],
        ),
        ("RESET ('model')", ["SR315"]),
        ("RESET ('rates')", ["SR301 `'rates'` unknown option 'rates' | Did you mean 'rate'?"]),
        ("RESET ('zzzz')", ["SR301 `'zzzz'` unknown option 'zzzz' | set are: model, label_columns, rate"]),
    ],
)
def test_options(findings: Any, change: str, expected: list[str]) -> None:
    assert matches(findings(M + f"ALTER MODEL m {change}"), expected)


def test_warnings_of_options(compiled: Any) -> None:
    plan = compiled(M + "ALTER MODEL m SET (rate = 1, rate = 2); ALTER MODEL m RESET (epochs)")
    assert [(w.code, w.message) for w in plan.warnings] == [
        ("SR305", "option 'rate' is given twice"),
        ("SR314", "option 'epochs' is not set"),
    ]
    assert plan.steps[1].change.options == {"rate": 2}


def test_options_of_an_unknown_model_are_left_to_the_run(findings: Any) -> None:
    assert findings("ALTER MODEL z SET (anything = 1); ALTER MODEL z RESET (anything)") == []


def test_altered_options_hold_for_the_statements_after(compiled: Any) -> None:
    plan = compiled(
        M + "ALTER MODEL m SET (layers = '8'); ALTER MODEL m RESET (rate); " + "ALTER MODEL m RESET (layers)"
    )
    assert [w.code for w in plan.warnings] == ["SR496"]


def test_what_the_type_says_of_the_altered_model_is_told(findings: Any, known: Any) -> None:
    """Only what the change brings about is an error: the rest was told when the model was created."""
    assert findings("ALTER MODEL m SET (label_columns = 'u,y')", known) == ["SR498 `m` no features"]


# Checkpoints


def test_drop_checkpoint(findings: Any, known: Any) -> None:
    known.put("v1").put("v1_export", EXPORT, service="front").put("v2", status=CheckpointStatus.FAILED)
    for change, expected in [
        ("DROP CHECKPOINT = 'v1'", []),
        ("DROP CHECKPOINT = 'v2'", []),
        ("DROP CHECKPOINT = '{{ ds }}'", []),
        (
            "DROP CHECKPOINT = 'V1_export'",
            [
                "SR203 `'V1_export'` Cannot delete checkpoint v1_export for model m because it is being used"
                " by 1 service(s): front | ALTER SERVICE front SET CHECKPOINT = '…' first, or"
                " DROP SERVICE front"
            ],
        ),
        (
            "DROP CHECKPOINT = 'v3'",
            ["SR207 `'v3'` checkpoint not exists: v3 for model m | checkpoints: v1, v1_export, v2"],
        ),
        ("DROP IF EXISTS CHECKPOINT = 'v3'", []),
        (
            "DROP CHECKPOINT = '@prod'",
            [
                "SR207",
                "SR232 `'@prod'` alias '@prod' cannot stand here: DROP ALIAS takes an alias away"
                " | name the checkpoint itself",
            ],
        ),
    ]:
        assert matches(findings(f"ALTER MODEL m {change}", known), expected)
    assert findings("ALTER MODEL IF EXISTS m DROP CHECKPOINT = 'v3'", known) == []


def test_a_dropped_checkpoint_is_gone(findings: Any) -> None:
    assert findings(
        M + TRAIN + "ALTER MODEL m DROP CHECKPOINT = 'v1'; TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'v1'"
    ) == ["SR207 `'v1'` checkpoint not exists: v1 for model m | model m has none of that kind"]


# Aliases


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("SET ALIAS 'prod' = 'v1_export'", []),
        ("SET ALIAS 'prod' = '{{ ds }}'", []),
        ("SET ALIAS 'prod' = 'v3'", ["SR207 `'v3'` checkpoint not exists: v3 for model m"]),
        ("SET ALIAS 'prod' = 'failed'", ["SR208"]),
        (
            "SET ALIAS 'latest' = 'v1'",
            [
                "SR211 `'latest'` 'latest' cannot name an alias | 'latest', 'v1' and the like, and 'svc-…'"
                " have a meaning in MLflow: use another name"
            ],
        ),
        ("SET ALIAS 'a b' = 'v1'", ["SR211"]),
        (
            "SET ALIAS 'prod' = '@best'",
            ["SR232 `'@best'` alias '@best' cannot stand here: an alias names no other alias"
             " | name the checkpoint itself"],
        ),
        ("DROP ALIAS 'best'", []),
        ("DROP ALIAS 'bst'", ["SR207 `'bst'` alias not exists: bst for model m | Did you mean 'best'?"]),
        ("DROP ALIAS 'zzz'", ["SR207 `'zzz'` alias not exists: zzz for model m | aliases: best"]),
        ("DROP IF EXISTS ALIAS 'zzz'", []),
    ],
)  # fmt: skip
def test_aliases(findings: Any, known: Any, change: str, expected: list[str]) -> None:
    known.put("v1").put("v1_export", EXPORT).put("failed", status=CheckpointStatus.FAILED)
    known.named["sqlrec.default.m", "best"] = known.versions[0]
    assert matches(findings(f"ALTER MODEL m {change}", known), expected)


def test_an_alias_stands_wherever_a_checkpoint_is_asked_for(findings: Any, known: Any) -> None:
    known.put("v1").put("v1_export", EXPORT).put("v2_export", EXPORT)
    known.named["sqlrec.default.m", "Prod"] = known.versions[1]
    known.named["sqlrec.default.m", "best"] = known.versions[0]
    for script, expected in [
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = '@prod'", []),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = '@best'", ["SR209"]),
        ("TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM '@best'", []),
        ("TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM '@prod'", ["SR209"]),
        ("EVALUATE MODEL m CHECKPOINT = '@best' ON t", []),
        ("DESCRIBE MODEL m CHECKPOINT = '@prod'", []),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = '@prd'",
         ["SR207 `'@prd'` alias not exists: prd for model m | Did you mean 'Prod'?"]),
        ("TRAIN MODEL m CHECKPOINT = '@prod' ON t",
         ["SR232 `'@prod'` alias '@prod' cannot stand here: a new checkpoint has a name of its own"
          " | name the checkpoint itself"]),
        ("EXPORT MODEL m CHECKPOINT = '@best'",
         ["SR232 `'@best'` alias '@best' cannot stand here: an export is named after its checkpoint"
          " | name the checkpoint itself"]),
        ("ALTER MODEL m SET ALIAS 'now' = 'v1'; EXPORT MODEL m CHECKPOINT = '@NOW'", []),
        ("ALTER MODEL m DROP ALIAS 'prod'; CREATE SERVICE s ON MODEL m CHECKPOINT = '@prod'",
         ["SR207 `'@prod'` alias not exists: prod for model m | aliases: best"]),
    ]:  # fmt: skip
        assert matches(findings(script, known), expected), script


def test_an_open_catalog_may_know_any_alias(findings: Any) -> None:
    assert findings(M + "CREATE SERVICE s ON MODEL m CHECKPOINT = '@prod'", OpenCatalog()) == []
    assert findings("ALTER MODEL z DROP ALIAS 'a'; ALTER MODEL z DROP CHECKPOINT = 'c'", OpenCatalog()) == []


def test_a_model_keeps_its_checkpoints_and_services_when_it_is_renamed(findings: Any, known: Any) -> None:
    known.put("v1").put("v1_export", EXPORT, service="s").put("v2_export", EXPORT)
    known.named["sqlrec.default.m", "prod"] = known.versions[2]
    script = (
        "ALTER SERVICE s SET CHECKPOINT = 'v2_export'; ALTER MODEL m RENAME TO n;"
        "ALTER SERVICE s SET CHECKPOINT = '@prod'; TRAIN MODEL n CHECKPOINT = 'v2' ON t FROM 'v1';"
        "EXPORT MODEL n CHECKPOINT = 'v2';" + M + "TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'v1'"
    )
    assert matches(
        findings(script, known),
        ["SR207 `'v1'` checkpoint not exists: v1 for model m | model m has none of that kind"],
    )
    assert matches(findings("ALTER MODEL m RENAME TO n; DROP MODEL n", known), ["SR203"])
    made = M + TRAIN + "ALTER MODEL m SET ALIAS 'a' = 'v1'; CREATE SERVICE other ON MODEL o;"
    made += "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'; ALTER MODEL m RENAME TO n;"
    assert findings(made + "EXPORT MODEL n CHECKPOINT = '@a'") == []
    assert matches(findings(made + "DROP MODEL n"), ["SR203"])
    assert findings(made + "DROP SERVICE s; DROP MODEL n") == []
    again = "DROP MODEL m;" + M + "ALTER MODEL m RENAME TO n; EXPORT MODEL n CHECKPOINT = 'v1'"
    known.served.clear()
    assert matches(findings(again, known), ["SR207"])


# Temporary models

TEMPORARY = M.replace("CREATE", "CREATE TEMPORARY")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (TEMPORARY, []),
        (TEMPORARY + TEMPORARY, [
            "SR201 `m` Model already exists: m | line 1 creates it;"
            " write CREATE OR REPLACE MODEL, or CREATE MODEL IF NOT EXISTS"
        ]),
        (TEMPORARY + TEMPORARY.replace("MODEL", "MODEL IF NOT EXISTS"), []),
        (TEMPORARY + TEMPORARY.replace("CREATE", "CREATE OR REPLACE"), []),
        (M + TEMPORARY + "DROP TEMPORARY MODEL m; TRAIN MODEL m CHECKPOINT = 'v1' ON t", []),
        (TEMPORARY + "DESCRIBE MODEL m; SHOW MODELS; SHOW CREATE MODEL m", []),
        (TEMPORARY + "ALTER MODEL m SET (rate = 1)", [
            "SR225 `m` Model m is a temporary model."
            " | it is known to this script alone: create it without TEMPORARY"
        ]),
        (TEMPORARY + "ALTER MODEL IF EXISTS m RENAME TO n", ["SR225"]),
        (TEMPORARY + "TRAIN MODEL m CHECKPOINT = 'v1' ON t", ["SR225"]),
        (
            TEMPORARY + "CREATE TABLE narrow (z INT) WITH (connector = 'csv', path = 'z');"
            "TRAIN MODEL m CHECKPOINT = 'v1' ON narrow",
            ["SR225"],
        ),
        (TEMPORARY + "EXPORT MODEL m CHECKPOINT = 'v1'", ["SR225", "SR207"]),
        (TEMPORARY + "EVALUATE MODEL m CHECKPOINT = 'v1' ON t", ["SR225", "SR207"]),
        (TEMPORARY + "CREATE SERVICE s ON MODEL m", ["SR210", "SR225"]),
        (TEMPORARY + "DROP MODEL m", [
            "SR225 `m` Model m is a temporary model. | write DROP TEMPORARY MODEL m"
        ]),
        ("DROP TEMPORARY MODEL IF EXISTS m", []),
        (M + "DROP TEMPORARY MODEL m", [
            "SR205 `m` temporary model not exists: m | the script has none before this line"
        ]),
        (TEMPORARY + "DROP TEMPORARY MODEL n", [
            "SR205 `n` temporary model not exists: n | temporary models: m"
        ]),
    ],
)  # fmt: skip
def test_temporary_models(findings: Any, catalog: Any, script: str, expected: list[str]) -> None:
    assert matches(findings(script, catalog), expected)


def test_a_temporary_model_shadows_the_registered_one(findings: Any, known: Any) -> None:
    known.put("v1_export", EXPORT, service="s")
    wider = TEMPORARY.replace("u INT", "u INT, v INT")
    rows = "CREATE TABLE t (u INT) WITH (connector = 'parquet', path = 't'); CALL call_service('s', t);"
    assert matches(findings(wider + rows, known), ["SR402"])
    assert findings(wider + "DROP TEMPORARY MODEL m;" + rows, known) == []


# Versions


def test_versions_are_named_by_checkpoints(findings: Any, compiled: Any, known: Any) -> None:
    known.put("v1").put("v2")
    assert findings("EXPORT MODEL `m$2` CHECKPOINT = 'x'", known) == [
        "SR234 ``m$2`` 'm$2': a version of a model is named by its checkpoint"
        " | write m CHECKPOINT = 'v2'; SHOW CHECKPOINTS FROM m lists them"
    ]
    for name in ("`m$7`", "`m$all`", "`x y`.`m$1`"):
        assert matches(findings(f"DROP MODEL {name}", known), ["SR234"])
    for name in ("`m$x`", "`$2`"):
        assert matches(findings(f"DROP MODEL {name}", known), ["SR211"])
    steps = compiled("DESCRIBE MODEL `m$2`; SHOW CREATE MODEL `m$all`", known).steps
    assert [(s.id, s.name) for s in steps] == [
        ("describe_model_m_2", "sqlrec.default.m$2"),
        ("show_create_model_m_all", "sqlrec.default.m$all"),
    ]
    assert matches(findings("DESCRIBE MODEL `n$2`", known), ["SR205"])
