TRIAN MODEL m;
FOO;
42;
CREATE MODLE m;
CREATE ZOO m;
CREATE;
DROP SERVISE s;
CREATE OR MODEL m;
CREATE TEMPORARY SERVICE s ON MODEL m;
CREATE OR REPLACE TABLE t;
DROP TEMPORARY SERVICE s;
CREATE TEMPORARY DATABASE d;
CREATE OR REPLACE VIEW v AS SELECT 1;
CREATE CATALOG c;
CREATE FUNCTION f;
CREATE SQL f;
CREATE APY a WITH f;
DROP SQL FUNCTIONS f;
DROP DATABSE d;
DROP 'm';
ALTER;
ALTER TABLE t;
ALTER SERVISE s PROMOTE;
MERGE INTO t;
MERGE t;
WAIT FOR JOB 'j';
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
--   = help: statements begin with ALTER, ASSERT, CACHE, CALL, CREATE, DECLARE, DEFINE, DELETE, DESC, DESCRIBE, DROP, EVALUATE, EXPLAIN, EXPORT, FLUSH, IF, INSERT, RESET, RETURN, ROLLBACK, SELECT, SET, SHOW, TRAIN, TRUNCATE, UPDATE, USE
--
-- error[SR101]: expected a statement, found '42'
--  --> statements.sql:3:1
--   |
-- 3 | 42;
--   | ^^
--   = help: begin it with a word, such as SELECT or CREATE
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
--   = help: CREATE takes MODEL, SERVICE, TABLE, VIEW, DATABASE, SQL FUNCTION, API
--
-- error[SR101]: expected MODEL, SERVICE, TABLE, VIEW, DATABASE, SQL FUNCTION, API after CREATE, found the end of the statement
--  --> statements.sql:6:7
--   |
-- 6 | CREATE;
--   |       ^
--   = help: write CREATE MODEL name
--
-- error[SR111]: unknown DROP target 'SERVISE'
--  --> statements.sql:7:6
--   |
-- 7 | DROP SERVISE s;
--   |      ^^^^^^^
--   = help: Did you mean DROP SERVICE?
--
-- error[SR101]: expected REPLACE after OR, found 'MODEL'
--  --> statements.sql:8:11
--   |
-- 8 | CREATE OR MODEL m;
--   |           ^^^^^
--   = help: write CREATE OR REPLACE, or CREATE alone
--
-- error[SR107]: CREATE TEMPORARY SERVICE is not part of the dialect
--  --> statements.sql:9:1
--   |
-- 9 | CREATE TEMPORARY SERVICE s ON MODEL m;
--   | ^^^^^^^^^^^^^^^^^^^^^^^^
--   = help: TEMPORARY goes with MODEL, TABLE, VIEW
--
-- error[SR107]: CREATE OR REPLACE TABLE is not part of the dialect
--   --> statements.sql:10:1
--    |
-- 10 | CREATE OR REPLACE TABLE t;
--    | ^^^^^^^^^^^^^^^^^^^^^^^
--    = help: OR REPLACE goes with MODEL, SERVICE, SQL FUNCTION, API
--
-- error[SR107]: DROP TEMPORARY SERVICE is not part of the dialect
--   --> statements.sql:11:1
--    |
-- 11 | DROP TEMPORARY SERVICE s;
--    | ^^^^^^^^^^^^^^^^^^^^^^
--    = help: TEMPORARY goes with MODEL, TABLE, VIEW
--
-- error[SR107]: CREATE TEMPORARY DATABASE is not part of the dialect
--   --> statements.sql:12:1
--    |
-- 12 | CREATE TEMPORARY DATABASE d;
--    | ^^^^^^^^^^^^^^^^^^^^^^^^^
--    = help: TEMPORARY goes with MODEL, TABLE, VIEW
--
-- error[SR107]: CREATE OR REPLACE VIEW is not part of the dialect
--   --> statements.sql:13:1
--    |
-- 13 | CREATE OR REPLACE VIEW v AS SELECT 1;
--    | ^^^^^^^^^^^^^^^^^^^^^^
--    = help: OR REPLACE goes with MODEL, SERVICE, SQL FUNCTION, API
--
-- error[SR190]: CREATE CATALOG is not supported yet
--   --> statements.sql:14:8
--    |
-- 14 | CREATE CATALOG c;
--    |        ^^^^^^^
--    = help: leave the statement out
--
-- error[SR190]: CREATE FUNCTION is not supported yet
--   --> statements.sql:15:8
--    |
-- 15 | CREATE FUNCTION f;
--    |        ^^^^^^^^
--    = help: SQL functions: CREATE SQL FUNCTION
--
-- error[SR101]: expected FUNCTION after CREATE SQL, found 'f'
--   --> statements.sql:16:12
--    |
-- 16 | CREATE SQL f;
--    |            ^
--    = help: write CREATE SQL FUNCTION name
--
-- error[SR111]: unknown CREATE target 'APY'
--   --> statements.sql:17:8
--    |
-- 17 | CREATE APY a WITH f;
--    |        ^^^
--    = help: CREATE takes MODEL, SERVICE, TABLE, VIEW, DATABASE, SQL FUNCTION, API
--
-- error[SR101]: expected FUNCTION after DROP SQL, found 'FUNCTIONS'
--   --> statements.sql:18:10
--    |
-- 18 | DROP SQL FUNCTIONS f;
--    |          ^^^^^^^^^
--    = help: write DROP SQL FUNCTION name
--
-- error[SR111]: unknown DROP target 'DATABSE'
--   --> statements.sql:19:6
--    |
-- 19 | DROP DATABSE d;
--    |      ^^^^^^^
--    = help: Did you mean DROP DATABASE?
--
-- error[SR101]: expected MODEL, SERVICE, TABLE, VIEW, DATABASE, SQL FUNCTION, API after DROP, found the string 'm'
--   --> statements.sql:20:6
--    |
-- 20 | DROP 'm';
--    |      ^^^
--    = help: write DROP MODEL name
--
-- error[SR101]: expected MODEL, SERVICE after ALTER, found the end of the statement
--   --> statements.sql:21:6
--    |
-- 21 | ALTER;
--    |      ^
--    = help: write ALTER MODEL name
--
-- error[SR190]: ALTER TABLE is not supported yet
--   --> statements.sql:22:7
--    |
-- 22 | ALTER TABLE t;
--    |       ^^^^^
--    = help: leave the statement out
--
-- error[SR111]: unknown ALTER target 'SERVISE'
--   --> statements.sql:23:7
--    |
-- 23 | ALTER SERVISE s PROMOTE;
--    |       ^^^^^^^
--    = help: Did you mean ALTER SERVICE?
--
-- error[SR190]: MERGE INTO is not supported yet
--   --> statements.sql:24:1
--    |
-- 24 | MERGE INTO t;
--    | ^^^^^^^^^^
--    = help: leave the statement out
--
-- error[SR111]: unknown statement 'MERGE'
--   --> statements.sql:25:1
--    |
-- 25 | MERGE t;
--    | ^^^^^
--    = help: statements begin with ALTER, ASSERT, CACHE, CALL, CREATE, DECLARE, DEFINE, DELETE, DESC, DESCRIBE, DROP, EVALUATE, EXPLAIN, EXPORT, FLUSH, IF, INSERT, RESET, RETURN, ROLLBACK, SELECT, SET, SHOW, TRAIN, TRUNCATE, UPDATE, USE
--
-- error[SR190]: WAIT FOR is not supported yet
--   --> statements.sql:26:1
--    |
-- 26 | WAIT FOR JOB 'j';
--    | ^^^^^^^^
--    = help: leave the statement out
