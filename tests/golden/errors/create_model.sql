CREATE MODEL IF EXISTS m;
CREATE OR REPLACE MODEL IF NOT EXISTS m;
CREATE MODEL m (a INT) INPUT (b INT) OUTPUT (c INT);
CREATE MODEL m INPUT (a INT);
CREATE MODEL m OUTPUT (a INT);
CREATE MODEL m INPUT (a INT) OUTPUT (b INT) AS SELECT 1;
CREATE MODEL m INPUT (a INT) OUTPUT (A INT);
CREATE MODEL m WTIH ('a' = 1);
CREATE MODEL m
TRAIN MODEL m;
CREATE MODEL m COMMENT x;
CREATE MODEL m COMMENT `x`;
CREATE MODEL m WITH ('a' = 1) COMMENT 'x';
CREATE MODEL m WITH ('a' = 1) WITH ('b' = 2);
CREATE MODEL m AS;
CREATE MODEL m AS SELECT a FORM t;
CREATE MODEL m COMMENT 5;
-- expected:
-- error[SR101]: expected NOT, found 'EXISTS'
--  --> create_model.sql:1:17
--   |
-- 1 | CREATE MODEL IF EXISTS m;
--   |                 ^^^^^^
--   = help: the form is CREATE [OR REPLACE] [TEMPORARY | TEMP] MODEL [IF NOT EXISTS] model [(column type [NOT NULL] [COMMENT 'text'], …) | [INPUT (column type, …)] [OUTPUT (column type, …)]] [COMMENT 'text'] [WITH (key = value, …)] [AS query]
--
-- error[SR107]: OR REPLACE and IF NOT EXISTS exclude each other
--  --> create_model.sql:2:25
--   |
-- 2 | CREATE OR REPLACE MODEL IF NOT EXISTS m;
--   |                         ^^^^^^^^^^^^^
--   = help: OR REPLACE changes what is there, IF NOT EXISTS keeps it: leave one out
--
-- error[SR107]: a model has either a plain column list or INPUT/OUTPUT, not both
--  --> create_model.sql:3:24
--   |
-- 3 | CREATE MODEL m (a INT) INPUT (b INT) OUTPUT (c INT);
--   |                        ^^^^^
--   = help: keep one of the two forms
--
-- error[SR107]: a model has either a plain column list or INPUT/OUTPUT, not both
--  --> create_model.sql:3:38
--   |
-- 3 | CREATE MODEL m (a INT) INPUT (b INT) OUTPUT (c INT);
--   |                                      ^^^^^^
--   = help: keep one of the two forms
--
-- error[SR107]: Output column list can not be empty with non-empty input column list.
--  --> create_model.sql:4:22
--   |
-- 4 | CREATE MODEL m INPUT (a INT);
--   |                      ^^^^^^^
--   = help: add OUTPUT (name TYPE, …)
--
-- error[SR107]: Input column list can not be empty with non-empty output column list.
--  --> create_model.sql:5:23
--   |
-- 5 | CREATE MODEL m OUTPUT (a INT);
--   |                       ^^^^^^^
--   = help: add INPUT (name TYPE, …)
--
-- error[SR107]: CREATE MODEL AS SELECT syntax does not support to specify explicit input columns.
--  --> create_model.sql:6:22
--   |
-- 6 | CREATE MODEL m INPUT (a INT) OUTPUT (b INT) AS SELECT 1;
--   |                      ^^^^^^^
--   = help: leave INPUT out: the query has columns
--
-- error[SR107]: CREATE MODEL AS SELECT syntax does not support to specify explicit output columns.
--  --> create_model.sql:6:37
--   |
-- 6 | CREATE MODEL m INPUT (a INT) OUTPUT (b INT) AS SELECT 1;
--   |                                     ^^^^^^^
--   = help: leave OUTPUT out: the query has columns
--
-- error[SR108]: Field 'A' exists in both input fields and output fields
--  --> create_model.sql:7:38
--   |
-- 7 | CREATE MODEL m INPUT (a INT) OUTPUT (A INT);
--   |                                      ^
--   = help: rename one of them: the model's answer is added to the columns of the table
--
-- error[SR101]: expected INPUT, OUTPUT, COMMENT, WITH, AS or the end of the statement, found 'WTIH'
--  --> create_model.sql:8:16
--   |
-- 8 | CREATE MODEL m WTIH ('a' = 1);
--   |                ^^^^
--   = help: Did you mean WITH?
--
-- error[SR101]: expected INPUT, OUTPUT, COMMENT, WITH, AS or the end of the statement, found 'TRAIN'
--   --> create_model.sql:10:1
--    |
-- 10 | TRAIN MODEL m;
--    | ^^^^^
--    = help: is a ';' missing before it?
--
-- error[SR101]: expected the comment as a quoted string, found 'x'
--   --> create_model.sql:11:24
--    |
-- 11 | CREATE MODEL m COMMENT x;
--    |                        ^
--    = help: Did you forget the single quotes?
--
-- error[SR101]: expected the comment as a quoted string, found '`x`'
--   --> create_model.sql:12:24
--    |
-- 12 | CREATE MODEL m COMMENT `x`;
--    |                        ^^^
--    = help: Did you forget the single quotes?
--
-- error[SR103]: COMMENT must come before WITH (order: INPUT, OUTPUT, COMMENT, WITH, AS)
--   --> create_model.sql:13:31
--    |
-- 13 | CREATE MODEL m WITH ('a' = 1) COMMENT 'x';
--    |                               ^^^^^^^
--    = help: move it before WITH
--
-- error[SR103]: WITH is given twice
--   --> create_model.sql:14:31
--    |
-- 14 | CREATE MODEL m WITH ('a' = 1) WITH ('b' = 2);
--    |                               ^^^^
--    = help: keep one of them
--
-- error[SR101]: expected a query, found the end of the statement
--   --> create_model.sql:15:18
--    |
-- 15 | CREATE MODEL m AS;
--    |                  ^
--    = help: the form is CREATE [OR REPLACE] [TEMPORARY | TEMP] MODEL [IF NOT EXISTS] model [(column type [NOT NULL] [COMMENT 'text'], …) | [INPUT (column type, …)] [OUTPUT (column type, …)]] [COMMENT 'text'] [WITH (key = value, …)] [AS query]
--
-- error[SR109]: unexpected 't' in the query
--   --> create_model.sql:16:33
--    |
-- 16 | CREATE MODEL m AS SELECT a FORM t;
--    |                                 ^
--    = help: Did you mean FROM?
--
-- error[SR101]: expected the comment as a quoted string, found '5'
--   --> create_model.sql:17:24
--    |
-- 17 | CREATE MODEL m COMMENT 5;
--    |                        ^
--    = help: Did you forget the single quotes?
