-- Will this user click this item? A deep model and boosted trees on the same rows, the better one served.
-- Data:  sqlrec generate behavior data/behavior      Run:  sqlrec run ranking.sql
SET 'dag.description' = 'Click models compared: DeepFM and LightGBM';

DECLARE holdout STRING DEFAULT '2026-01-08';

CREATE TABLE behavior (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

-- A deep model learns an embedding for each user, item and tag: it is at home with ids and lists of them.
-- The columns of a model are its features and its label. What is not listed is not used: dt would tell the
-- day, and click_probability is the answer of the click model that made the data.
CREATE OR REPLACE MODEL click_deep (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT
) WITH (model = 'tzrec.deepfm', label_columns = 'is_click', hidden_units = '128,64');

-- The default learning rates and batch are SQLRec's, made for billions of rows; fewer rows want larger steps.
TRAIN MODEL click_deep CHECKPOINT = 'deepfm'
  ON behavior WHERE dt < '{{ params.holdout }}'
  VALIDATE ON behavior WHERE dt = '{{ params.holdout }}'
  WITH (num_epochs = 2, batch_size = 512, sparse_lr = 0.05, dense_lr = 0.003, seed = 1);

-- Boosted trees split columns of numbers and of strings. They take no arrays, so lists become numbers first;
-- TRAIN, EXPORT, EVALUATE and CALL all take a query in the place of a table.
CREATE OR REPLACE MODEL click_trees (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN, device STRING,
  hour INT, category STRING, price DOUBLE, fits INT, is_click INT
) WITH (model = 'gbdt.lightgbm', label_columns = 'is_click', num_iterations = 500);

CREATE VIEW rows_of_trees AS
  SELECT *, CASE WHEN list_contains(interests, category) THEN 1 ELSE 0 END AS fits FROM behavior;

-- The validation rows decide when to stop; the best round is kept.
TRAIN MODEL click_trees CHECKPOINT = 'lightgbm'
  ON rows_of_trees WHERE dt < '{{ params.holdout }}'
  VALIDATE ON rows_of_trees WHERE dt = '{{ params.holdout }}'
  WITH (early_stopping_rounds = 30);

-- The same measure of both: AUC over all rows, and within each user's (gauc). A bound is a gate: below it the
-- script stops here, and what is served stays.
EVALUATE MODEL click_deep CHECKPOINT = 'deepfm' ON behavior WHERE dt = '{{ params.holdout }}'
  WITH (metrics = 'auc, logloss', group_column = 'user_id', min_auc = 0.6);
EVALUATE MODEL click_trees CHECKPOINT = 'lightgbm' ON rows_of_trees WHERE dt = '{{ params.holdout }}'
  WITH (metrics = 'auc, logloss', group_column = 'user_id', min_auc = 0.6);

SHOW CHECKPOINTS FROM click_deep;
SHOW CHECKPOINTS FROM click_trees;

-- Each export is one file that takes raw columns. ON gives the rows of its proof, and what the smaller
-- variants (fp16, int8) are measured by.
EXPORT MODEL click_deep CHECKPOINT = 'deepfm' ON behavior WHERE dt = '{{ params.holdout }}';
EXPORT MODEL click_trees CHECKPOINT = 'lightgbm' ON rows_of_trees WHERE dt = '{{ params.holdout }}';

CREATE OR REPLACE SERVICE clicks_deep ON MODEL click_deep CHECKPOINT = 'deepfm_export';
CREATE OR REPLACE SERVICE clicks_trees ON MODEL click_trees CHECKPOINT = 'lightgbm_export';

-- How far do they agree? Both are asked about the same rows.
CACHE TABLE some AS
  SELECT *, row_number() OVER () AS n FROM rows_of_trees WHERE dt = '{{ params.holdout }}' LIMIT 2000;
CACHE TABLE deep AS CALL call_service('clicks_deep', some);
CACHE TABLE trees AS CALL call_service('clicks_trees', some);
SELECT count(*) AS asked, round(avg(d.probs), 4) AS deep, round(avg(t.probs), 4) AS trees,
  round(corr(d.probs, t.probs), 3) AS agreement
FROM deep d JOIN trees t USING (n);

DROP SERVICE clicks_trees;
