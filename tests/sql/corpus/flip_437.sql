-- The statements of FLIP-437, each of its optional forms written out.

-- Example I: import a model from customer storage.
CREATE MODEL `my_import_model`
INPUT (f1 INT, f2 STRING)
OUTPUT (label FLOAT)
WITH(
  'task' = 'regression',
  'type' = 'import',
  'format' = 'ONNX',
  'ONNX.path' = 'http://storage.googleapis.com/storage/t.onnx',
);
-- Example II: reference a remote model from customer endpoint.
CREATE MODEL `my_remote_model`
INPUT (f1 INT, f2 STRING)
OUTPUT (label STRING, probs ARRAY<FLOAT>)
WITH(
  'task' = 'classification',
  'type' = 'remote',
  'provider' = 'openai',
  'openai.endpoint' = 'https://api.openai.com/v1/llm/v1/chat',
  'openai.api_key' = 'abcdefg'
);
-- Example III: train a kmeans clustering model in Flink.
CREATE MODEL `my_native_model`
WITH(
  'task' = 'clustering',
  'type' = 'training',
  'algorithm' = 'kmeans',
  'kmeans.num_clusters' = '3'
)
AS SELECT F1, F2 FROM `my_data`;
CREATE MODEL IF NOT EXISTS c.d.m INPUT (f1 INT) OUTPUT (label FLOAT) COMMENT 'a model' WITH ('task' = 'regression');
CREATE TEMPORARY MODEL m INPUT (f1 INT) OUTPUT (label FLOAT) WITH ('task' = 'regression');

ALTER MODEL `my_model` RENAME TO `my_new_model`;
ALTER MODEL IF EXISTS `my_model` RENAME TO `my_new_model`;
ALTER MODEL IF EXISTS c.d.my_model RENAME TO c.d.my_new_model;
ALTER MODEL `my_model` SET (
  tag = 'prod',
  description = "new_description"
);

DROP MODEL `my_model`;
DROP MODEL IF EXISTS `my_model`;
DROP MODEL IF EXISTS c.d.my_model;

SHOW MODELS;
SHOW MODELS FROM c.d;
SHOW MODELS IN d LIKE 'rank%';
SHOW MODELS NOT LIKE '%old';
DESCRIBE MODEL c.d.my_model;
DESC MODEL my_model;
SHOW CREATE MODEL c.d.my_model;

-- Model Prediction
SELECT f1, f2, label FROM ML_PREDICT(`my_data`, `classifier_model`, DESCRIPTOR(f1, f2));
-- Prediction with named arguments
SELECT f1, f2, label FROM ML_PREDICT(
  input => `my_data`,
  model => `classifier_model`,
  args => DESCRIPTOR(f1, f2)
);
-- Model Evaluation
SELECT * FROM ML_EVALUATE(`eval_data`, `classifier_model`, DESCRIPTOR(f1, f2));
-- Evaluation with named arguments
SELECT * FROM ML_EVALUATE(
  input => `eval_data`,
  model => `classifier_model`,
  args => DESCRIPTOR(f1, f2)
);
