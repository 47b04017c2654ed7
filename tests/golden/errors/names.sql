DROP MODEL;
DROP MODEL 'm';
DROP MODEL 2fa;
DROP MODEL ``;
DROP MODEL `a{{ ds }}`;
DROP MODEL {{ m }};
DROP MODEL a.b.c.d;
DROP MODEL a.;
DROP SERVICE a.b.c;
CACHE TABLE a.b AS SELECT 1;
DROP MODEL IF NOT EXISTS m;
DROP MODEL a b;
DROP MODEL a
DROP MODEL b;
DROP MODEL 'a name that is written as a string and is too long to be shown whole';
-- expected:
-- error[SR101]: expected the model name, found the end of the statement
--  --> names.sql:1:11
--   |
-- 1 | DROP MODEL;
--   |           ^
--   = help: the form is DROP [TEMPORARY] MODEL [IF EXISTS] model
--
-- error[SR101]: expected the model name, found the string 'm'
--  --> names.sql:2:12
--   |
-- 2 | DROP MODEL 'm';
--   |            ^^^
--   = help: names are written bare or in back-quotes
--
-- error[SR104]: expected the model name, found '2'
--  --> names.sql:3:12
--   |
-- 3 | DROP MODEL 2fa;
--   |            ^
--   = help: a name that begins with a digit needs back-quotes
--
-- error[SR104]: the model name is empty
--  --> names.sql:4:12
--   |
-- 4 | DROP MODEL ``;
--   |            ^^
--   = help: write a name between the quotes
--
-- error[SR110]: the model name cannot hold a template
--  --> names.sql:5:12
--   |
-- 5 | DROP MODEL `a{{ ds }}`;
--   |            ^^^^^^^^^^^
--   = help: write a fixed name
--
-- error[SR110]: templates stand inside quotes only
--  --> names.sql:6:12
--   |
-- 6 | DROP MODEL {{ m }};
--   |            ^^
--   = help: write '{{ … }}': the quotes belong to the string, the braces to the template
--
-- error[SR104]: the model name has at most 3 parts, not 4
--  --> names.sql:7:12
--   |
-- 7 | DROP MODEL a.b.c.d;
--   |            ^^^^^^^
--   = help: write `a.b.c.d` if it has dots
--
-- error[SR101]: expected the model name, found the end of the statement
--  --> names.sql:8:14
--   |
-- 8 | DROP MODEL a.;
--   |              ^
--   = help: the form is DROP [TEMPORARY] MODEL [IF EXISTS] model
--
-- error[SR104]: the service name has at most 2 parts, not 3
--  --> names.sql:9:14
--   |
-- 9 | DROP SERVICE a.b.c;
--   |              ^^^^^
--   = help: write `a.b.c` if it has dots
--
-- error[SR104]: the table name has one part, not 2
--   --> names.sql:10:13
--    |
-- 10 | CACHE TABLE a.b AS SELECT 1;
--    |             ^^^
--    = help: write `a.b` if it has dots
--
-- error[SR101]: expected EXISTS, found 'NOT'
--   --> names.sql:11:15
--    |
-- 11 | DROP MODEL IF NOT EXISTS m;
--    |               ^^^
--    = help: the form is DROP [TEMPORARY] MODEL [IF EXISTS] model
--
-- error[SR101]: expected the end of the statement, found 'b'
--   --> names.sql:12:14
--    |
-- 12 | DROP MODEL a b;
--    |              ^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the end of the statement, found 'DROP'
--   --> names.sql:14:1
--    |
-- 14 | DROP MODEL b;
--    | ^^^^
--    = help: is a ';' missing before it?
--
-- error[SR101]: expected the model name, found the string 'a name that is written as a string a...
--   --> names.sql:15:12
--    |
-- 15 | DROP MODEL 'a name that is written as a string and is too long to be shown whole';
--    |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
--    = help: names are written bare or in back-quotes
