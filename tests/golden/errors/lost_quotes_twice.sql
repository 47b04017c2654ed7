TRAIN MODEL m CHECKPOINT = 'v1 ON t;
SELECT 1 FROM t WHERE a = 'x ORDER BY 1;
-- expected:
-- error[SR102]: this string runs over the end of its statement
--  --> lost_quotes_twice.sql:1:28
--   |
-- 1 | TRAIN MODEL m CHECKPOINT = 'v1 ON t;
--   |                            ^^^^^^^^^
--   = help: is its closing quote missing?
