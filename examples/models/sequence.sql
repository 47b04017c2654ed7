-- What a user did last says what comes next: histories of items, weighed by the candidate (DIN).
-- Data:  sqlrec generate behavior data/behavior      Run:  sqlrec run sequence.sql
DECLARE holdout STRING DEFAULT '2026-01-08';

CREATE TABLE behavior (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

-- A history is an ARRAY column, made by a window over the rows of a user that came before this one. Elements
-- at one place of several arrays are one event: here an item and its category.
CREATE TABLE visits (
  user_id BIGINT, item_id BIGINT, category STRING, price DOUBLE, hour INT,
  seen_items ARRAY<BIGINT>, seen_categories ARRAY<STRING>, is_click INT, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/visits');

INSERT OVERWRITE visits
SELECT user_id, item_id, category, price, hour,
  list(item_id) OVER before AS seen_items, list(category) OVER before AS seen_categories,
  is_click, dt
FROM behavior
WINDOW before AS (PARTITION BY user_id ORDER BY dt, hour, item_id ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING);

-- target: the column whose value the events are compared with, and whose embedding they share. An ARRAY
-- without a target is the mean of its elements, in every model.
CREATE OR REPLACE MODEL next_click (
  user_id BIGINT, item_id BIGINT, category STRING, price DOUBLE, hour INT,
  seen_items ARRAY<BIGINT>, seen_categories ARRAY<STRING>, is_click INT
) WITH (
  model = 'tzrec.din', label_columns = 'is_click', hidden_units = '128,64', attention_hidden_units = '32',
  max_array_length = 20, 'column.seen_items.target' = 'item_id', 'column.seen_categories.target' = 'category'
);

TRAIN MODEL next_click CHECKPOINT = 'v1'
  ON visits WHERE dt < '{{ params.holdout }}'
  VALIDATE ON visits WHERE dt = '{{ params.holdout }}'
  WITH (num_epochs = 1, batch_size = 512, sparse_lr = 0.05, dense_lr = 0.003, seed = 1);

EXPORT MODEL next_click CHECKPOINT = 'v1' ON visits WHERE dt = '{{ params.holdout }}';
CREATE OR REPLACE SERVICE next ON MODEL next_click CHECKPOINT = 'v1_export';

CACHE TABLE candidates AS
  SELECT * FROM visits WHERE dt = '{{ params.holdout }}' ORDER BY user_id, item_id LIMIT 200;
CACHE TABLE scored AS CALL call_service('next', candidates);
SELECT user_id, item_id, category, len(seen_items) AS events, probs FROM scored ORDER BY probs DESC LIMIT 10;
