from __future__ import annotations

from typing import Any

import pytest

from sqlrec.plan.plan import InspectStep, ScoreStep, TrainStep
from sqlrec.plan.script_options import effective_settings
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.options import Effective

M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
CALL = "CALL call_service('s', t);"


def steps(plan: Any, kind: type) -> list[Any]:
    return [step for step in plan.steps if isinstance(step, kind)]


# SET and RESET


def test_settings_of_scoring_act_on_the_calls_after_them(compiled: Any) -> None:
    plan = compiled(
        CALL
        + "SET 'score.batch_size' = 10;"
        + CALL
        + "SET 'score.batch_size' = 20; SET 'score.attempts' = 2;"
        + CALL
        + "RESET 'score.batch_size';"
        + CALL
        + "RESET;"
        + CALL
    )
    assert [step.options for step in steps(plan, ScoreStep)] == [
        {},
        {"batch_size": 10},
        {"batch_size": 20, "attempts": 2},
        {"attempts": 2},
        {},
    ]
    assert plan.settings == {}


def test_options_of_the_dag_hold_for_the_whole_script(compiled: Any) -> None:
    plan = compiled(CALL + "SET 'dag.retries' = 2; SET 'dag.pool' = 'small'; RESET 'dag.pool'; SET x = 'y'")
    assert plan.settings == {"dag.retries": 2}
    assert effective_settings(plan.settings)["dag.pool"] == Effective("default_pool", "default")
    assert compiled("SET 'dag.retries' = 2; RESET").settings == {}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SET 'mine' = 1; SET 'table.sql-dialect' = 'default'; RESET mine", []),
        (
            "SET 'dag.retires' = 1",
            ["SR301 `'dag.retires'` unknown option 'dag.retires' | Did you mean 'dag.retries'?"],
        ),
        (
            "RESET 'dag.retires'",
            ["SR301 `'dag.retires'` unknown option 'dag.retires' | Did you mean 'dag.retries'?"],
        ),
        ("RESET 'dag.retries'", []),
        ("RESET 'score.nothing_like_it'", ["SR301"]),
        ("SET 'mine' = '{{ ds }}'", ["SR310"]),
        ("SET 'mine' = '{{ secret.x }}'", ["SR310"]),
        ("SET 'my.api_key' = 'hello'", ["SR306"]),
        ("SET 'my.api_key' = ''", []),
        ("SET 'mine' = 'sk-0123456789abcdefghij'", ["SR306"]),
        ("SET 'my.api_key' = '{{ secret.x }}'", ["SR310"]),
    ],
)
def test_keys_of_settings(findings: Any, script: str, expected: list[str]) -> None:
    found = findings(script)
    assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


def test_a_variable_that_looks_like_an_option_is_told(compiled: Any) -> None:
    plan = compiled("SET 'dags.retries' = 3; SET 'people' = 1; RESET 'peple'; RESET 'zzz'")
    assert [(w.code, w.hint) for w in plan.warnings] == [
        ("SR312", "Did you mean 'dag.retries'?"),
        ("SR314", "Did you mean 'people'?"),
        ("SR314", "leave it out, or SET it before"),
    ]


def test_a_wrong_setting_does_not_come_into_force(findings: Any) -> None:
    script = "SET 'score.missing_features' = 'maybe';" + M
    assert [f[:5] for f in findings(script)] == ["SR303"]


def test_set_alone_shows_the_settings_in_force(compiled: Any) -> None:
    plan = compiled("SET 'a' = 1; SET 'dag.retries' = 2; SET; RESET 'a'; SET;")
    assert [step.settings for step in steps(plan, InspectStep)] == [
        {"a": 1, "dag.retries": 2},
        {"dag.retries": 2},
    ]


# GET and GET_OR_DEFAULT


def test_variables_become_services_functions_and_tables(compiled: Any) -> None:
    plan = compiled(
        "SET 'where' = 'ranker'; SET 'rows' = 'db.t'; SET 'how' = 'call_service';"
        "CALL call_service(GET('where'), GET('rows'));"
        "SET 'where' = 'other';"
        "CREATE TABLE u (a INT) WITH (connector = 'csv', path = 'u');"
        "CALL GET('how')(GET('where'), GET_OR_DEFAULT('cols', 't')) LIKE u;"
    )
    first, second = steps(plan, ScoreStep)
    assert (first.service, list(first.inputs.sources)) == ("ranker", ["db.t"])
    assert (second.service, list(second.inputs.sources)) == ("other", ["t"])
    assert first.sql == "CALL call_service('ranker', db.t)"


