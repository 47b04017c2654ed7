-- Models that CREATE MODEL trains itself, from the rows of a query: the statement is the whole pipeline.
-- Data:  sqlrec generate behavior data/behavior      Run:  sqlrec run classic.sql
CREATE TABLE behavior (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

-- Which kinds of users are there? One row a user, all columns are features: k-means has no label. Numbers are
-- standardised, strings become indicators, and what is missing is filled with the mean.
CREATE VIEW users AS
  SELECT user_id, max(age) AS age, max(gender) AS gender, count(*) AS visits, avg(price) AS price,
    avg(is_click) AS click_rate
  FROM behavior GROUP BY user_id;

CREATE OR REPLACE MODEL segments
  WITH (type = 'training', algorithm = 'kmeans', num_clusters = 5, seed = 1)
  AS SELECT age, gender, visits, price, click_rate FROM users;

-- The model is trained, exported and registered: a service needs no checkpoint to be named.
CREATE OR REPLACE SERVICE segment ON MODEL segments;

-- ML_PREDICT adds the answers to the rows: the cluster, and the distance to its centre.
SELECT cluster_id, count(*) AS users, round(avg(age), 1) AS age, round(avg(click_rate), 3) AS click_rate,
  round(avg(cluster_distance), 2) AS spread
FROM ML_PREDICT(TABLE users, MODEL segments, DESCRIPTOR(age, gender, visits, price, click_rate))
GROUP BY cluster_id ORDER BY users DESC;

-- With a label it is named; the other columns of the query are the features.
CREATE OR REPLACE MODEL category_of
  WITH (type = 'training', algorithm = 'random_forest', objective = 'multiclass', label_columns = 'category',
        n_estimators = 50, max_depth = 8, seed = 1)
  AS SELECT price, hour, country, device, is_click, category FROM behavior
     WHERE dt < '2026-01-03';

EVALUATE MODEL category_of CHECKPOINT = 'initial' ON behavior WHERE dt = '2026-01-03'
  WITH (metrics = 'accuracy, logloss');

CREATE OR REPLACE SERVICE categories ON MODEL category_of;

-- The answer of several classes is an ARRAY: the probability of each, in the order of their names.
CACHE TABLE some AS SELECT * FROM behavior WHERE dt = '2026-01-03' ORDER BY user_id, item_id LIMIT 100;
CACHE TABLE guessed AS CALL call_service('categories', some);
SELECT category, list_position(probs, list_max(probs)) AS best, round(list_max(probs), 3) AS probability, probs
FROM guessed LIMIT 5;
