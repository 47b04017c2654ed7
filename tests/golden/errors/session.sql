SET;
SET a;
SET a =;
SET 'a' = 'b' c;
DECLARE n;
DECLARE n INT 5;
DECLARE n INT DEFAULT x;
DECLARE n INT DEFAULT;
DECLARE n NIT;
-- expected:
-- error[SR101]: expected an option key after SET, found the end of the statement
--  --> session.sql:1:4
--   |
-- 1 | SET;
--   |    ^
--   = help: write SET 'key' = 'value'
--
-- error[SR101]: expected '=' after 'a', found the end of the statement
--  --> session.sql:2:6
--   |
-- 2 | SET a;
--   |      ^
--
-- error[SR101]: expected a value after '=', found the end of the statement
--  --> session.sql:3:8
--   |
-- 3 | SET a =;
--   |        ^
--
-- error[SR101]: expected the end of the statement, found 'c'
--  --> session.sql:4:15
--   |
-- 4 | SET 'a' = 'b' c;
--   |               ^
--
-- error[SR105]: expected a type, found the end of the statement
--  --> session.sql:5:10
--   |
-- 5 | DECLARE n;
--   |          ^
--
-- error[SR101]: expected DEFAULT or the end of the statement, found '5'
--  --> session.sql:6:15
--   |
-- 6 | DECLARE n INT 5;
--   |               ^
--
-- error[SR106]: the default must be a quoted string, a number or TRUE/FALSE, found 'x'
--  --> session.sql:7:23
--   |
-- 7 | DECLARE n INT DEFAULT x;
--   |                       ^
--   = help: Did you forget the quotes?
--
-- error[SR106]: the default must be a quoted string, a number or TRUE/FALSE, found the end of the statement
--  --> session.sql:8:22
--   |
-- 8 | DECLARE n INT DEFAULT;
--   |                      ^
--
-- error[SR105]: unknown type 'NIT'
--  --> session.sql:9:11
--   |
-- 9 | DECLARE n NIT;
--   |           ^^^
