CREATE MODEL m ();
CREATE MODEL m (a INT,);
CREATE MODEL m (a INT;
CREATE MODEL m (a INT b);
CREATE MODEL m (a INT COMENT 'x');
CREATE MODEL m (a INT NULL);
CREATE MODEL m (a INT, A BIGINT);
CREATE MODEL m (a STRNG);
CREATE MODEL m (a ARRAY<INTT>);
CREATE MODEL m (a QUX);
CREATE MODEL m (a);
CREATE MODEL m (a ARRAY);
CREATE MODEL m (a ARRAY<INT);
CREATE MODEL m (a AS b * 2);
CREATE MODEL m (a INT METADATA);
CREATE MODEL m (PRIMARY KEY (a));
CREATE MODEL m (CONSTRAINT k PRIMARY KEY (a));
-- expected:
-- error[SR101]: expected a column name, found ')'
--  --> columns.sql:1:17
--   |
-- 1 | CREATE MODEL m ();
--   |                 ^
--   = help: a column is written name TYPE
--
-- error[SR101]: expected a column name, found ')'
--  --> columns.sql:2:23
--   |
-- 2 | CREATE MODEL m (a INT,);
--   |                       ^
--   = help: a column is written name TYPE
--
-- error[SR101]: expected ',' or ')' after the column, found the end of the statement
--  --> columns.sql:3:22
--   |
-- 3 | CREATE MODEL m (a INT;
--   |                      ^
--   = help: a column is written name TYPE
--
-- error[SR101]: expected ',' or ')' after the column, found 'b'
--  --> columns.sql:4:23
--   |
-- 4 | CREATE MODEL m (a INT b);
--   |                       ^
--   = help: a column is written name TYPE
--
-- error[SR101]: expected ',' or ')' after the column, found 'COMENT'
--  --> columns.sql:5:23
--   |
-- 5 | CREATE MODEL m (a INT COMENT 'x');
--   |                       ^^^^^^
--   = help: Did you mean COMMENT?
--
-- error[SR101]: expected ',' or ')' after the column, found 'NULL'
--  --> columns.sql:6:23
--   |
-- 6 | CREATE MODEL m (a INT NULL);
--   |                       ^^^^
--   = help: a column is nullable unless it says NOT NULL
--
-- error[SR108]: column 'A' is given twice
--  --> columns.sql:7:24
--   |
-- 7 | CREATE MODEL m (a INT, A BIGINT);
--   |                        ^
--   = help: rename or remove one of them
--
-- error[SR105]: unknown type 'STRNG'
--  --> columns.sql:8:19
--   |
-- 8 | CREATE MODEL m (a STRNG);
--   |                   ^^^^^
--   = help: Did you mean STRING?
--
-- error[SR105]: unknown type 'INTT'
--  --> columns.sql:9:25
--   |
-- 9 | CREATE MODEL m (a ARRAY<INTT>);
--   |                         ^^^^
--   = help: Did you mean INT?
--
-- error[SR105]: unknown type 'QUX'
--   --> columns.sql:10:19
--    |
-- 10 | CREATE MODEL m (a QUX);
--    |                   ^^^
--    = help: types: BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, STRING, BYTES, DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, VARIANT, ARRAY, MULTISET, MAP, ROW
--
-- error[SR105]: expected a type, found ')'
--   --> columns.sql:11:18
--    |
-- 11 | CREATE MODEL m (a);
--    |                  ^
--    = help: a column is written name TYPE
--
-- error[SR105]: this is not a type: expected <, found the end
--   --> columns.sql:12:19
--    |
-- 12 | CREATE MODEL m (a ARRAY);
--    |                   ^^^^^
--    = help: write it like ARRAY<INT>
--
-- error[SR105]: expected '>' to close the type, found the end of the statement
--   --> columns.sql:13:29
--    |
-- 13 | CREATE MODEL m (a ARRAY<INT);
--    |                             ^
--    = help: a column is written name TYPE
--
-- error[SR105]: expected a type, found 'AS'
--   --> columns.sql:14:19
--    |
-- 14 | CREATE MODEL m (a AS b * 2);
--    |                   ^^
--    = help: columns of models are not computed: compute the column in a query
--
-- error[SR101]: expected ',' or ')' after the column, found 'METADATA'
--   --> columns.sql:15:23
--    |
-- 15 | CREATE MODEL m (a INT METADATA);
--    |                       ^^^^^^^^
--    = help: only tables have metadata columns
--
-- error[SR101]: expected a column, found PRIMARY
--   --> columns.sql:16:17
--    |
-- 16 | CREATE MODEL m (PRIMARY KEY (a));
--    |                 ^^^^^^^
--    = help: only tables have keys: leave the constraint out
--
-- error[SR101]: expected a column, found CONSTRAINT
--   --> columns.sql:17:17
--    |
-- 17 | CREATE MODEL m (CONSTRAINT k PRIMARY KEY (a));
--    |                 ^^^^^^^^^^
--    = help: only tables have constraints: leave it out
