"""What is offered at a place: what the grammar allows there, and what there is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.assist.candidates import CandidateKind
from sqlrec.assist.completion import complete
from sqlrec.assist.world import Project
from sqlrec.plan.catalog import OpenCatalog
from tests.assist.conftest import SCRIPT, Ask

DEEP = ("dcn_v2", "deepfm", "din", "dlrm", "dssm", "mmoe", "wide_and_deep")
NAMED = [
    "external",
    *(f"gbdt.{name}" for name in ("catboost", "lightgbm", "xgboost")),
    *(f"tzrec.{name}" for name in DEEP),
]
"""Types that `model` names; the others are named by `provider`, `type` and `algorithm`."""
PAIR = "CREATE SERVICE pair ON MODELS (m CHECKPOINT = 'v1_export', m CHECKPOINT = '@prod');"


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("TRA|", ["TRAIN MODEL"]),
        ("EXPLAIN tra|", ["TRAIN MODEL"]),
        ("TRAIN |", ["MODEL"]),
        (
            "CREATE |",
            [
                "OR REPLACE",
                "TEMPORARY",
                "TEMP",
                "MODEL",
                "SERVICE",
                "TABLE",
                "VIEW",
                "DATABASE",
                "SQL FUNCTION",
                "API",
            ],
        ),
        ("CREATE TEMPORARY |", ["MODEL", "TABLE", "VIEW"]),
        ("CREATE MODEL x |", ["INPUT", "OUTPUT", "COMMENT", "WITH", "AS"]),
        ("CREATE MODEL x (a INT) |", ["COMMENT", "WITH", "AS"]),
        ("CREATE MODEL x (a INT N|", ["NOT NULL"]),
        ("CREATE SERVICE x ON MODELS (m |", ["CHECKPOINT ="]),
        ("CREATE SERVICE x |", ["ON MODEL", "ON MODELS"]),
        ("ALTER SERVICE s |", ["SET CHECKPOINT =", "SET", "RESET", "PROMOTE"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON t |", ["WHERE", "VALIDATE ON", "FROM", "WITH"]),
        ("SHOW CHECKPOINTS |", ["FROM", "IN", "m", "other.db.known"]),
        ("-- TRA|", []),
        ("/* TRA|", []),
        ("/* TRA */ TRA|", ["TRAIN MODEL"]),
        ("DROP MODEL m |", []),
        ("xyz |", []),
        ("RETURN |", ["behavior", "db.`rank`", "items", "cached"]),
    ],
)
def test_words_and_clauses(offered: Ask, marked: str, texts: list[str]) -> None:
    assert offered(marked) == texts


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("DROP MODEL |", ["IF EXISTS", "m", "other.db.known"]),
        ("DROP MODEL other.|", ["other.db.known"]),
        ("DROP MODEL OTHER.DB.k|", ["other.db.known"]),
        ("CREATE MODEL |", ["IF NOT EXISTS"]),
        ("CREATE OR REPLACE MODEL |", ["IF NOT EXISTS", "m", "other.db.known"]),
        ("CREATE DATABASE |", ["IF NOT EXISTS"]),
        ("CACHE TABLE |", []),
        ("DECLARE |", []),
        ("CREATE SERVICE x ON MODEL |", ["m", "other.db.known"]),
        ("DROP SERVICE |", ["IF EXISTS", "s", "prior"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON |", ["behavior", "db.`rank`", "items", "cached"]),
        ("DROP SQL FUNCTION |", ["IF EXISTS", "call_service", "call_service_with_qv", "enrich"]),
        ("DROP API |", ["IF EXISTS", "feed"]),
        ("CREATE API x WITH |", ["call_service", "call_service_with_qv", "enrich"]),
        ("SHOW MODELS FROM |", ["sqlrec.`default`", "other.db"]),
        ("USE |", ["CATALOG", "DATABASE", "sqlrec.`default`", "other.db"]),
        ("USE CATALOG |", ["sqlrec", "other"]),
        ("SHOW CREATE MODEL |", ["m", "other.db.known"]),
        ("SHOW CREATE SERVICE |", ["s", "prior"]),
        ("SHOW CREATE SQL FUNCTION e|", ["enrich"]),
        ("SHOW CREATE API |", ["feed"]),
        ("SHOW CREATE VIEW c|", ["cached"]),
        ("CALL |", ["call_service", "call_service_with_qv", "enrich", "GET", "GET_OR_DEFAULT"]),
        (
            "CALL call_service(|",
            ["behavior", "db.`rank`", "items", "cached", "'s'", "'prior'", "GET", "GET_OR_DEFAULT"],
        ),
        ("CALL call_service('|", ["s", "prior"]),
        ("CACHE TABLE x AS CALL call_service('p|", ["prior"]),
        ("CALL f(GET('|", ["top"]),
        ("INSERT INTO items |", ["SELECT", "WITH", "VALUES"]),
        ("CREATE TABLE x (a INT, b INT) PARTITIONED BY (|", ["a", "b"]),
        ("DECLARE x BI|", ["BIGINT", "BINARY"]),
        ("CREATE MODEL x (a DOU|", ["DOUBLE"]),
    ],
)
def test_names(offered: Ask, marked: str, texts: list[str]) -> None:
    assert offered(marked) == texts


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("TRAIN MODEL m CHECKPOINT = |", ["'{{ ds_nodash }}'", "'v1_export'", "'v1'"]),
        ("EXPORT MODEL m CHECKPOINT = '|", ["v1", "@prod"]),
        ("CREATE SERVICE x ON MODEL m CHECKPOINT = '|", ["v1_export", "@prod"]),
        ("CREATE SERVICE x ON MODELS (m, other.db.known CHECKPOINT = '|", ["w1_export/user"]),
        ("CREATE SERVICE x ON MODELS (other.db.known, m CHECKPOINT = '|", ["v1_export", "@prod"]),
        ("CREATE SERVICE x ON MODELS (|", ["m", "other.db.known"]),
        ("ALTER SERVICE s SET CHECKPOINT = '|", ["v1_export", "v1", "@prod"]),
        ("ROLLBACK SERVICE prior TO CHECKPOINT = '|", ["w1_export/user", "w1"]),
        ("DESCRIBE MODEL other.db.known CHECKPOINT = |", ["'w1_export/user'", "'w1'"]),
        ("EVALUATE MODEL nope CHECKPOINT = '|", []),
        ("EVALUATE MODEL `` CHECKPOINT = '|", []),
        ("ALTER MODEL m DROP ALIAS '|", ["prod"]),
        ("ALTER MODEL nope DROP ALIAS '|", []),
        ("IF (SELECT 1) THEN (EXPORT MODEL m CHECKPOINT = '|", ["v1", "@prod"]),
        ("ALTER SERVICE nope SET CHECKPOINT = '|", []),
    ],
)
def test_checkpoints(offered: Ask, marked: str, texts: list[str]) -> None:
    assert offered(marked) == texts


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("CREATE MODEL x WITH (|", ["model", "provider", "type", "algorithm"]),
        ("CREATE MODEL x WITH (model = |", [f"'{name}'" for name in NAMED]),
        ("CREATE MODEL x WITH (model = '|", NAMED),
        ("CREATE MODEL x WITH (type = '|", ["import", "remote", "training"]),
        ("CREATE MODEL x WITH (type = 'training', algorithm = 'l|", ["linear_reg", "logistic_reg"]),
        ("CREATE MODEL x WITH (provider = 'open|", ["openai", "openai-compat"]),
        ("CREATE MODEL x WITH (provider = 'openai', model = '|", []),
        ("CREATE SERVICE x ON MODEL m WITH (model = '|", []),
        (
            "CREATE MODEL x (u INT, y INT) WITH (model = 'test.rank', |",
            ["label_columns", "layers", "column.u.size", "column.y.size", "epochs", "rate"],
        ),
        (
            "CREATE MODEL x (u INT, y INT) WITH (model = 'test.rank', epochs = 1, layers = '1', COLUMN.u.|",
            ["column.u.size"],
        ),
        ("CREATE MODEL x (u INT, y ARRAY<INT>) WITH (model = 'test.rank', label_columns = |", ["'u'", "'y'"]),
        ("CREATE MODEL x (u INT, y INT) WITH (model = 'test.rank', label_columns = 'u, |", ["u", "y"]),
        ("CREATE MODEL x (u INT, y INT) WITH (model = 'test.rank', layers = |", ["'64,32'"]),
        ("CREATE MODEL x (u INT, y INT) WITH (model = 'test.rank', layers = '8,|", []),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (|", ["epochs", "rate", "api_key"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON t WITH ('e|", ["epochs"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (epochs = |", ["1"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (nope = |", []),
        ("TRAIN MODEL nope CHECKPOINT = 'v' ON t WITH (|", []),
        ("CREATE SERVICE x ON MODEL m WITH (|", ["replicas", "follow", "api_key"]),
        ("CREATE SERVICE x ON MODELS (m, m) WITH (r|", ["replicas", "routing"]),
        ("CREATE SERVICE x ON MODELS (m, m) WITH (routing = |", ["'speculative'", "'shadow'", "'split'"]),
        (f"{PAIR} ALTER SERVICE pair SET (w|", ["weights"]),
        ("CREATE API x WITH f WITH (a|", ["auth_token_file", "auth_token_env", "access_log"]),
        ("CREATE API x WITH f WITH (access_log = |", ["TRUE", "FALSE"]),
        ("CREATE API x WITH f WITH (pod_g|", []),
        ("CREATE API x WITH f |", ["WITH"]),
        ("ALTER SERVICE s SET (|", ["replicas", "follow", "api_key"]),
        ("ALTER SERVICE nope SET (|", []),
        ("ALTER MODEL m RESET (l|", ["label_columns", "layers"]),
        ("ALTER MODEL m SET (label_columns = |", ["'user_id'", "'item_id'", "'y'"]),
        ("ALTER MODEL IF EXISTS m SET (l|", ["label_columns", "layers"]),
        ("EXPLAIN TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (e|", ["epochs"]),
        ("CREATE DATABASE x WITH (|", []),
        ("CREATE TABLE x WITH (p|", ["path"]),
        ("CREATE TABLE x WITH (connector = |", ["'parquet'", "'csv'"]),
        ("CREATE TABLE x WITH (connector = 'csv', header = |", ["TRUE", "FALSE"]),
        ("SET dag.sch|", ["dag.schedule"]),
        ("SET 'dag.sch|", ["dag.schedule"]),
        ("RESET dag.ow|", ["dag.owner"]),
        ("SET 'dag.retries' = |", ["0"]),
        ("SET nope = |", []),
        ("DECLARE x INT DEFAULT |", []),
    ],
)
def test_options(offered: Ask, marked: str, texts: list[str]) -> None:
    assert offered(marked) == texts


def test_a_pattern_that_is_about_no_column_is_offered_up_to_its_name(project: Project) -> None:
    text = (
        "CREATE MODEL x (u INT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y'); "
        "TRAIN MODEL x CHECKPOINT = 'v' ON t WITH (kubernetes."
    )
    found = [c.text for c in complete(text, len(text), Project(catalog=OpenCatalog()))]
    assert "kubernetes.env." in found


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        (
            "SELECT * FROM |",
            ["behavior", "db.`rank`", "items", "cached", "ML_PREDICT", "ML_EVALUATE", "VECTOR_SEARCH"],
        ),
        ("SELECT * FROM items, c|", ["cached"]),
        ("SELECT f(a, i| FROM items", ["item_id", "IN", "IS NULL", "INTERVAL"]),
        ("SELECT pr| FROM items", ["price"]),
        ("SELECT i.| FROM items AS i, behavior b", ["item_id", "price"]),
        ("SELECT items.| FROM items", ["item_id", "price"]),
        ("SELECT b.| FROM items i JOIN behavior b", ["user_id", "dt"]),
        ("SELECT x.| FROM items", []),
        ("SELECT u| FROM items JOIN behavior ON TRUE", ["user_id", "UNION ALL"]),
        ("SELECT item| FROM items JOIN items ON TRUE", ["item_id"]),
        ("SELECT * FROM ML_PREDICT(TABLE |", ["behavior", "db.`rank`", "items", "cached"]),
        ("SELECT * FROM ML_PREDICT(TABLE items, MODEL |", ["m", "other.db.known"]),
        ("SELECT * FROM ML_PREDICT(TABLE items, MODEL m, DESCRIPTOR(|", ["item_id", "price"]),
        ("SELECT * FROM ML_PREDICT(TABLE items, MODEL m, DESCRIPTOR(f(a), |", ["item_id", "price"]),
        ("SELECT * FROM items WHERE price > 1 LI|", ["LIMIT", "LIKE"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON items WHERE p|", ["price"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON items WHERE price, p|", ["price"]),
        ("SELECT ml_p| FROM db.rank", ["ML_PREDICT"]),
        ("TRAIN MODEL m CHECKPOINT = 'v' ON (SELECT p| FROM items)", ["price"]),
        ("IF (SELECT 1) THEN (CACHE TABLE x AS SELECT * FROM b|", ["behavior"]),
        ("VALUES (1), (|", None),
        ("INSERT INTO items (pr|", ["price"]),
        ("INSERT OVERWRITE items (item_id, pr|", ["price"]),
        ("ASSERT |", ["SELECT", "WITH", "VALUES"]),
        ("ASSERT S|", ["SELECT"]),
        ("SELECT * FROM items; SELECT pr|", []),
    ],
)
def test_inside_queries(offered: Ask, marked: str, texts: list[str] | None) -> None:
    found = offered(marked)
    assert found == texts if texts is not None else "SELECT" in found


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        (
            "TRAIN MODEL m CHECKPOINT = '{{|",
            [
                "{{ ds }}",
                "{{ ds_nodash }}",
                "{{ ts }}",
                "{{ ts_nodash }}",
                "{{ logical_date }}",
                "{{ run_id }}",
                "{{ params.day }}",
            ],
        ),
        ("TRAIN MODEL m CHECKPOINT = 'x{{  ds_|", ["{{ ds_nodash }}"]),
        ("SELECT '{{ par|", ["{{ params.day }}"]),
        ("SELECT '{{ ds }} |", []),
        ("SELECT `{{ ds|", []),
    ],
)
def test_templates(offered: Ask, marked: str, texts: list[str]) -> None:
    assert offered(marked) == texts


def test_a_candidate_says_what_it_replaces_and_what_it_is(project: Project) -> None:
    text = SCRIPT + "TRAIN MODEL m CHECKPOINT = 'x{{ ds"
    (first, _) = complete(text, len(text), project)
    assert text[first.start : first.end] == "{{ ds"
    assert first.kind is CandidateKind.TEMPLATE
    text = SCRIPT + "DROP MODEL other.db"
    (found,) = complete(text, len(text), project)
    assert (text[found.start : found.end], found.detail) == ("other.db", "model")
    text = SCRIPT + "SELECT items.pr FROM items"
    (found,) = complete(text, len(text) - len(" FROM items"), project)
    assert (text[found.start : found.end], found.detail) == ("pr", "DOUBLE of items")
    (found,) = complete("tra", 3, project)
    assert (found.detail, found.doc.startswith("**TRAIN MODEL**")) == ("Training and export", True)
    text = SCRIPT + "TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (epo"
    (found,) = complete(text, len(text), project)
    assert found.detail == "int, at least 1, default 1"
    assert found.doc == "**epochs** (int, at least 1, default 1), in CREATE MODEL, TRAIN MODEL\n\nPasses."


def test_quotes_in_strings_are_doubled(project: Project) -> None:
    text = SCRIPT + "TRAIN MODEL m CHECKPOINT = 'it''s' ON t; EXPORT MODEL m CHECKPOINT = "
    assert "'it''s'" in [c.text for c in complete(text, len(text), project)]
    assert "it''s" in [c.text for c in complete(text + "'", len(text) + 1, project)]
    assert "it's" in [c.text for c in complete(text + '"', len(text) + 1, project)]


PIECES = st.sampled_from(
    [
        *("CREATE", "MODEL", "m", "(", "a", "INT", ")", "WITH", "model", "=", "'x'", ",", "'y", "{{", "`"),
        *(
            ";",
            "TRAIN",
            "ON",
            "SELECT",
            "FROM",
            ".",
            "--",
            "/*",
            "*/",
            "é",
            "🙂",
            chr(10),
            "3",
            "EXPLAIN",
            "<",
        ),
    ]
)


@given(pieces=st.lists(PIECES, max_size=12), glue=st.sampled_from(["", " "]), data=st.data())
def test_any_place_of_any_text_has_an_answer(pieces: list[str], glue: str, data: st.DataObject) -> None:
    text = glue.join(pieces)
    offset = data.draw(st.integers(0, len(text)))
    for candidate in complete(text, offset, Project(catalog=OpenCatalog())):
        assert 0 <= candidate.start <= candidate.end == offset
        assert candidate.text


def test_a_place_far_down_a_script_is_answered_at_once() -> None:
    text = "SET 'a' = 'b';\n" * 500 + "TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE " + "(a = 1) AND " * 200
    began = time.monotonic()
    assert complete(text, len(text), Project(catalog=OpenCatalog()))
    assert time.monotonic() - began < 5
