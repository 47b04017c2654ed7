SELECT a FORM t;
SELECT FROM t;
SELECT a FROM;
SELECT a +;
SELECT a, (b c d) FROM t;
SELECT CASE WHEN a THEN b FROM t;
SELECT a FROM t GROUP BY;
SELECT a FROM t WHERE b = = 1;
SELECT a FROM t WHERE (b = 1;
SELECT a FROM t WHERE b = 1);
SELECT a FROM t JOIN u ON;
SELECT a FROM t u v;
SELECT a FROM 'data.parquet';
SELECT a FROM a.b.c.d;
SELECT {{ ds }};
SELECT a AS `{{ ds }}` FROM t;
SELECT a FROM t WHERE b = $p1;
SELECT a FROM t WHERE b = ?;
SELECT E'it\'s';
SELECT CAST(a AS MULTISET<INT>) FROM t;
WITH c AS (SELECT 1);
WITH c AS SELECT 1;
WITH c AS (DELETE FROM t RETURNING a) SELECT * FROM c;
SELECT a INTO u FROM t;
(t);
VALUES 1, 2;
VALUES;
TRAIN MODEL m CHECKPOINT = 'v' ON (
  -- the place counts from the beginning of the script
  SELECT a
  FROM t
  WHERE b = = 1
);
-- expected:
-- error[SR109]: unexpected 't' in the query
--  --> queries.sql:1:15
--   |
-- 1 | SELECT a FORM t;
--   |               ^
--   = help: Did you mean FROM?
--
-- error[SR109]: SELECT names no columns
--  --> queries.sql:2:1
--   |
-- 2 | SELECT FROM t;
--   | ^^^^^^
--   = help: write SELECT * for all
--
-- error[SR109]: the query ends too early, after 'FROM'
--  --> queries.sql:3:14
--   |
-- 3 | SELECT a FROM;
--   |              ^
--   = help: complete or remove 'FROM'
--
-- error[SR109]: the query ends too early, after '+'
--  --> queries.sql:4:11
--   |
-- 4 | SELECT a +;
--   |           ^
--   = help: complete the query: it ends before something that it needs
--
-- error[SR109]: expected ')', found 'd'
--  --> queries.sql:5:16
--   |
-- 5 | SELECT a, (b c d) FROM t;
--   |                ^
--   = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: expected END after CASE
--  --> queries.sql:6:25
--   |
-- 6 | SELECT CASE WHEN a THEN b FROM t;
--   |                         ^
--   = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: the query ends too early, after 'BY'
--  --> queries.sql:7:25
--   |
-- 7 | SELECT a FROM t GROUP BY;
--   |                         ^
--   = help: complete or remove 'BY'
--
-- error[SR109]: unexpected '=' in the query
--  --> queries.sql:8:27
--   |
-- 8 | SELECT a FROM t WHERE b = = 1;
--   |                           ^
--   = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR101]: this '(' is never closed
--  --> queries.sql:9:23
--   |
-- 9 | SELECT a FROM t WHERE (b = 1;
--   |                       ^
--   = help: add the closing ')'
--
-- error[SR101]: unmatched ')'
--   --> queries.sql:10:28
--    |
-- 10 | SELECT a FROM t WHERE b = 1);
--    |                            ^
--    = help: remove it, or open it before
--
-- error[SR109]: the query ends too early, after 'ON'
--   --> queries.sql:11:26
--    |
-- 11 | SELECT a FROM t JOIN u ON;
--    |                          ^
--    = help: complete or remove 'ON'
--
-- error[SR109]: unexpected 'v' in the query
--   --> queries.sql:12:19
--    |
-- 12 | SELECT a FROM t u v;
--    |                   ^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: a table is named, not given as a string
--   --> queries.sql:13:15
--    |
-- 13 | SELECT a FROM 'data.parquet';
--    |               ^^^^^^^^^^^^^^
--    = help: declare the file: CREATE TABLE name WITH (connector = …, path = …)
--
-- error[SR104]: the table name has at most 3 parts, not 4
--   --> queries.sql:14:15
--    |
-- 14 | SELECT a FROM a.b.c.d;
--    |               ^^^^^^^
--    = help: write catalog.database.table, or less
--
-- error[SR110]: templates stand inside quotes only
--   --> queries.sql:15:8
--    |
-- 15 | SELECT {{ ds }};
--    |        ^^
--    = help: write '{{ … }}': the quotes belong to the string, the braces to the template
--
-- error[SR110]: a template cannot stand in a name
--   --> queries.sql:16:13
--    |
-- 16 | SELECT a AS `{{ ds }}` FROM t;
--    |             ^^^^^^^^^^
--    = help: write a fixed name
--
-- error[SR110]: queries take no parameters
--   --> queries.sql:17:27
--    |
-- 17 | SELECT a FROM t WHERE b = $p1;
--    |                           ^
--    = help: use a template in a string: '{{ params.name }}'
--
-- error[SR110]: queries take no parameters
--   --> queries.sql:18:27
--    |
-- 18 | SELECT a FROM t WHERE b = ?;
--    |                           ^
--    = help: use a template in a string: '{{ params.name }}'
--
-- error[SR102]: this string is never closed
--   --> queries.sql:19:15
--    |
-- 19 | SELECT E'it\'s';
--    |               ^
--    = help: add the closing '
--
-- error[SR109]: a query cannot CAST to MULTISET
--   --> queries.sql:20:18
--    |
-- 20 | SELECT CAST(a AS MULTISET<INT>) FROM t;
--    |                  ^^^^^^^^
--    = help: use ARRAY
--
-- error[SR109]: the query ends too early, after ')'
--   --> queries.sql:21:21
--    |
-- 21 | WITH c AS (SELECT 1);
--    |                     ^
--    = help: complete the query: it ends before something that it needs
--
-- error[SR109]: expected '(', found 'SELECT'
--   --> queries.sql:22:11
--    |
-- 22 | WITH c AS SELECT 1;
--    |           ^^^^^^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: a query cannot write or define anything
--   --> queries.sql:23:1
--    |
-- 23 | WITH c AS (DELETE FROM t RETURNING a) SELECT * FROM c;
--    | ^^^^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: a query cannot write or define anything
--   --> queries.sql:24:1
--    |
-- 24 | SELECT a INTO u FROM t;
--    | ^^^^^^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: this is not a query
--   --> queries.sql:25:1
--    |
-- 25 | (t);
--    | ^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: unexpected '1' in the query
--   --> queries.sql:26:8
--    |
-- 26 | VALUES 1, 2;
--    |        ^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: this is not a query
--   --> queries.sql:27:1
--    |
-- 27 | VALUES;
--    | ^^^^^^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: unexpected '=' in the query
--   --> queries.sql:32:13
--    |
-- 32 |   WHERE b = = 1
--    |             ^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
