"""The statements by which the languages this dialect joins introduce themselves."""

from __future__ import annotations

import pytest

from sqlrec.sql.queries import lower
from sqlrec.sql.script import parse
from sqlrec.sql.statements import CacheTable, Call, CreateModel, CreateService, Ident, QueryText, Text

WIDE_AND_DEEP = """
CREATE MODEL test_model (
  user_id BIGINT, user_name STRING, user_country STRING, user_age INT, item_id BIGINT, item_name STRING
) WITH (
  model = 'tzrec.wide_and_deep',
  label_columns = 'is_click'
);
TRAIN MODEL test_model CHECKPOINT = 'test' ON behavior_sample;
EXPORT MODEL test_model CHECKPOINT = 'test' ON behavior_sample;
CREATE SERVICE test_service ON MODEL test_model CHECKPOINT = 'test_export';
CACHE TABLE t1 AS
SELECT
  1 AS user_id, 'Zhang' AS user_name, 'China' AS user_country, 28 AS user_age,
  2 AS item_id, 'Smart Watch' AS item_name;
CALL call_service('test_service', t1);
"""

LIFE_CYCLE = """
-- train, export, serve
TRAIN MODEL rec_model CHECKPOINT = 'v1.0' ON training_data;
EXPORT MODEL rec_model CHECKPOINT = 'v1.0' ON training_data;
CREATE SERVICE rec_service
ON MODEL rec_model
CHECKPOINT = 'v1.0_export';
"""

QUERY_AND_VALUES = """
CACHE TABLE user_query AS
SELECT 1001 AS user_id, 'Alice' AS user_name, 'USA' AS user_country, 25 AS user_age;
CACHE TABLE item_candidates AS
SELECT item_id, item_name, item_category FROM items WHERE category = 'Electronics' LIMIT 100;
CALL call_service_with_qv('rec_service', user_query, item_candidates);
"""

FLIP_437 = """
CREATE MODEL `my_import_model` INPUT (f1 INT, f2 STRING) OUTPUT (label FLOAT)
WITH(
  'task' = 'regression', 'type' = 'import', 'format' = 'ONNX',
  'ONNX.path' = 'http://storage.googleapis.com/storage/t.onnx',
);
CREATE MODEL `my_remote_model` INPUT (f1 INT, f2 STRING) OUTPUT (label STRING, probs ARRAY<FLOAT>)
WITH(
  'task' = 'classification', 'type' = 'remote', 'provider' = 'openai',
  'openai.endpoint' = 'https://api.openai.com/v1/llm/v1/chat', 'openai.api_key' = 'abcdefg'
);
CREATE MODEL `my_native_model`
WITH('task' = 'clustering', 'type' = 'training', 'algorithm' = 'kmeans', 'kmeans.num_clusters' = '3')
AS SELECT F1, F2 FROM `my_data`;
DROP MODEL `my_model`;
DROP MODEL IF EXISTS `my_model`;
"""

LESSON = """
CREATE MODEL fraud_classifier
INPUT (
  amount DOUBLE, hour_of_day INT, merchant_category INT, user_age INT, user_country STRING,
  txn_velocity_24h INT
)
OUTPUT (
  fraud_score DOUBLE
)
WITH (
  'provider' = 'local', 'async' = 'true',           -- enable async
  'max_concurrent_requests' = '100',  -- max in-flight per operator instance
  'api_key' = '{{ secret.OPENAI }}'
);
"""


@pytest.mark.parametrize(
    ("script", "count"),
    [(WIDE_AND_DEEP, 6), (LIFE_CYCLE, 3), (QUERY_AND_VALUES, 3), (FLIP_437, 5), (LESSON, 1)],
)
def test_is_read_without_a_problem(script: str, count: int) -> None:
    parsed = parse(script)
    assert parsed.diagnostics == ()
    assert len(parsed.statements) == count


def test_the_whole_path_of_a_model() -> None:
    model, _, _, service, cached, call = parse(WIDE_AND_DEEP).statements
    assert isinstance(model, CreateModel)
    assert model.columns is not None
    assert [str(c.type) for c in model.columns.items] == [
        "BIGINT",
        "STRING",
        "STRING",
        "INT",
        "BIGINT",
        "STRING",
    ]
    assert {o.key.value: o.value for o in model.options} == {
        "model": "tzrec.wide_and_deep",
        "label_columns": "is_click",
    }
    assert isinstance(service, CreateService)
    assert service.checkpoint is not None
    assert service.checkpoint.value == "test_export"
    assert isinstance(cached, CacheTable)
    assert isinstance(cached.source, QueryText)
    assert lower(cached.source).tables == ()
    assert isinstance(call, Call)
    name, table = (argument.value for argument in call.body.arguments)
    assert isinstance(name, Text)
    assert isinstance(table, Ident)
    assert (name.value, table.text) == ("test_service", "t1")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("ALTER MODEL `my_model` RENAME TO `my_new_model`", "ALTER MODEL is not supported yet"),
        (
            "ALTER MODEL `my_model` SET ( tag = 'prod', description = \"new_description\" )",
            "ALTER MODEL is not",
        ),
        ("DESCRIBE MODEL my_model", "DESCRIBE MODEL is not supported yet"),
        ("SHOW CREATE MODEL my_model", "SHOW CREATE is not supported yet"),
        ("SELECT f1 FROM ML_PREDICT(`my_data`, `m`, DESCRIPTOR(f1, f2))", "ML_PREDICT is not supported yet"),
        ("SELECT * FROM ML_EVALUATE(input => `t`, model => `m`)", "ML_EVALUATE is not supported yet"),
        ("SELECT * FROM TABLE(ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a)))", "ML_PREDICT is not supported"),
        ("INSERT INTO p SELECT * FROM ML_PREDICT(TABLE t, MODEL m)", "ML_PREDICT is not supported yet"),
    ],
)
def test_what_comes_later_is_known_by_name(script: str, message: str) -> None:
    (problem,) = parse(script).diagnostics
    assert problem.code == "SR190"
    assert message in problem.message
