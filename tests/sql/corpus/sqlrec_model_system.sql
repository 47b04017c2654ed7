-- The statements of SQLRec's description of its model system.

-- 1. Train model, generate origin type Checkpoint
TRAIN MODEL rec_model CHECKPOINT = 'v1.0' ON training_data;
-- 2. Export model, generate export type Checkpoint (like v1.0_export)
EXPORT MODEL rec_model CHECKPOINT = 'v1.0' ON training_data;
-- 3. Create service using exported Checkpoint
CREATE SERVICE rec_service
ON MODEL rec_model
CHECKPOINT = 'v1.0_export';

-- Create model
CREATE MODEL test_model (
  user_id BIGINT,
  user_name STRING,
  user_country STRING,
  user_age INT,
  item_id BIGINT,
  item_name STRING
) WITH (
  model = 'tzrec.wide_and_deep',
  label_columns = 'is_click'
);
-- Train model
TRAIN MODEL test_model CHECKPOINT = 'test' ON behavior_sample;
-- Export model
EXPORT MODEL test_model CHECKPOINT = 'test' ON behavior_sample;
-- Create service
CREATE SERVICE test_service ON MODEL test_model CHECKPOINT = 'test_export';
-- Prepare input data
CACHE TABLE t1 AS
SELECT
  1 AS user_id,
  'Zhang' AS user_name,
  'China' AS user_country,
  28 AS user_age,
  2 AS item_id,
  'Smart Watch' AS item_name;
-- Call service for prediction
CALL call_service('test_service', t1);

-- User features (Query, single row)
CACHE TABLE user_query AS
SELECT
  1001 AS user_id,
  'Alice' AS user_name,
  'USA' AS user_country,
  25 AS user_age;
-- Candidate item features (Value, multiple rows)
CACHE TABLE item_candidates AS
SELECT item_id, item_name, item_category
FROM items
WHERE category = 'Electronics'
LIMIT 100;
-- Batch predict user preference for all candidate items
CALL call_service_with_qv('rec_service', user_query, item_candidates);