def test_variables_within_other_statements(compiled: Any) -> None:
    plan = compiled(
        "SET s = 'a'; IF (SELECT TRUE) THEN (CALL call_service(GET('s'), t))"
        " ELSE (CALL call_service(GET_OR_DEFAULT('z', 'b'), t));"
        "EXPLAIN CALL call_service(GET('s'), t)"
    )
    branching, explaining = plan.steps
    assert (branching.then.service, branching.otherwise.service) == ("a", "b")
    assert explaining.step.service == "a"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "CALL call_service(GET('s'), t)",
            "SR313 `'s'` variable 's' has no value | write before this line: SET 's' = '…'",
        ),
        (
            "SET 'servce' = 'x'; CALL call_service(GET('service'), t)",
            "SR313 `'service'` variable 'service' has no value | Did you mean 'servce'?",
        ),
        (
            "SET 'a' = 'x'; SET 'b' = 'y'; CALL call_service(GET('something'), t)",
            "SR313 `'something'` variable 'something' has no value | set before this line: a, b",
        ),
        (
            "IF (SELECT TRUE) THEN (CALL call_service(GET('s'), t))",
            "SR313 `'s'` variable 's' has no value | write before this line: SET 's' = '…'",
        ),
    ],
)
def test_unknown_variables(findings: Any, script: str, expected: str) -> None:
    assert findings(script) == [expected]


def test_a_cached_table_of_a_call_with_an_unknown_variable_is_not_missed(findings: Any) -> None:
    found = findings("CACHE TABLE c AS CALL call_service(GET('s'), t); SELECT * FROM c")
    assert [f[:5] for f in found] == ["SR313"]


# USE


def test_use_makes_short_names_resolve_there(compiled: Any) -> None:
    train = "TRAIN MODEL {} CHECKPOINT = 'v1' ON t;"
    plan = compiled(
        train.format("m")
        + "USE ctr;"
        + train.format("m")
        + "USE lake.offers;"
        + train.format("m")
        + train.format("ctr.m")
        + "USE CATALOG sqlrec;"
        + train.format("m")
        + "USE DATABASE ctr;"
        + train.format("default.m")
    )
    assert [step.model.full for step in steps(plan, TrainStep)] == [
        "sqlrec.default.m",
        "sqlrec.ctr.m",
        "lake.offers.m",
        "lake.ctr.m",
        "sqlrec.default.m",
        "sqlrec.default.m",
    ]


def test_definitions_and_checks_follow_the_current_database(findings: Any, catalog: Any) -> None:
    script = "USE ctr;" + M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL ctr.m CHECKPOINT = 'v1';"
    assert findings(script, catalog) == []
    assert findings(script + "USE `default`; DROP MODEL m", catalog) == [
        "SR205 `m` model not exists: m | models: sqlrec.ctr.m; CREATE MODEL first"
    ]


def test_a_database_that_is_nearly_one_of_ours_is_told(compiled: Any) -> None:
    script = "CREATE MODEL ranking.m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
    plan = compiled(script + "USE rankings; USE other; USE ranking; USE CATALOG sqlrecs; USE CATALOG lake")
    assert [(w.code, w.hint) for w in plan.warnings] == [
        ("SR224", "Did you mean 'sqlrec.ranking'?"),
        ("SR224", "Did you mean 'sqlrec'?"),
    ]
    assert compiled("CREATE DATABASE rankings; USE rankings; USE rankings").warnings == ()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("USE `a b`", ["SR211 ``a b`` 'a b' cannot name a database | use letters, digits, _ and -"]),
        ("USE CATALOG `a/b`", ["SR211 ``a/b`` 'a/b' cannot name a catalog | use letters, digits, _ and -"]),
        ("CREATE DATABASE `a b`", ["SR211"]),
        (
            "CREATE DATABASE d WITH ('k' = 'v')",
            ["SR213 `'k'` a database has no options | leave WITH (…) out"],
        ),
    ],
)
def test_names_of_databases(findings: Any, script: str, expected: list[str]) -> None:
    found = findings(script)
    assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


def test_a_registered_model_of_another_database_is_found(findings: Any, known: Any) -> None:
    known.put("v1_export", CheckpointKind.EXPORT, service="s")
    assert findings("USE ctr; DROP MODEL `default`.m", known) == [
        "SR203 ``default`.m` Cannot delete model m because it is being used by 1 service(s): s"
        " | DROP SERVICE s first"
    ]


def test_flush_makes_no_step(compiled: Any) -> None:
    assert compiled("FLUSH; SELECT 1").steps[0].id == "select_values"
