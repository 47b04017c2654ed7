IF;
IF SELECT TRUE THEN (FLUSH);
IF (TRUE) THEN (FLUSH);
IF () THEN (FLUSH);
IF (SELECT TRUE THEN (FLUSH);
IF (SELECT TRUE) (FLUSH);
IF (SELECT TRUE) THEN FLUSH;
IF (SELECT TRUE) THEN ();
IF (SELECT TRUE) THEN (FLUSH;
IF (SELECT TRUE) THEN (FLUHS);
IF (SELECT TRUE) THEN (FLUSH) ELSE;
IF (SELECT TRUE) THEN (FLUSH) ESLE (FLUSH);
IF (SELECT TRUE) THEN (SELECT a FORM t) ELSE (SELECT b +);
IF (SELECT TRUE) THEN (RETURN t);
IF (SELECT TRUE) THEN (CREATE SQL FUNCTION f);
IF (SELECT TRUE) THEN (FLUSH) ELSE (DECLARE n INT);
IF (SELECT TRUE) THEN (CACHE TABLE a AS SELECT 1) ELSE (SELECT 1);
IF (SELECT TRUE) THEN (SELECT 1) ELSE (CACHE TABLE a AS SELECT 1);
IF (SELECT TRUE) THEN (CACHE TABLE a AS SELECT 1) ELSE (CACHE TABLE b AS SELECT 1);
IF (SELECT TRUE) THEN (IF (SELECT 1) THEN (CACHE TABLE a AS SELECT 1)) ELSE (CACHE TABLE b AS SELECT 1);
IF TIMEIN (SELECT 10) THEN (CACHE TABLE a AS SELECT 1);
IF TIMEIN (SELECT 10) THEN (SELECT 1) ELSE (SELECT 2);
IF TIMEIN SELECT 10 THEN (SELECT 1);
IF (SELECT TRUE) THEN (EXPLAIN IF (SELECT 1) THEN (RETURN));
ASSERT;
ASSERT TRUE;
ASSERT a > 1;
FLUSH TABLES;
EXPLAIN;
EXPLAIN PLAN;
EXPLAIN RETURN;
EXPLAIN TRAIN MODEL m;
EXPLAIN EXPLAIN TRIAN;
-- expected:
-- error[SR101]: expected '(' after IF, found the end of the statement
--  --> control.sql:1:3
--   |
-- 1 | IF;
--   |   ^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected '(' after IF, found 'SELECT'
--  --> control.sql:2:4
--   |
-- 2 | IF SELECT TRUE THEN (FLUSH);
--   |    ^^^^^^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected a query, found 'TRUE'
--  --> control.sql:3:5
--   |
-- 3 | IF (TRUE) THEN (FLUSH);
--   |     ^^^^
--   = help: the condition is a query: IF (SELECT …) THEN (…)
--
-- error[SR101]: expected a query, found ')'
--  --> control.sql:4:5
--   |
-- 4 | IF () THEN (FLUSH);
--   |     ^
--   = help: the condition is a query: IF (SELECT …) THEN (…)
--
-- error[SR101]: expected ')' after the query, found the end of the statement
--  --> control.sql:5:29
--   |
-- 5 | IF (SELECT TRUE THEN (FLUSH);
--   |                             ^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected THEN after the condition, found '('
--  --> control.sql:6:18
--   |
-- 6 | IF (SELECT TRUE) (FLUSH);
--   |                  ^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected '(' after THEN, found 'FLUSH'
--  --> control.sql:7:23
--   |
-- 7 | IF (SELECT TRUE) THEN FLUSH;
--   |                       ^^^^^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected the statement, found ')'
--  --> control.sql:8:24
--   |
-- 8 | IF (SELECT TRUE) THEN ();
--   |                        ^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected ')' after the statement, found the end of the statement
--  --> control.sql:9:29
--   |
-- 9 | IF (SELECT TRUE) THEN (FLUSH;
--   |                             ^
--   = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR111]: unknown statement 'FLUHS'
--   --> control.sql:10:24
--    |
-- 10 | IF (SELECT TRUE) THEN (FLUHS);
--    |                        ^^^^^
--    = help: Did you mean FLUSH?
--
-- error[SR101]: expected '(' after ELSE, found the end of the statement
--   --> control.sql:11:35
--    |
-- 11 | IF (SELECT TRUE) THEN (FLUSH) ELSE;
--    |                                   ^
--    = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR101]: expected the end of the statement, found 'ESLE'
--   --> control.sql:12:31
--    |
-- 12 | IF (SELECT TRUE) THEN (FLUSH) ESLE (FLUSH);
--    |                               ^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR109]: unexpected 't' in the query
--   --> control.sql:13:38
--    |
-- 13 | IF (SELECT TRUE) THEN (SELECT a FORM t) ELSE (SELECT b +);
--    |                                      ^
--    = help: Did you mean FROM?
--
-- error[SR109]: the query ends too early, after '+'
--   --> control.sql:13:57
--    |
-- 13 | IF (SELECT TRUE) THEN (SELECT a FORM t) ELSE (SELECT b +);
--    |                                                         ^
--    = help: complete the query: it ends before something that it needs
--
-- error[SR117]: RETURN belongs to the script itself: it cannot stand inside another statement
--   --> control.sql:14:24
--    |
-- 14 | IF (SELECT TRUE) THEN (RETURN t);
--    |                        ^^^^^^^^
--    = help: write it as a statement of its own
--
-- error[SR117]: CREATE SQL FUNCTION belongs to the script itself: it cannot stand inside another statement
--   --> control.sql:15:24
--    |
-- 15 | IF (SELECT TRUE) THEN (CREATE SQL FUNCTION f);
--    |                        ^^^^^^^^^^^^^^^^^^^^^
--    = help: write it as a statement of its own
--
-- error[SR117]: DECLARE belongs to the script itself: it cannot stand inside another statement
--   --> control.sql:16:37
--    |
-- 16 | IF (SELECT TRUE) THEN (FLUSH) ELSE (DECLARE n INT);
--    |                                     ^^^^^^^^^^^^^
--    = help: write it as a statement of its own
--
-- error[SR114]: one branch of IF caches a table and the other does not: both must, or none
--   --> control.sql:17:57
--    |
-- 17 | IF (SELECT TRUE) THEN (CACHE TABLE a AS SELECT 1) ELSE (SELECT 1);
--    |                                                         ^^^^^^^^
--    = help: write CACHE TABLE … AS in both, or in none
--
-- error[SR114]: one branch of IF caches a table and the other does not: both must, or none
--   --> control.sql:18:24
--    |
-- 18 | IF (SELECT TRUE) THEN (SELECT 1) ELSE (CACHE TABLE a AS SELECT 1);
--    |                        ^^^^^^^^
--    = help: write CACHE TABLE … AS in both, or in none
--
-- error[SR114]: THEN caches 'a' and ELSE 'b': both must cache the same table
--   --> control.sql:19:69
--    |
-- 19 | IF (SELECT TRUE) THEN (CACHE TABLE a AS SELECT 1) ELSE (CACHE TABLE b AS SELECT 1);
--    |                                                                     ^
--    = help: write CACHE TABLE a in both
--
-- error[SR114]: THEN caches 'a' and ELSE 'b': both must cache the same table
--   --> control.sql:20:90
--    |
-- 20 | IF (SELECT TRUE) THEN (IF (SELECT 1) THEN (CACHE TABLE a AS SELECT 1)) ELSE (CACHE TABLE b AS SELECT 1);
--    |                                                                                          ^
--    = help: write CACHE TABLE a in both
--
-- error[SR114]: IF TIMEIN needs ELSE
--   --> control.sql:21:12
--    |
-- 21 | IF TIMEIN (SELECT 10) THEN (CACHE TABLE a AS SELECT 1);
--    |            ^^^^^^^^^
--    = help: THEN is a CACHE TABLE that may take too long, ELSE the one that is used instead
--
-- error[SR114]: IF TIMEIN needs a CACHE TABLE in THEN
--   --> control.sql:22:12
--    |
-- 22 | IF TIMEIN (SELECT 10) THEN (SELECT 1) ELSE (SELECT 2);
--    |            ^^^^^^^^^
--    = help: THEN is a CACHE TABLE that may take too long, ELSE the one that is used instead
--
-- error[SR101]: expected '(' after IF TIMEIN, found 'SELECT'
--   --> control.sql:23:11
--    |
-- 23 | IF TIMEIN SELECT 10 THEN (SELECT 1);
--    |           ^^^^^^
--    = help: the form is IF [TIMEIN] (query) THEN (statement) [ELSE (statement)]
--
-- error[SR117]: RETURN belongs to the script itself: it cannot stand inside another statement
--   --> control.sql:24:52
--    |
-- 24 | IF (SELECT TRUE) THEN (EXPLAIN IF (SELECT 1) THEN (RETURN));
--    |                                                    ^^^^^^
--    = help: write it as a statement of its own
--
-- error[SR101]: expected a query after ASSERT, found the end of the statement
--   --> control.sql:25:7
--    |
-- 25 | ASSERT;
--    |       ^
--    = help: the form is ASSERT query
--
-- error[SR101]: expected a query after ASSERT, found 'TRUE'
--   --> control.sql:26:8
--    |
-- 26 | ASSERT TRUE;
--    |        ^^^^
--    = help: the form is ASSERT query
--
-- error[SR101]: expected a query after ASSERT, found 'a'
--   --> control.sql:27:8
--    |
-- 27 | ASSERT a > 1;
--    |        ^
--    = help: the form is ASSERT query
--
-- error[SR101]: expected the end of the statement, found 'TABLES'
--   --> control.sql:28:7
--    |
-- 28 | FLUSH TABLES;
--    |       ^^^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected a statement after EXPLAIN, found the end of the statement
--   --> control.sql:29:8
--    |
-- 29 | EXPLAIN;
--    |        ^
--    = help: the form is EXPLAIN statement
--
-- error[SR111]: unknown statement 'PLAN'
--   --> control.sql:30:9
--    |
-- 30 | EXPLAIN PLAN;
--    |         ^^^^
--    = help: statements begin with ALTER, ASSERT, CACHE, CALL, CREATE, DECLARE, DEFINE, DELETE, DESC, DESCRIBE, DROP, EVALUATE, EXPLAIN, EXPORT, FLUSH, IF, INSERT, RESET, RETURN, ROLLBACK, SELECT, SET, SHOW, TRAIN, TRUNCATE, UPDATE, USE
--
-- error[SR117]: RETURN belongs to the script itself: it cannot stand inside another statement
--   --> control.sql:31:9
--    |
-- 31 | EXPLAIN RETURN;
--    |         ^^^^^^
--    = help: write it as a statement of its own
--
-- error[SR101]: TRAIN MODEL needs CHECKPOINT = 'name'
--   --> control.sql:32:9
--    |
-- 32 | EXPLAIN TRAIN MODEL m;
--    |         ^^^^^^^^^^^
--    = help: add the clause after the model's name
--
-- error[SR111]: unknown statement 'TRIAN'
--   --> control.sql:33:17
--    |
-- 33 | EXPLAIN EXPLAIN TRIAN;
--    |                 ^^^^^
--    = help: Did you mean TRAIN?
