-- The usual way: train, export, serve, score, keep.
SET 'dag.schedule' = '@daily';
SET 'dag.tags' = 'ranking,golden';
SET 'score.batch_size' = 500;

DECLARE holdout DATE DEFAULT '2026-01-08';
DECLARE epochs INT DEFAULT 2;

CREATE TABLE behavior (user_id BIGINT, country STRING, is_click INT, dt STRING)
  PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');
CREATE TABLE predictions (user_id BIGINT, probs FLOAT)
  WITH (connector = 'csv', path = 'out/{{ ds }}.csv', header = TRUE, delimiter = '\t');

CREATE OR REPLACE MODEL Rank (user_id BIGINT, country STRING, is_click INT)
  COMMENT 'click model'
  WITH (model = 'test.rank', label_columns = 'is_click', column.user_id.size = 1000);

TRAIN MODEL rank CHECKPOINT = '{{ds_nodash}}'
  ON behavior WHERE dt < '{{ params.holdout }}' AND country <> 'xx'
  VALIDATE ON behavior WHERE dt = '{{ params.holdout }}'
  WITH (epochs = '{{ params.epochs }}', rate = 0.05, api_key = '{{ secret.store }}');

EXPORT MODEL rank CHECKPOINT = '{{ ds_nodash }}' ON behavior WHERE dt = '{{ params.holdout }}';

CREATE OR REPLACE SERVICE rank ON MODEL rank CHECKPOINT = '{{ ds_nodash }}_export'
  WITH (replicas = 2);

CACHE TABLE candidates AS SELECT * FROM behavior WHERE dt = '{{ params.holdout }}';
CACHE TABLE scored AS CALL call_service('rank', candidates);
INSERT OVERWRITE predictions SELECT user_id, probs FROM scored;
SELECT * FROM scored ORDER BY probs DESC LIMIT 10;
