SET a;
SET a =;
SET 'a' = 'b' c;
DECLARE n;
DECLARE n INT 5;
DECLARE n INT DEFAULT x;
DECLARE n INT DEFAULT;
DECLARE n NIT;
RESET a b;
RESET =;
USE;
USE CATALOG a.b;
USE a.b.c;
USE d e;
-- expected:
-- error[SR101]: expected '=' after 'a', found the end of the statement
--  --> session.sql:1:6
--   |
-- 1 | SET a;
--   |      ^
--   = help: the form is SET [key = value]
--
-- error[SR101]: expected a value after '=', found the end of the statement
--  --> session.sql:2:8
--   |
-- 2 | SET a =;
--   |        ^
--   = help: the form is SET [key = value]
--
-- error[SR101]: expected the end of the statement, found 'c'
--  --> session.sql:3:15
--   |
-- 3 | SET 'a' = 'b' c;
--   |               ^
--   = help: remove it, or put ';' before it
--
-- error[SR105]: expected a type, found the end of the statement
--  --> session.sql:4:10
--   |
-- 4 | DECLARE n;
--   |          ^
--   = help: the form is DECLARE name type [DEFAULT value]
--
-- error[SR101]: expected DEFAULT or the end of the statement, found '5'
--  --> session.sql:5:15
--   |
-- 5 | DECLARE n INT 5;
--   |               ^
--   = help: the form is DECLARE name type [DEFAULT value]
--
-- error[SR106]: the default must be a quoted string, a number or TRUE/FALSE, found 'x'
--  --> session.sql:6:23
--   |
-- 6 | DECLARE n INT DEFAULT x;
--   |                       ^
--   = help: Did you forget the quotes?
--
-- error[SR106]: the default must be a quoted string, a number or TRUE/FALSE, found the end of the statement
--  --> session.sql:7:22
--   |
-- 7 | DECLARE n INT DEFAULT;
--   |                      ^
--   = help: write the value after '='
--
-- error[SR105]: unknown type 'NIT'
--  --> session.sql:8:11
--   |
-- 8 | DECLARE n NIT;
--   |           ^^^
--   = help: types: BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, STRING, BYTES, DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, VARIANT, ARRAY, MULTISET, MAP, ROW
--
-- error[SR101]: expected the end of the statement, found 'b'
--  --> session.sql:9:9
--   |
-- 9 | RESET a b;
--   |         ^
--   = help: remove it, or put ';' before it
--
-- error[SR101]: expected an option key, found '='
--   --> session.sql:10:7
--    |
-- 10 | RESET =;
--    |       ^
--    = help: the form is RESET [key]
--
-- error[SR101]: expected the database name, found the end of the statement
--   --> session.sql:11:4
--    |
-- 11 | USE;
--    |    ^
--    = help: the form is USE [CATALOG | DATABASE] name
--
-- error[SR104]: the catalog name has one part, not 2
--   --> session.sql:12:13
--    |
-- 12 | USE CATALOG a.b;
--    |             ^^^
--    = help: write `a.b` if it has dots
--
-- error[SR104]: the database name has at most 2 parts, not 3
--   --> session.sql:13:5
--    |
-- 13 | USE a.b.c;
--    |     ^^^^^
--    = help: write `a.b.c` if it has dots
--
-- error[SR101]: expected the end of the statement, found 'e'
--   --> session.sql:14:7
--    |
-- 14 | USE d e;
--    |       ^
--    = help: remove it, or put ';' before it
