-- Two questions at once: will the user click, and buy? One model with an output for each (MMoE).
-- Data:  sqlrec generate behavior data/behavior      Run:  sqlrec run multitask.sql
DECLARE holdout STRING DEFAULT '2026-01-08';

CREATE TABLE behavior (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

-- The data has no purchases; here cheap items that were clicked count as bought.
CREATE VIEW shopping AS
  SELECT *, CASE WHEN is_click = 1 AND price < 20 THEN 1 ELSE 0 END AS is_buy FROM behavior;

-- Experts are layers that both tasks share; each task weighs them by a gate of its own. The rare task learns
-- from what the frequent one teaches the embeddings. Outputs are probs_<label>.
CREATE OR REPLACE MODEL click_and_buy (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, is_buy INT
) WITH (
  model = 'tzrec.mmoe', label_columns = 'is_click, is_buy',
  num_expert = 3, expert_hidden_units = '128,64', tower_hidden_units = '32'
);

TRAIN MODEL click_and_buy CHECKPOINT = 'v1'
  ON shopping WHERE dt < '{{ params.holdout }}'
  VALIDATE ON shopping WHERE dt = '{{ params.holdout }}'
  WITH (num_epochs = 1, batch_size = 512, sparse_lr = 0.05, dense_lr = 0.003, seed = 1);

-- Measured for each label (auc.is_click, auc.is_buy) and on average (auc), which the bound is about.
EVALUATE MODEL click_and_buy CHECKPOINT = 'v1' ON shopping WHERE dt = '{{ params.holdout }}'
  WITH (metrics = 'auc, logloss', min_auc = 0.6);

EXPORT MODEL click_and_buy CHECKPOINT = 'v1' ON shopping WHERE dt = '{{ params.holdout }}';
CREATE OR REPLACE SERVICE shop ON MODEL click_and_buy CHECKPOINT = 'v1_export';

-- Both answers are columns, so a query weighs them against each other.
CACHE TABLE offers AS
  SELECT * FROM behavior WHERE dt = '{{ params.holdout }}' ORDER BY user_id, item_id LIMIT 200;
CACHE TABLE scored AS CALL call_service('shop', offers);
SELECT user_id, item_id, price, probs_is_click, probs_is_buy, probs_is_click + 3 * probs_is_buy AS worth
FROM scored ORDER BY worth DESC LIMIT 10;
