"""What is told of changes of models and services, in worlds with and without them."""

from __future__ import annotations

from typing import Any

import pytest

from sqlrec.plan.catalog import OpenCatalog
from sqlrec.plan.explain import explain, explain_step
from sqlrec.plan.explanation import render_step
from sqlrec.spec.model import CheckpointKind

EXPORT = CheckpointKind.EXPORT
M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y', rate = 0.5);"


@pytest.fixture
def changes(compiled: Any, fake_types: Any) -> Any:
    def of(script: str, catalog: Any) -> list[str]:
        steps = explain(compiled(script), catalog, fake_types).steps
        return [f"{s.change} {s.detail}".strip() for s in steps]

    return of


@pytest.mark.parametrize(
    ("statement", "existing", "empty", "opened"),
    [
        ("ALTER MODEL m RENAME TO n", "changed", "unchanged does not exist", "changed"),
        ("ALTER MODEL m SET (rate = 1)", "changed rate was not set", "unchanged does not exist",
         "known when it runs"),
        ("ALTER MODEL m SET (label_columns = 'y')", "unchanged it is so already", "unchanged does not exist",
         "known when it runs"),
        ("ALTER MODEL m RESET (rate)", "unchanged it is so already", "unchanged does not exist",
         "known when it runs"),
        ("ALTER MODEL m DROP CHECKPOINT = 'v1'", "dropped", "unchanged does not exist", "known when it runs"),
        ("ALTER MODEL m SET ALIAS 'prod' = 'v1'", "changed names v1 now", "unchanged does not exist",
         "known when it runs"),
        ("ALTER MODEL m SET ALIAS 'new' = 'v1'", "new", "unchanged does not exist", "known when it runs"),
        ("ALTER MODEL m DROP ALIAS 'PROD'", "dropped", "unchanged does not exist", "known when it runs"),
        ("EVALUATE MODEL m CHECKPOINT = 'v1' ON t", *["changed its metrics are recorded"] * 3),
        ("ALTER SERVICE s SET CHECKPOINT = 'v1_export'", "unchanged serves v1_export now",
         "unchanged does not exist", "known when it runs"),
        ("ALTER SERVICE s SET CHECKPOINT = 'v2_export'", "changed serves v1_export now",
         "unchanged does not exist", "known when it runs"),
        ("ALTER SERVICE s SET (replicas = 2)", "changed serves v1_export now", "unchanged does not exist",
         "known when it runs"),
        ("ROLLBACK SERVICE s", "changed serves v1_export now", "unchanged does not exist",
         "known when it runs"),
        ("CREATE TEMPORARY MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y')",
         *["new known to this script alone"] * 3),
        ("DROP TEMPORARY MODEL IF EXISTS m", *["unchanged does not exist"] * 3),
        ("ASSERT SELECT TRUE", *["unchanged"] * 3),
        ("SHOW MODELS", *["unchanged"] * 3),
        ("EXPLAIN DROP MODEL m", *["unchanged"] * 3),
        ("IF (SELECT TRUE) THEN (DROP MODEL m)", *["known when it runs"] * 3),
    ],
)  # fmt: skip
def test_what_becomes_of_things(
    changes: Any, catalog: Any, known: Any, statement: str, existing: str, empty: str, opened: str
) -> None:
    known.put("v1").put("v1_export", EXPORT, service="s")
    known.named["sqlrec.default.m", "prod"] = known.versions[0]
    assert changes(statement, known) == [existing]
    assert changes(statement, catalog) == [empty]
    assert changes(statement, OpenCatalog()) == [opened]


def test_a_checkpoint_made_anew_changes_its_service(changes: Any, known: Any) -> None:
    known.put("v1").put("v1_export", EXPORT, service="s")
    script = (
        "EXPORT MODEL m CHECKPOINT = 'v1'; ALTER SERVICE s SET CHECKPOINT = 'v1_export'; DROP SERVICE s;"
        "ALTER SERVICE IF EXISTS s PROMOTE"
    )
    assert changes(script, known)[1:] == [
        "changed serves v1_export now",
        "dropped",
        "unchanged does not exist",
    ]


def test_a_service_without_a_checkpoint_goes_on(changes: Any, catalog: Any) -> None:
    external = M.replace("test.rank", "test.external").replace(", rate = 0.5", "")
    assert (
        changes(external + "CREATE SERVICE s ON MODEL m; ALTER SERVICE s SET (replicas = 2)", catalog)[2]
        == "changed"
    )


def test_options_of_a_service_are_those_that_are_written(compiled: Any, known: Any, fake_types: Any) -> None:
    known.put("v1_export", EXPORT, service="s")
    plan = compiled(
        "ALTER SERVICE s SET CHECKPOINT = 'v1_export' WITH (replicas = 2); ALTER SERVICE z SET (k = 1)"
    )
    first, second = explain(plan, known, fake_types).steps
    assert [(o.key, o.value, o.origin) for o in first.options] == [("replicas", 2, "statement")]
    assert [(o.key, o.value, o.origin) for o in second.options] == [("k", 1, "statement")]


def test_explain_tells_options_partitions_and_row_filter(compiled: Any, known: Any, fake_types: Any) -> None:
    plan = compiled(
        "CREATE TABLE t (u INT, y INT, dt STRING) PARTITIONED BY (dt)"
        " WITH (connector = 'parquet', path = 't');"
        "EXPLAIN TRAIN MODEL m CHECKPOINT = 'v1' ON t WHERE dt = 'a' AND u > 3 WITH (epochs = 2)"
    )
    told = explain_step(plan.steps[0], known, fake_types)
    assert [(d.pruning, d.filters) for d in told.data] == [(("dt = 'a'",), ("u > 3",))]
    assert {o.key: (o.value, o.origin) for o in told.options}["epochs"] == (2, "statement")
    assert "partitions where dt = 'a'" in render_step(told)


def test_words_of_other_changes(compiled: Any, catalog: Any, fake_types: Any) -> None:
    plan = compiled(
        M
        + "ALTER SERVICE s SET (replicas = 2); DROP TEMPORARY MODEL IF EXISTS z; SHOW MODELS FROM `default`;"
        "SHOW TABLES LIKE 'a%'; DESCRIBE API a; IF TIMEIN (SELECT 1) THEN (CACHE TABLE c AS SELECT 1)"
        " ELSE (CACHE TABLE c AS SELECT 2); INSERT OVERWRITE t SELECT 1; CREATE SERVICE e ON MODEL x"
    )
    assert [s.does for s in explain(plan, catalog, fake_types).steps[1:]] == [
        "set replicas of service s",
        "forget temporary model z",
        "show models of sqlrec.default",
        "show tables like 'a%'",
        "describe API a",
        "within the milliseconds that a query over no table gives, run a query into cache table c;"
        " if it takes longer, run a query into cache table c",
        "replace t, or the partitions written, by the rows of a query",
        "serve model x as e",
    ]
