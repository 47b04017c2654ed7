-- Who watches what: a Wide & Deep ranking model on MovieLens-1M (see README.md for the data).
SET 'dag.description' = 'MovieLens-1M: Wide & Deep ranking';
SET 'dag.tags' = 'ranking,movielens';

CREATE TABLE interactions (
  user_id BIGINT, item_id BIGINT, gender STRING, age BIGINT, occupation BIGINT, zip3 STRING,
  genre STRING, release_year BIGINT, label BIGINT, split STRING
) WITH (connector = 'parquet', path = 'data/ctr.parquet');

CREATE OR REPLACE MODEL movie_rank (
  user_id BIGINT, item_id BIGINT, gender STRING, age BIGINT, occupation BIGINT, zip3 STRING,
  genre STRING, release_year BIGINT, label BIGINT
) WITH (model = 'tzrec.wide_and_deep', label_columns = 'label');

TRAIN MODEL movie_rank CHECKPOINT = '{{ ds_nodash }}'
  ON interactions WHERE split = 'train'
  VALIDATE ON interactions WHERE split = 'test'
  WITH (num_epochs = 1, batch_size = 1024, sparse_lr = 0.05, mixed_precision = 'BF16', seed = 1);

EXPORT MODEL movie_rank CHECKPOINT = '{{ ds_nodash }}' ON interactions WHERE split = 'test';

CREATE OR REPLACE SERVICE movies ON MODEL movie_rank CHECKPOINT = '{{ ds_nodash }}_export';

CACHE TABLE candidates AS SELECT * FROM interactions WHERE split = 'test' AND user_id = 1;

CACHE TABLE scored AS CALL call_service('movies', candidates);

SELECT item_id, genre, release_year, label, probs FROM scored ORDER BY probs DESC LIMIT 10;
