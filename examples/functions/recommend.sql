-- Functions and an API over the service of the demo: candidates are recalled, scored and ranked.
-- Run it in the demo's project, after the demo:  sqlrec --project demo run examples/functions/recommend.sql
DECLARE top INT DEFAULT 5;

CREATE TABLE behavior_sample (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

CREATE TABLE items (item_id BIGINT, category STRING, price DOUBLE, tags ARRAY<STRING>, clicks BIGINT)
  WITH (connector = 'parquet', path = 'data/items');

-- What the functions read is made here, once a run; the API notices when it has changed.
INSERT OVERWRITE items
SELECT item_id, max(category), max(price), max(tags), sum(is_click)
FROM behavior_sample GROUP BY item_id;

CREATE OR REPLACE SQL FUNCTION recall_popular;
DEFINE INPUT TABLE wanted (category STRING);
CACHE TABLE popular AS
  SELECT item_id, category, price, tags FROM items JOIN wanted USING (category)
  ORDER BY clicks DESC, item_id LIMIT 50;
RETURN popular;

CREATE OR REPLACE SQL FUNCTION recommend;
DEFINE INPUT TABLE visitor (
  user_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT
);
DEFINE INPUT TABLE wanted (category STRING);
ASSERT SELECT count(*) = 1 AS one_visitor FROM visitor;
CACHE TABLE candidates AS CALL recall_popular(wanted);
CACHE TABLE scored AS CALL call_service_with_qv('rank', visitor, candidates);
CACHE TABLE ranked AS
  SELECT item_id, category, price, probs FROM scored
  ORDER BY probs DESC, item_id LIMIT CAST('{{ params.top }}' AS INT);
RETURN ranked;

-- In the script, a call is the steps of the function in its place …
CACHE TABLE somebody AS
  SELECT user_id, country, age, gender, is_member, interests, device, hour
  FROM behavior_sample ORDER BY dt, user_id, item_id LIMIT 1;
CACHE TABLE everything AS SELECT DISTINCT category FROM behavior_sample;
CALL recommend(somebody, everything);

-- … and behind an API it answers  POST /api/v1/recommend  in milliseconds.
CREATE OR REPLACE API recommend WITH recommend;
