from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sqlrec.plan.ids import MAX_LENGTH, step_ids
from sqlrec.plan.plan import QueryMode, QueryStep
from sqlrec.spec.table import Relation, TableFormat, TableSource


def cache(name: str, query: str = "") -> QueryStep:
    target = TableSource(name=name, format=TableFormat.CACHE)
    return QueryStep(id="", line=0, sql="", mode=QueryMode.CACHE, query=Relation(query=query), target=target)


def test_ids_say_what_a_step_does(compiled: Any) -> None:
    plan = compiled(
        "CREATE MODEL Rank (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
        "TRAIN MODEL rank CHECKPOINT = '{{ ds }}' ON t; EXPORT MODEL rank CHECKPOINT = '{{ ds }}';"
        "CREATE SERVICE `rank-2` ON MODEL rank CHECKPOINT = '{{ ds }}_export';"
        "CACHE TABLE scored AS CALL call_service('rank-2', t); CALL call_service('rank-2', db.t);"
        "INSERT INTO t SELECT 1; INSERT OVERWRITE t SELECT 1; SELECT 1; CACHE TABLE c AS SELECT * FROM d;"
        "DROP SERVICE `rank-2`; DROP MODEL rank"
    )
    assert [step.id for step in plan.steps] == [
        "define_rank",
        "train_rank",
        "export_rank",
        "deploy_rank_2",
        "score_scored",
        "score_db_t",
        "insert_t",
        "overwrite_t",
        "select_values",
        "cache_c",
        "drop_service_rank_2",
        "drop_model_rank",
    ]


def test_steps_that_would_share_an_id_are_told_apart_by_what_they_do(compiled: Any) -> None:
    first = "TRAIN MODEL m CHECKPOINT = 'v1' ON t;"
    second = "TRAIN MODEL m CHECKPOINT = 'v2' ON t;"
    select = "SELECT * FROM t WHERE a = 1;"
    one = [s.id for s in compiled(first + second + select + "SELECT * FROM t").steps]
    other = [s.id for s in compiled("SELECT * FROM t;\n-- moved\n" + select + second + first).steps]
    assert one[:2] == ["train_m_v1", "train_m_v2"]
    assert re.fullmatch("select_t_[0-9a-f]{6}", one[2])
    assert set(one) == set(other)
    assert [s.id for s in compiled(first).steps] == ["train_m"]


def test_ids_do_not_depend_on_what_the_catalog_knows(compiled: Any, known: Any) -> None:
    known.put("v1_export", service="s")
    script = (
        "ALTER SERVICE s SET (replicas = 1); ALTER SERVICE s SET CHECKPOINT = 'v1_export';"
        "IF (SELECT TRUE) THEN (ALTER SERVICE s SET CHECKPOINT = 'v1_export') ELSE (DROP SERVICE s);"
        "IF (SELECT FALSE) THEN (ALTER SERVICE s SET CHECKPOINT = 'v1_export');"
        "EXPLAIN ALTER SERVICE s PROMOTE; EXPLAIN ALTER SERVICE s SET CHECKPOINT = 'v1_export'"
    ).replace("v1_export", "{{ ds }}_export")
    ids = [s.id for s in compiled(script).steps]
    assert ids == [s.id for s in compiled(script, known).steps]
    assert len(set(ids)) == 6


def test_the_same_statement_twice_is_counted(compiled: Any) -> None:
    ids = [s.id for s in compiled("SELECT 1; SELECT 1; SELECT 1").steps]
    assert ids[1:] == [f"{ids[0]}_2", f"{ids[0]}_3"]


def test_models_of_two_databases_are_told_apart(compiled: Any) -> None:
    ids = [s.id for s in compiled("DROP MODEL a.m; DROP MODEL b.m").steps]
    assert len(set(ids)) == 2


def test_a_counted_id_never_takes_one_that_is_given() -> None:
    twice = step_ids([cache("a", "x"), cache("a", "x")])
    name = twice[1].removeprefix("cache_")
    ids = step_ids([cache("a", "x"), cache(name), cache("a", "x")])
    assert ids == [twice[0], twice[1], f"{twice[0]}_3"]


@given(st.lists(st.text(max_size=200), max_size=6))
def test_ids_are_valid_and_unique(names: list[str]) -> None:
    ids = step_ids([cache(name) for name in names])
    assert len(set(ids)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+", i) and len(i) <= MAX_LENGTH + 8 for i in ids)
