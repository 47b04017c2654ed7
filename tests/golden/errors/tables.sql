CREATE TABLE t AS SELECT 1;
CREATE TABLE t LIKE u;
CREATE TABLE t PARTITIONED (a);
CREATE TABLE t PARTITIONED BY (dt STRING);
CREATE TABLE t PARTITIONED BY (dt dt);
CREATE TABLE t WITH (a = 1) PARTITIONED BY (b);
CACHE r AS SELECT 1;
CACHE TABLE r SELECT 1;
CACHE TABLE r AS TRAIN MODEL m;
CALL f;
CALL f(1);
CALL f(a b);
CALL f(a,);
CALL f(a) x;
CALL f(a) LIKE t;
CALL f(a) PARTITION BY a SIZE 3;
CALL f(a) ASYNC;
CALL GET('f')(a);
CALL f(GET_OR_DEFAULT('a', 'b'));
INSERT t SELECT 1;
INSERT INTO t;
INSERT INTO t (a, b) SELECT 1, 2;
INSERT OVERWRITE t PARTITION (a = 1) SELECT 1;
WITH c AS (SELECT 1) INSERT INTO t SELECT * FROM c;
-- expected:
-- error[SR190]: CREATE TABLE … AS is not supported yet
--  --> tables.sql:1:16
--   |
-- 1 | CREATE TABLE t AS SELECT 1;
--   |                ^^
--   = help: CACHE TABLE … AS query keeps rows
--
-- error[SR190]: CREATE TABLE … LIKE is not supported yet
--  --> tables.sql:2:16
--   |
-- 2 | CREATE TABLE t LIKE u;
--   |                ^^^^
--   = help: CACHE TABLE … AS query keeps rows
--
-- error[SR101]: expected BY after PARTITIONED, found '('
--  --> tables.sql:3:28
--   |
-- 3 | CREATE TABLE t PARTITIONED (a);
--   |                            ^
--
-- error[SR101]: expected ',' or ')', found 'STRING'
--  --> tables.sql:4:35
--   |
-- 4 | CREATE TABLE t PARTITIONED BY (dt STRING);
--   |                                   ^^^^^^
--   = help: a column gets its type in the column list
--
-- error[SR101]: expected ')' after the partition columns, found 'dt'
--  --> tables.sql:5:35
--   |
-- 5 | CREATE TABLE t PARTITIONED BY (dt dt);
--   |                                   ^^
--
-- error[SR103]: PARTITIONED must come before WITH (order: COMMENT, PARTITIONED BY, WITH)
--  --> tables.sql:6:29
--   |
-- 6 | CREATE TABLE t WITH (a = 1) PARTITIONED BY (b);
--   |                             ^^^^^^^^^^^
--
-- error[SR101]: expected TABLE after CACHE, found 'r'
--  --> tables.sql:7:7
--   |
-- 7 | CACHE r AS SELECT 1;
--   |       ^
--
-- error[SR101]: expected AS after the table name, found 'SELECT'
--  --> tables.sql:8:15
--   |
-- 8 | CACHE TABLE r SELECT 1;
--   |               ^^^^^^
--
-- error[SR101]: expected a query, found 'TRAIN'
--  --> tables.sql:9:18
--   |
-- 9 | CACHE TABLE r AS TRAIN MODEL m;
--   |                  ^^^^^
--
-- error[SR101]: expected '(' after the function name, found the end of the statement
--   --> tables.sql:10:7
--    |
-- 10 | CALL f;
--    |       ^
--
-- error[SR101]: expected a table name or a string, found '1'
--   --> tables.sql:11:8
--    |
-- 11 | CALL f(1);
--    |        ^
--    = help: CALL takes table names and strings
--
-- error[SR101]: expected ',' or ')' after the argument, found 'b'
--   --> tables.sql:12:10
--    |
-- 12 | CALL f(a b);
--    |          ^
--
-- error[SR101]: expected a table name or a string, found ')'
--   --> tables.sql:13:10
--    |
-- 13 | CALL f(a,);
--    |          ^
--    = help: CALL takes table names and strings
--
-- error[SR101]: expected the end of the statement, found 'x'
--   --> tables.sql:14:11
--    |
-- 14 | CALL f(a) x;
--    |           ^
--
-- error[SR190]: CALL … LIKE is not supported yet
--   --> tables.sql:15:11
--    |
-- 15 | CALL f(a) LIKE t;
--    |           ^^^^
--
-- error[SR190]: CALL … PARTITION BY is not supported yet
--   --> tables.sql:16:11
--    |
-- 16 | CALL f(a) PARTITION BY a SIZE 3;
--    |           ^^^^^^^^^
--
-- error[SR190]: CALL … ASYNC is not supported yet
--   --> tables.sql:17:11
--    |
-- 17 | CALL f(a) ASYNC;
--    |           ^^^^^
--
-- error[SR190]: GET(…) is not supported yet
--   --> tables.sql:18:6
--    |
-- 18 | CALL GET('f')(a);
--    |      ^^^
--    = help: use a template: '{{ params.name }}'
--
-- error[SR190]: GET_OR_DEFAULT(…) is not supported yet
--   --> tables.sql:19:8
--    |
-- 19 | CALL f(GET_OR_DEFAULT('a', 'b'));
--    |        ^^^^^^^^^^^^^^
--    = help: use a template: '{{ params.name }}'
--
-- error[SR101]: expected INTO or OVERWRITE after INSERT, found 't'
--   --> tables.sql:20:8
--    |
-- 20 | INSERT t SELECT 1;
--    |        ^
--
-- error[SR101]: expected a query after the table name, found the end of the statement
--   --> tables.sql:21:14
--    |
-- 21 | INSERT INTO t;
--    |              ^
--
-- error[SR190]: INSERT with a column list is not supported yet
--   --> tables.sql:22:15
--    |
-- 22 | INSERT INTO t (a, b) SELECT 1, 2;
--    |               ^
--    = help: select all columns in the table's order
--
-- error[SR190]: INSERT … PARTITION is not supported yet
--   --> tables.sql:23:20
--    |
-- 23 | INSERT OVERWRITE t PARTITION (a = 1) SELECT 1;
--    |                    ^^^^^^^^^
--    = help: select the partition column instead
--
-- error[SR109]: this is not a query
--   --> tables.sql:24:1
--    |
-- 24 | WITH c AS (SELECT 1) INSERT INTO t SELECT * FROM c;
--    | ^^^^
--    = help: write INSERT INTO t WITH … SELECT …
