-- Conditions, gates and questions.
CREATE VIEW today (u, n) AS SELECT u, count(*) FROM events WHERE dt = '{{ ds }}' GROUP BY u;
ASSERT SELECT count(*) > 0 FROM today;
IF (SELECT count(*) > 1000 FROM today)
  THEN (CACHE TABLE picked AS SELECT * FROM today ORDER BY n DESC LIMIT 1000)
  ELSE (CACHE TABLE picked AS SELECT * FROM today);
IF TIMEIN (SELECT 500)
  THEN (CACHE TABLE scored AS CALL call_service('ranker', picked))
  ELSE (CACHE TABLE scored AS SELECT *, 0.0 AS probs FROM picked);
IF (SELECT max(probs) > 0.5 FROM scored) THEN (INSERT INTO ranked (u, probs) SELECT u, probs FROM scored);
CREATE TABLE ranked (u INT, at TIMESTAMP, probs FLOAT) WITH (connector = 'parquet', path = 'ranked');
EXPLAIN TRAIN MODEL m CHECKPOINT = 'v1' ON events WHERE dt = '{{ ds }}' AND u > 3 WITH (epochs = 2);
EXPLAIN DROP MODEL m;
CREATE TABLE events (u INT, y INT, dt STRING) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'events');
CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');
SHOW TABLES;
DESCRIBE today;
DROP API IF EXISTS pick;
DROP SQL FUNCTION IF EXISTS pick;
