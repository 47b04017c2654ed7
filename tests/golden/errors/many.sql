-- several problems of one statement are all told
CREATE OR REPLACE MODEL IF NOT EXISTS ranker (
  user_id BIGNT,
  tags ARRAY<STRNG> NOT NULL,
  clicks INT,
	clicks INT,
  PRIMARY KEY (user_id)
) WITH (
  model = tzrec.wide_and_deep,
  embedding_dim = 16,
  'embedding-dim' = 32
);
TRAIN MODEL ranker CHECKPOINT = 'v1'
ON (SELECT FROM t) WHERE a = VALIDATE ON (
  SELECT b
  FORM größe
) WITH (n = 1h);
-- expected:
-- error[SR107]: OR REPLACE and IF NOT EXISTS exclude each other
--  --> many.sql:2:25
--   |
-- 2 | CREATE OR REPLACE MODEL IF NOT EXISTS ranker (
--   |                         ^^^^^^^^^^^^^
--   = help: OR REPLACE changes what is there, IF NOT EXISTS keeps it: leave one out
--
-- error[SR105]: unknown type 'BIGNT'
--  --> many.sql:3:11
--   |
-- 3 |   user_id BIGNT,
--   |           ^^^^^
--   = help: Did you mean BIGINT?
--
-- error[SR105]: unknown type 'STRNG'
--  --> many.sql:4:14
--   |
-- 4 |   tags ARRAY<STRNG> NOT NULL,
--   |              ^^^^^
--   = help: Did you mean STRING?
--
-- error[SR108]: column 'clicks' is given twice
--  --> many.sql:6:2
--   |
-- 6 |  clicks INT,
--   |  ^^^^^^
--   = help: rename or remove one of them
--
-- error[SR101]: expected a column, found PRIMARY
--  --> many.sql:7:3
--   |
-- 7 |   PRIMARY KEY (user_id)
--   |   ^^^^^^^
--   = help: only tables have keys: leave the constraint out
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found 'tzrec.wide_and_deep'
--  --> many.sql:9:11
--   |
-- 9 |   model = tzrec.wide_and_deep,
--   |           ^^^^^^^^^^^^^^^^^^^
--   = help: Did you forget the quotes?
--
-- error[SR305]: option 'embedding-dim' is given twice
--   --> many.sql:11:3
--    |
-- 11 |   'embedding-dim' = 32
--    |   ^^^^^^^^^^^^^^^
--    = help: line 10 has it as 'embedding_dim' already
--
-- error[SR109]: SELECT names no columns
--   --> many.sql:14:5
--    |
-- 14 | ON (SELECT FROM t) WHERE a = VALIDATE ON (
--    |     ^^^^^^
--    = help: write SELECT * for all
--
-- error[SR109]: the query ends too early, after '='
--   --> many.sql:14:29
--    |
-- 14 | ON (SELECT FROM t) WHERE a = VALIDATE ON (
--    |                             ^
--    = help: complete the query: it ends before something that it needs
--
-- error[SR109]: unexpected 'größe' in the query
--   --> many.sql:16:8
--    |
-- 16 |   FORM größe
--    |        ^^^^^
--    = help: Did you mean FROM?
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found '1h'
--   --> many.sql:17:13
--    |
-- 17 | ) WITH (n = 1h);
--    |             ^^
--    = help: Did you forget the quotes?
