CREATE MODEL m WITH 'a' = 1;
CREATE MODEL m WITH (;
CREATE MODEL m WITH ('a' = 1;
CREATE MODEL m WITH ('a' 1);
CREATE MODEL m WITH (= 1);
CREATE MODEL m WITH (a. = 1);
CREATE MODEL m WITH (a = external);
CREATE MODEL m WITH (a = 10s);
CREATE MODEL m WITH (a = );
CREATE MODEL m WITH (a = -'x');
CREATE MODEL m WITH (a = 1e999);
CREATE MODEL m WITH (a = 100000000000000000000000000000000000000000000000000);
CREATE MODEL m WITH (a = {{ x }});
CREATE MODEL m WITH (a-b = 1, 'A_B' = 2);
CREATE MODEL m WITH (path = /tmp/x, f = a.b-c, g = `k`, h = {'a': 1});
-- expected:
-- error[SR101]: expected '(' after WITH, found the string 'a'
--  --> options.sql:1:21
--   |
-- 1 | CREATE MODEL m WITH 'a' = 1;
--   |                     ^^^
--   = help: the form is CREATE [OR REPLACE] [TEMPORARY | TEMP] MODEL [IF NOT EXISTS] model [(column type [NOT NULL] [COMMENT 'text'], …) | [INPUT (column type, …)] [OUTPUT (column type, …)]] [COMMENT 'text'] [WITH (key = value, …)] [AS query]
--
-- error[SR101]: expected ')' to close the list of line 2, found the end of the statement
--  --> options.sql:2:22
--   |
-- 2 | CREATE MODEL m WITH (;
--   |                      ^
--   = help: the form is CREATE [OR REPLACE] [TEMPORARY | TEMP] MODEL [IF NOT EXISTS] model [(column type [NOT NULL] [COMMENT 'text'], …) | [INPUT (column type, …)] [OUTPUT (column type, …)]] [COMMENT 'text'] [WITH (key = value, …)] [AS query]
--
-- error[SR101]: expected ',' or ')' after the option, found the end of the statement
--  --> options.sql:3:29
--   |
-- 3 | CREATE MODEL m WITH ('a' = 1;
--   |                             ^
--   = help: an option is written 'key' = 'value'
--
-- error[SR101]: expected '=' after option 'a', found '1'
--  --> options.sql:4:26
--   |
-- 4 | CREATE MODEL m WITH ('a' 1);
--   |                          ^
--   = help: an option is written 'key' = 'value'
--
-- error[SR101]: expected an option key, found '='
--  --> options.sql:5:22
--   |
-- 5 | CREATE MODEL m WITH (= 1);
--   |                      ^
--   = help: an option is written 'key' = 'value'
--
-- error[SR101]: expected '=' after option 'a', found '.'
--  --> options.sql:6:23
--   |
-- 6 | CREATE MODEL m WITH (a. = 1);
--   |                       ^
--   = help: an option is written 'key' = 'value'
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found 'external'
--  --> options.sql:7:26
--   |
-- 7 | CREATE MODEL m WITH (a = external);
--   |                          ^^^^^^^^
--   = help: Did you forget the quotes?
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found '10s'
--  --> options.sql:8:26
--   |
-- 8 | CREATE MODEL m WITH (a = 10s);
--   |                          ^^^
--   = help: Did you forget the quotes?
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found ')'
--  --> options.sql:9:26
--   |
-- 9 | CREATE MODEL m WITH (a = );
--   |                          ^
--   = help: write the value after '='
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found '-'x''
--   --> options.sql:10:26
--    |
-- 10 | CREATE MODEL m WITH (a = -'x');
--    |                          ^^^^
--    = help: write a quote inside a string twice: ''
--
-- error[SR106]: this number is out of range
--   --> options.sql:11:26
--    |
-- 11 | CREATE MODEL m WITH (a = 1e999);
--    |                          ^^^^^
--    = help: write a smaller one, or a string
--
-- error[SR106]: this number is out of range
--   --> options.sql:12:26
--    |
-- 12 | CREATE MODEL m WITH (a = 100000000000000000000000000000000000000000000000000);
--    |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
--    = help: write a smaller one, or a string
--
-- error[SR110]: templates stand inside quotes only
--   --> options.sql:13:26
--    |
-- 13 | CREATE MODEL m WITH (a = {{ x }});
--    |                          ^^
--    = help: write '{{ … }}': the quotes belong to the string, the braces to the template
--
-- error[SR305]: option 'A_B' is given twice
--   --> options.sql:14:31
--    |
-- 14 | CREATE MODEL m WITH (a-b = 1, 'A_B' = 2);
--    |                               ^^^^^
--    = help: line 14 has it as 'a-b' already
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found '/tmp/x'
--   --> options.sql:15:29
--    |
-- 15 | CREATE MODEL m WITH (path = /tmp/x, f = a.b-c, g = `k`, h = {'a': 1});
--    |                             ^^^^^^
--    = help: Did you forget the quotes?
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found 'a.b-c'
--   --> options.sql:15:41
--    |
-- 15 | CREATE MODEL m WITH (path = /tmp/x, f = a.b-c, g = `k`, h = {'a': 1});
--    |                                         ^^^^^
--    = help: Did you forget the quotes?
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found '`k`'
--   --> options.sql:15:52
--    |
-- 15 | CREATE MODEL m WITH (path = /tmp/x, f = a.b-c, g = `k`, h = {'a': 1});
--    |                                                    ^^^
--    = help: Did you forget the quotes?
--
-- error[SR106]: option values must be a quoted string, a number or TRUE/FALSE, found '{'a':'
--   --> options.sql:15:61
--    |
-- 15 | CREATE MODEL m WITH (path = /tmp/x, f = a.b-c, g = `k`, h = {'a': 1});
--    |                                                             ^^^^^
--    = help: write a quote inside a string twice: ''
