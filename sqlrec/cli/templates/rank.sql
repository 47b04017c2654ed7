-- A click model from data to scored candidates.
-- Trained on a week of behaviour, judged on the day after, exported to ONNX, served, and asked.
SET 'dag.description' = 'Wide & Deep click model: train, export, deploy, score';
SET 'dag.tags' = 'ranking,demo';
SET 'dag.retries' = 1;

DECLARE holdout STRING DEFAULT '2026-01-08';

CREATE TABLE behavior_sample (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

CREATE TABLE predictions (user_id BIGINT, item_id BIGINT, probs FLOAT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/predictions');

CREATE OR REPLACE MODEL rank_model (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT
) WITH (model = 'tzrec.wide_and_deep', label_columns = 'is_click', hidden_units = '128,64');

TRAIN MODEL rank_model CHECKPOINT = '{{ ds_nodash }}'
  ON behavior_sample WHERE dt < '{{ params.holdout }}'
  VALIDATE ON behavior_sample WHERE dt = '{{ params.holdout }}'
  WITH (num_epochs = 2, batch_size = 512, sparse_lr = 0.05, dense_lr = 0.003, seed = 1);

EXPORT MODEL rank_model CHECKPOINT = '{{ ds_nodash }}'
  ON behavior_sample WHERE dt = '{{ params.holdout }}';

CREATE OR REPLACE SERVICE rank ON MODEL rank_model CHECKPOINT = '{{ ds_nodash }}_export';

CACHE TABLE candidates AS
  SELECT * FROM behavior_sample WHERE dt = '{{ params.holdout }}';

CACHE TABLE scored AS CALL call_service('rank', candidates);

INSERT OVERWRITE predictions SELECT user_id, item_id, probs, dt FROM scored;

SELECT user_id, item_id, country, category, price, probs FROM scored ORDER BY probs DESC LIMIT 10;
