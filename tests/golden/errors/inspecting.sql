SHOW;
SHOW MODLES;
SHOW FUNCTIONS;
SHOW SQL FUNCTION;
SHOW JOBS;
SHOW 'x';
SHOW MODELS FROM;
SHOW MODELS FROM a.b.c;
SHOW MODELS LIKE v;
SHOW MODELS ILIKE 'v%';
SHOW MODELS NOT 'v%';
SHOW MODELS LIKE 'v%' FROM d;
SHOW CHECKPOINTS;
SHOW CREATE;
SHOW CREATE m;
SHOW CREATE MODEL;
SHOW CREATE MODLE m;
SHOW CREATE CHECKPOINT m;
SHOW CREATE SQL m;
DESCRIBE;
DESCRIBE FORMATTED MODEL m CHECKPOINT 'v';
DESCRIBE MODLE m;
DESCRIBE CATALOG c;
DESCRIBE SQL f;
DESCRIBE t CHECKPOINT = 'v';
DESCRIBE SERVICE s x;
DESC EXTENDED 1;
-- expected:
-- error[SR101]: expected MODELS, SERVICES, CHECKPOINTS, APIS, SQL FUNCTIONS, TABLES, VIEWS, DATABASES or CATALOGS after SHOW, found the end of the statement
--  --> inspecting.sql:1:5
--   |
-- 1 | SHOW;
--   |     ^
--   = help: the form is SHOW (MODELS | SERVICES | APIS | SQL FUNCTIONS | TABLES | VIEWS | DATABASES | CATALOGS) [(FROM | IN) database] [[NOT] LIKE 'pattern']
--
-- error[SR111]: unknown SHOW target 'MODLES'
--  --> inspecting.sql:2:6
--   |
-- 2 | SHOW MODLES;
--   |      ^^^^^^
--   = help: Did you mean SHOW MODELS?
--
-- error[SR111]: unknown SHOW target 'FUNCTIONS'
--  --> inspecting.sql:3:6
--   |
-- 3 | SHOW FUNCTIONS;
--   |      ^^^^^^^^^
--   = help: Did you mean SHOW SQL FUNCTIONS?
--
-- error[SR101]: expected FUNCTIONS after SHOW SQL, found 'FUNCTION'
--  --> inspecting.sql:4:10
--   |
-- 4 | SHOW SQL FUNCTION;
--   |          ^^^^^^^^
--   = help: the form is SHOW (MODELS | SERVICES | APIS | SQL FUNCTIONS | TABLES | VIEWS | DATABASES | CATALOGS) [(FROM | IN) database] [[NOT] LIKE 'pattern']
--
-- error[SR111]: unknown SHOW target 'JOBS'
--  --> inspecting.sql:5:6
--   |
-- 5 | SHOW JOBS;
--   |      ^^^^
--   = help: SHOW takes MODELS, SERVICES, CHECKPOINTS, APIS, SQL FUNCTIONS, TABLES, VIEWS, DATABASES or CATALOGS
--
-- error[SR101]: expected MODELS, SERVICES, CHECKPOINTS, APIS, SQL FUNCTIONS, TABLES, VIEWS, DATABASES or CATALOGS after SHOW, found the string 'x'
--  --> inspecting.sql:6:6
--   |
-- 6 | SHOW 'x';
--   |      ^^^
--   = help: the form is SHOW (MODELS | SERVICES | APIS | SQL FUNCTIONS | TABLES | VIEWS | DATABASES | CATALOGS) [(FROM | IN) database] [[NOT] LIKE 'pattern']
--
-- error[SR101]: expected the database name, found the end of the statement
--  --> inspecting.sql:7:17
--   |
-- 7 | SHOW MODELS FROM;
--   |                 ^
--   = help: the form is SHOW (MODELS | SERVICES | APIS | SQL FUNCTIONS | TABLES | VIEWS | DATABASES | CATALOGS) [(FROM | IN) database] [[NOT] LIKE 'pattern']
--
-- error[SR104]: the database name has at most 2 parts, not 3
--  --> inspecting.sql:8:18
--   |
-- 8 | SHOW MODELS FROM a.b.c;
--   |                  ^^^^^
--   = help: write `a.b.c` if it has dots
--
-- error[SR101]: expected the pattern as a quoted string, found 'v'
--  --> inspecting.sql:9:18
--   |
-- 9 | SHOW MODELS LIKE v;
--   |                  ^
--   = help: Did you forget the single quotes?
--
-- error[SR101]: expected LIKE, found 'ILIKE'
--   --> inspecting.sql:10:13
--    |
-- 10 | SHOW MODELS ILIKE 'v%';
--    |             ^^^^^
--    = help: LIKE does not regard case
--
-- error[SR101]: expected LIKE after NOT, found the string 'v%'
--   --> inspecting.sql:11:17
--    |
-- 11 | SHOW MODELS NOT 'v%';
--    |                 ^^^^
--    = help: the form is SHOW (MODELS | SERVICES | APIS | SQL FUNCTIONS | TABLES | VIEWS | DATABASES | CATALOGS) [(FROM | IN) database] [[NOT] LIKE 'pattern']
--
-- error[SR101]: expected the end of the statement, found 'FROM'
--   --> inspecting.sql:12:23
--    |
-- 12 | SHOW MODELS LIKE 'v%' FROM d;
--    |                       ^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the model name, found the end of the statement
--   --> inspecting.sql:13:17
--    |
-- 13 | SHOW CHECKPOINTS;
--    |                 ^
--    = help: the form is SHOW CHECKPOINTS [FROM | IN] model [[NOT] LIKE 'pattern']
--
-- error[SR101]: expected MODEL, SERVICE, API, SQL FUNCTION, TABLE or VIEW after SHOW CREATE, found the end of the statement
--   --> inspecting.sql:14:12
--    |
-- 14 | SHOW CREATE;
--    |            ^
--    = help: the form is SHOW CREATE (MODEL | SERVICE | API | SQL FUNCTION | TABLE | VIEW) name
--
-- error[SR111]: unknown SHOW CREATE target 'm'
--   --> inspecting.sql:15:13
--    |
-- 15 | SHOW CREATE m;
--    |             ^
--    = help: SHOW CREATE takes MODEL, SERVICE, API, SQL FUNCTION, TABLE or VIEW
--
-- error[SR101]: expected a name after SHOW CREATE MODEL, found the end of the statement
--   --> inspecting.sql:16:18
--    |
-- 16 | SHOW CREATE MODEL;
--    |                  ^
--    = help: the form is SHOW CREATE (MODEL | SERVICE | API | SQL FUNCTION | TABLE | VIEW) name
--
-- error[SR111]: unknown SHOW CREATE target 'MODLE'
--   --> inspecting.sql:17:13
--    |
-- 17 | SHOW CREATE MODLE m;
--    |             ^^^^^
--    = help: Did you mean SHOW CREATE MODEL?
--
-- error[SR111]: unknown SHOW CREATE target 'CHECKPOINT'
--   --> inspecting.sql:18:13
--    |
-- 18 | SHOW CREATE CHECKPOINT m;
--    |             ^^^^^^^^^^
--    = help: SHOW CREATE takes MODEL, SERVICE, API, SQL FUNCTION, TABLE or VIEW
--
-- error[SR101]: expected FUNCTION after SHOW CREATE SQL, found 'm'
--   --> inspecting.sql:19:17
--    |
-- 19 | SHOW CREATE SQL m;
--    |                 ^
--    = help: the form is SHOW CREATE (MODEL | SERVICE | API | SQL FUNCTION | TABLE | VIEW) name
--
-- error[SR101]: expected the table name, found the end of the statement
--   --> inspecting.sql:20:9
--    |
-- 20 | DESCRIBE;
--    |         ^
--    = help: the form is (DESCRIBE | DESC) [FORMATTED | EXTENDED] ( MODEL model [CHECKPOINT = 'checkpoint'] | SERVICE service | SQL FUNCTION function | API api | [TABLE] table )
--
-- error[SR101]: expected '=' after CHECKPOINT, found the string 'v'
--   --> inspecting.sql:21:39
--    |
-- 21 | DESCRIBE FORMATTED MODEL m CHECKPOINT 'v';
--    |                                       ^^^
--    = help: the form is (DESCRIBE | DESC) [FORMATTED | EXTENDED] ( MODEL model [CHECKPOINT = 'checkpoint'] | SERVICE service | SQL FUNCTION function | API api | [TABLE] table )
--
-- error[SR111]: unknown DESCRIBE target 'MODLE'
--   --> inspecting.sql:22:10
--    |
-- 22 | DESCRIBE MODLE m;
--    |          ^^^^^
--    = help: Did you mean DESCRIBE MODEL?
--
-- error[SR111]: unknown DESCRIBE target 'CATALOG'
--   --> inspecting.sql:23:10
--    |
-- 23 | DESCRIBE CATALOG c;
--    |          ^^^^^^^
--    = help: DESCRIBE takes MODEL, SERVICE, SQL FUNCTION, API or TABLE
--
-- error[SR101]: expected FUNCTION after DESCRIBE SQL, found 'f'
--   --> inspecting.sql:24:14
--    |
-- 24 | DESCRIBE SQL f;
--    |              ^
--    = help: the form is (DESCRIBE | DESC) [FORMATTED | EXTENDED] ( MODEL model [CHECKPOINT = 'checkpoint'] | SERVICE service | SQL FUNCTION function | API api | [TABLE] table )
--
-- error[SR101]: expected MODEL before a model's name, found 't'
--   --> inspecting.sql:25:10
--    |
-- 25 | DESCRIBE t CHECKPOINT = 'v';
--    |          ^
--    = help: write DESCRIBE MODEL … CHECKPOINT = …
--
-- error[SR101]: expected the end of the statement, found 'x'
--   --> inspecting.sql:26:20
--    |
-- 26 | DESCRIBE SERVICE s x;
--    |                    ^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the end of the statement, found '1'
--   --> inspecting.sql:27:15
--    |
-- 27 | DESC EXTENDED 1;
--    |               ^
--    = help: remove it, or put ';' before it
