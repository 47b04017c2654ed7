-- Candidates from two towers: train, export both, serve both, and search the items near a user (see README.md).
SET 'dag.description' = 'Recall: two towers and a vector search';
SET 'dag.tags' = 'recall,demo';
DECLARE last_day STRING DEFAULT '2026-01-08';

CREATE TABLE behavior (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

-- item_features names the item's columns, the first its identity; the others are the user's.
CREATE OR REPLACE MODEL recall (
  user_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN, interests ARRAY<STRING>,
  item_id BIGINT, category STRING, price DOUBLE, tags ARRAY<STRING>
) WITH (
  model = 'tzrec.dssm', label_columns = 'is_click', item_features = 'item_id, category, price, tags',
  user_hidden_units = '128', item_hidden_units = '128', output_dim = 32
);

TRAIN MODEL recall CHECKPOINT = '{{ ds_nodash }}'
  ON behavior WHERE dt < '{{ params.last_day }}'
  VALIDATE ON behavior WHERE dt = '{{ params.last_day }}'
  WITH (num_epochs = 4, batch_size = 4096, sparse_lr = 0.05, dense_lr = 0.002, seed = 1);

EVALUATE MODEL recall CHECKPOINT = '{{ ds_nodash }}'
  ON behavior WHERE dt = '{{ params.last_day }}' WITH (metrics = 'recall_10, recall_50, ndcg_10, mrr');

EXPORT MODEL recall CHECKPOINT = '{{ ds_nodash }}' ON behavior WHERE dt = '{{ params.last_day }}';

-- Each tower is a service of its own and takes its own columns.
CREATE OR REPLACE SERVICE item_tower ON MODEL recall CHECKPOINT = '{{ ds_nodash }}_export/item';
CREATE OR REPLACE SERVICE user_tower ON MODEL recall CHECKPOINT = '{{ ds_nodash }}_export/user';

-- The index: every item with its vector.
CACHE TABLE items AS
  SELECT item_id, max(category) AS category, max(price) AS price, max(tags) AS tags
  FROM behavior GROUP BY item_id ORDER BY item_id;
CACHE TABLE item_vectors AS CALL call_service('item_tower', items);

-- Some visitors, and the ten items nearest to each.
CACHE TABLE visitors AS
  SELECT DISTINCT user_id, country, age, gender, is_member, interests
  FROM behavior WHERE dt = '{{ params.last_day }}' AND age IS NOT NULL ORDER BY user_id LIMIT 3;
CACHE TABLE visitor_vectors AS CALL call_service('user_tower', visitors);

CACHE TABLE candidates AS
  SELECT v.user_id, s.item_id, s.category, s.price, s.score
  FROM visitor_vectors AS v,
    LATERAL TABLE(VECTOR_SEARCH(TABLE item_vectors, DESCRIPTOR(item_tower_emb), v.user_tower_emb, 10)) AS s;

SELECT * FROM candidates ORDER BY user_id, score DESC;
