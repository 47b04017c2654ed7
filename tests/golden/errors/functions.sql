CREATE SQL FUNCTION;
CREATE SQL FUNCTION a.f;
CREATE SQL FUNCTION f (a INT);
CREATE OR REPLACE TEMPORARY SQL FUNCTION f;
DEFINE TABLE t LIKE u;
DEFINE INPUT t LIKE u;
DEFINE INPUT TABLE t;
DEFINE INPUT TABLE t LIEK u;
DEFINE INPUT TABLE t ();
DEFINE INPUT TABLE t (a INT, A INT);
DEFINE INPUT TABLE t (a NIT) x;
RETURN a b;
RETURN 1;
CREATE API a;
CREATE API a WITH;
CREATE API a WITH 'f';
CREATE API a.b WITH f;
DROP API;
DROP SQL FUNCTION IF f;
CALL f;
CALL f(1);
CALL f(a b);
CALL f(a,);
CALL f(a) x;
CALL f(a) LIEK t;
CALL f(a) LIKE;
CALL f(a) LIKE FUNCTION f;
CALL f(a) LIKE FUNCTION '';
CALL f(a) PARTITION a SIZE 3;
CALL f(a) PARTITION BY a;
CALL f(a) PARTITION BY a SIZE 0;
CALL f(a) PARTITION BY a SIZE 1.5;
CALL f(a) PARTITION BY a SIZE 'x';
CALL f(a) PARTITION BY b SIZE 3;
CALL f() PARTITION BY b SIZE -1;
CALL f(a) ASYNC ASYNC;
CALL f(a) ASYNC LIKE t;
CALL f(a) PARTITION BY a SIZE 3 LIKE t;
CALL GET('f')(a);
CALL GET(f)(a) LIKE t;
CALL GET('')(a) LIKE t;
CALL GET('f', 'g')(a) LIKE t;
CALL GET('f') LIKE t;
CALL GET_OR_DEFAULT('f')(a) LIKE t;
CALL f(GET('a' 'b'));
CACHE TABLE r AS CALL f(a) ASYNC;
-- expected:
-- error[SR101]: expected the function name, found the end of the statement
--  --> functions.sql:1:20
--   |
-- 1 | CREATE SQL FUNCTION;
--   |                    ^
--   = help: the form is CREATE [OR REPLACE] SQL FUNCTION function
--
-- error[SR104]: the function name has one part, not 2
--  --> functions.sql:2:21
--   |
-- 2 | CREATE SQL FUNCTION a.f;
--   |                     ^^^
--   = help: write `a.f` if it has dots
--
-- error[SR101]: expected the end of the statement, found '('
--  --> functions.sql:3:23
--   |
-- 3 | CREATE SQL FUNCTION f (a INT);
--   |                       ^
--   = help: remove it, or put ';' before it
--
-- error[SR107]: CREATE TEMPORARY SQL FUNCTION is not part of the dialect
--  --> functions.sql:4:1
--   |
-- 4 | CREATE OR REPLACE TEMPORARY SQL FUNCTION f;
--   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
--   = help: TEMPORARY goes with MODEL, TABLE, VIEW
--
-- error[SR101]: expected INPUT after DEFINE, found 'TABLE'
--  --> functions.sql:5:8
--   |
-- 5 | DEFINE TABLE t LIKE u;
--   |        ^^^^^
--   = help: the form is DEFINE INPUT TABLE table (LIKE table | (column type, …))
--
-- error[SR101]: expected TABLE after DEFINE, found 't'
--  --> functions.sql:6:14
--   |
-- 6 | DEFINE INPUT t LIKE u;
--   |              ^
--   = help: the form is DEFINE INPUT TABLE table (LIKE table | (column type, …))
--
-- error[SR101]: expected LIKE or a column list after the table name, found the end of the statement
--  --> functions.sql:7:21
--   |
-- 7 | DEFINE INPUT TABLE t;
--   |                     ^
--   = help: the form is DEFINE INPUT TABLE table (LIKE table | (column type, …))
--
-- error[SR101]: expected LIKE or a column list after the table name, found 'LIEK'
--  --> functions.sql:8:22
--   |
-- 8 | DEFINE INPUT TABLE t LIEK u;
--   |                      ^^^^
--   = help: Did you mean LIKE?
--
-- error[SR101]: expected a column name, found ')'
--  --> functions.sql:9:23
--   |
-- 9 | DEFINE INPUT TABLE t ();
--   |                       ^
--   = help: a column is written name TYPE
--
-- error[SR108]: column 'A' is given twice
--   --> functions.sql:10:30
--    |
-- 10 | DEFINE INPUT TABLE t (a INT, A INT);
--    |                              ^
--    = help: rename or remove one of them
--
-- error[SR105]: unknown type 'NIT'
--   --> functions.sql:11:25
--    |
-- 11 | DEFINE INPUT TABLE t (a NIT) x;
--    |                         ^^^
--    = help: types: BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, STRING, BYTES, DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, VARIANT, ARRAY, MULTISET, MAP, ROW
--
-- error[SR101]: expected the end of the statement, found 'x'
--   --> functions.sql:11:30
--    |
-- 11 | DEFINE INPUT TABLE t (a NIT) x;
--    |                              ^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the end of the statement, found 'b'
--   --> functions.sql:12:10
--    |
-- 12 | RETURN a b;
--    |          ^
--    = help: remove it, or put ';' before it
--
-- error[SR104]: expected the table to return, found '1'
--   --> functions.sql:13:8
--    |
-- 13 | RETURN 1;
--    |        ^
--    = help: a name that begins with a digit needs back-quotes
--
-- error[SR101]: expected WITH after the API name, found the end of the statement
--   --> functions.sql:14:13
--    |
-- 14 | CREATE API a;
--    |             ^
--    = help: the form is CREATE [OR REPLACE] API api WITH function [WITH (key = value, …)]
--
-- error[SR101]: expected the function name, found the end of the statement
--   --> functions.sql:15:18
--    |
-- 15 | CREATE API a WITH;
--    |                  ^
--    = help: the form is CREATE [OR REPLACE] API api WITH function [WITH (key = value, …)]
--
-- error[SR101]: expected the function name, found the string 'f'
--   --> functions.sql:16:19
--    |
-- 16 | CREATE API a WITH 'f';
--    |                   ^^^
--    = help: names are written bare or in back-quotes
--
-- error[SR104]: the API name has one part, not 2
--   --> functions.sql:17:12
--    |
-- 17 | CREATE API a.b WITH f;
--    |            ^^^
--    = help: write `a.b` if it has dots
--
-- error[SR101]: expected the API name, found the end of the statement
--   --> functions.sql:18:9
--    |
-- 18 | DROP API;
--    |         ^
--    = help: the form is DROP API [IF EXISTS] api
--
-- error[SR101]: expected EXISTS, found 'f'
--   --> functions.sql:19:22
--    |
-- 19 | DROP SQL FUNCTION IF f;
--    |                      ^
--    = help: the form is DROP SQL FUNCTION [IF EXISTS] function
--
-- error[SR101]: expected '(' after the function name, found the end of the statement
--   --> functions.sql:20:7
--    |
-- 20 | CALL f;
--    |       ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected a table name or a string, found '1'
--   --> functions.sql:21:8
--    |
-- 21 | CALL f(1);
--    |        ^
--    = help: CALL takes table names, strings and GET('…')
--
-- error[SR101]: expected ',' or ')' after the argument, found 'b'
--   --> functions.sql:22:10
--    |
-- 22 | CALL f(a b);
--    |          ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected a table name or a string, found ')'
--   --> functions.sql:23:10
--    |
-- 23 | CALL f(a,);
--    |          ^
--    = help: CALL takes table names, strings and GET('…')
--
-- error[SR101]: expected LIKE, PARTITION BY … SIZE, ASYNC or the end of the statement, found 'x'
--   --> functions.sql:24:11
--    |
-- 24 | CALL f(a) x;
--    |           ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected LIKE, PARTITION BY … SIZE, ASYNC or the end of the statement, found 'LIEK'
--   --> functions.sql:25:11
--    |
-- 25 | CALL f(a) LIEK t;
--    |           ^^^^
--    = help: Did you mean LIKE?
--
-- error[SR101]: expected the table after LIKE, found the end of the statement
--   --> functions.sql:26:15
--    |
-- 26 | CALL f(a) LIKE;
--    |               ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected PARTITION BY … SIZE, ASYNC or the end of the statement, found 'f'
--   --> functions.sql:27:25
--    |
-- 27 | CALL f(a) LIKE FUNCTION f;
--    |                         ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR104]: the function name is empty
--   --> functions.sql:28:25
--    |
-- 28 | CALL f(a) LIKE FUNCTION '';
--    |                         ^^
--    = help: write a name between the quotes
--
-- error[SR101]: expected BY after PARTITION, found 'a'
--   --> functions.sql:29:21
--    |
-- 29 | CALL f(a) PARTITION a SIZE 3;
--    |                     ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected SIZE after PARTITION BY and its table, found the end of the statement
--   --> functions.sql:30:25
--    |
-- 30 | CALL f(a) PARTITION BY a;
--    |                         ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR115]: SIZE must be a positive integer
--   --> functions.sql:31:31
--    |
-- 31 | CALL f(a) PARTITION BY a SIZE 0;
--    |                               ^
--    = help: it is the number of rows of a chunk
--
-- error[SR115]: SIZE must be a positive integer
--   --> functions.sql:32:31
--    |
-- 32 | CALL f(a) PARTITION BY a SIZE 1.5;
--    |                               ^^^
--    = help: it is the number of rows of a chunk
--
-- error[SR115]: SIZE must be a positive integer
--   --> functions.sql:33:31
--    |
-- 33 | CALL f(a) PARTITION BY a SIZE 'x';
--    |                               ^^^
--    = help: it is the number of rows of a chunk
--
-- error[SR115]: PARTITION BY table 'b' must be one of the function input tables
--   --> functions.sql:34:24
--    |
-- 34 | CALL f(a) PARTITION BY b SIZE 3;
--    |                        ^
--    = help: tables among the arguments: a
--
-- error[SR115]: PARTITION BY table 'b' must be one of the function input tables
--   --> functions.sql:35:23
--    |
-- 35 | CALL f() PARTITION BY b SIZE -1;
--    |                       ^
--    = help: tables among the arguments: none
--
-- error[SR115]: SIZE must be a positive integer
--   --> functions.sql:35:30
--    |
-- 35 | CALL f() PARTITION BY b SIZE -1;
--    |                              ^^
--    = help: it is the number of rows of a chunk
--
-- error[SR103]: ASYNC is given twice
--   --> functions.sql:36:17
--    |
-- 36 | CALL f(a) ASYNC ASYNC;
--    |                 ^^^^^
--    = help: keep one of them
--
-- error[SR103]: LIKE must come before ASYNC (order: LIKE, PARTITION BY … SIZE, ASYNC)
--   --> functions.sql:37:17
--    |
-- 37 | CALL f(a) ASYNC LIKE t;
--    |                 ^^^^
--    = help: move it before ASYNC
--
-- error[SR103]: LIKE must come before PARTITION (order: LIKE, PARTITION BY … SIZE, ASYNC)
--   --> functions.sql:38:33
--    |
-- 38 | CALL f(a) PARTITION BY a SIZE 3 LIKE t;
--    |                                 ^^^^
--    = help: move it before PARTITION
--
-- error[SR115]: return data fields is null: the columns of a function that a variable names are unknown
--   --> functions.sql:39:6
--    |
-- 39 | CALL GET('f')(a);
--    |      ^^^^^^^^
--    = help: say what it returns: LIKE table, or LIKE FUNCTION 'name'
--
-- error[SR101]: expected the variable as a quoted string, found 'f'
--   --> functions.sql:40:10
--    |
-- 40 | CALL GET(f)(a) LIKE t;
--    |          ^
--    = help: Did you forget the single quotes?
--
-- error[SR104]: the variable is empty
--   --> functions.sql:41:10
--    |
-- 41 | CALL GET('')(a) LIKE t;
--    |          ^^
--    = help: write a name between the quotes
--
-- error[SR101]: expected ')' to close the variable, found ','
--   --> functions.sql:42:13
--    |
-- 42 | CALL GET('f', 'g')(a) LIKE t;
--    |             ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected '(' after the function name, found 'LIKE'
--   --> functions.sql:43:15
--    |
-- 43 | CALL GET('f') LIKE t;
--    |               ^^^^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected ',' and the default after the variable, found ')'
--   --> functions.sql:44:24
--    |
-- 44 | CALL GET_OR_DEFAULT('f')(a) LIKE t;
--    |                        ^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR101]: expected ')' to close the variable, found the string 'b'
--   --> functions.sql:45:16
--    |
-- 45 | CALL f(GET('a' 'b'));
--    |                ^^^
--    = help: the form is CALL (function | GET('name') | GET_OR_DEFAULT('name', 'default')) (argument, …) [LIKE table | LIKE FUNCTION 'function'] [PARTITION BY table SIZE n] [ASYNC]
--
-- error[SR115]: async function not support in cache: what is cached is waited for
--   --> functions.sql:46:28
--    |
-- 46 | CACHE TABLE r AS CALL f(a) ASYNC;
--    |                            ^^^^^
--    = help: leave ASYNC out
