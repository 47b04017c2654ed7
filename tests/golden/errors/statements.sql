TRIAN MODEL m;
FOO;
42;
CREATE MODLE m;
CREATE ZOO m;
CREATE;
DROP SERVISE s;
CREATE OR MODEL m;
CREATE API a WITH f;
CREATE TEMPORARY SERVICE s ON MODEL m;
CREATE OR REPLACE TABLE t;
DROP TABLE t;
DROP TEMPORARY SERVICE s;
ALTER MODEL m SET ('a' = 1);
ROLLBACK SERVICE s;
EXPLAIN SELECT 1;
RESET;
IF (SELECT TRUE) THEN (FLUSH);
-- expected:
-- error[SR111]: unknown statement 'TRIAN'
--  --> statements.sql:1:1
--   |
-- 1 | TRIAN MODEL m;
--   | ^^^^^
--   = help: Did you mean TRAIN?
--
-- error[SR111]: unknown statement 'FOO'
--  --> statements.sql:2:1
--   |
-- 2 | FOO;
--   | ^^^
--   = help: statements begin with CACHE, CALL, CREATE, DECLARE, DROP, EXPORT, INSERT, SET, TRAIN, SELECT
--
-- error[SR101]: expected a statement, found '42'
--  --> statements.sql:3:1
--   |
-- 3 | 42;
--   | ^^
--
-- error[SR111]: unknown CREATE target 'MODLE'
--  --> statements.sql:4:8
--   |
-- 4 | CREATE MODLE m;
--   |        ^^^^^
--   = help: Did you mean CREATE MODEL?
--
-- error[SR111]: unknown CREATE target 'ZOO'
--  --> statements.sql:5:8
--   |
-- 5 | CREATE ZOO m;
--   |        ^^^
--   = help: CREATE takes MODEL, SERVICE, TABLE
--
-- error[SR101]: expected MODEL, SERVICE, TABLE after CREATE, found the end of the statement
--  --> statements.sql:6:7
--   |
-- 6 | CREATE;
--   |       ^
--
-- error[SR111]: unknown DROP target 'SERVISE'
--  --> statements.sql:7:6
--   |
-- 7 | DROP SERVISE s;
--   |      ^^^^^^^
--   = help: Did you mean DROP SERVICE?
--
-- error[SR101]: expected REPLACE, found 'MODEL'
--  --> statements.sql:8:11
--   |
-- 8 | CREATE OR MODEL m;
--   |           ^^^^^
--
-- error[SR190]: CREATE API is not supported yet
--  --> statements.sql:9:8
--   |
-- 9 | CREATE API a WITH f;
--   |        ^^^
--
-- error[SR190]: CREATE TEMPORARY SERVICE is not supported yet
--   --> statements.sql:10:18
--    |
-- 10 | CREATE TEMPORARY SERVICE s ON MODEL m;
--    |                  ^^^^^^^
--
-- error[SR190]: CREATE OR REPLACE TABLE is not supported yet
--   --> statements.sql:11:19
--    |
-- 11 | CREATE OR REPLACE TABLE t;
--    |                   ^^^^^
--
-- error[SR190]: DROP TABLE is not supported yet
--   --> statements.sql:12:6
--    |
-- 12 | DROP TABLE t;
--    |      ^^^^^
--
-- error[SR190]: DROP TEMPORARY SERVICE is not supported yet
--   --> statements.sql:13:16
--    |
-- 13 | DROP TEMPORARY SERVICE s;
--    |                ^^^^^^^
--
-- error[SR190]: ALTER MODEL is not supported yet
--   --> statements.sql:14:1
--    |
-- 14 | ALTER MODEL m SET ('a' = 1);
--    | ^^^^^^^^^^^
--
-- error[SR190]: ROLLBACK SERVICE is not supported yet
--   --> statements.sql:15:1
--    |
-- 15 | ROLLBACK SERVICE s;
--    | ^^^^^^^^^^^^^^^^
--
-- error[SR190]: EXPLAIN is not supported yet
--   --> statements.sql:16:1
--    |
-- 16 | EXPLAIN SELECT 1;
--    | ^^^^^^^
--
-- error[SR190]: RESET is not supported yet
--   --> statements.sql:17:1
--    |
-- 17 | RESET;
--    | ^^^^^
--
-- error[SR190]: IF is not supported yet
--   --> statements.sql:18:1
--    |
-- 18 | IF (SELECT TRUE) THEN (FLUSH);
--    | ^^
