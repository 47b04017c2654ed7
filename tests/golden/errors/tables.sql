CREATE TABLE t AS SELECT 1;
CREATE TABLE t LIKE u;
CREATE TABLE t PARTITIONED (a);
CREATE TABLE t PARTITIONED BY (dt STRING);
CREATE TABLE t PARTITIONED BY (dt dt);
CREATE TABLE t WITH (a = 1) PARTITIONED BY (b);
CACHE r AS SELECT 1;
CACHE TABLE r SELECT 1;
CACHE TABLE r AS TRAIN MODEL m;
INSERT t SELECT 1;
INSERT INTO t;
INSERT OVERWRITE t PARTITION (a = 1) SELECT 1;
CREATE TABLE t ();
CREATE TABLE t (PRIMARY KEY (a));
CREATE TABLE t (a INT PRIMARY);
CREATE TABLE t (a INT PRIMARY KEY, PRIMARY KEY (a));
CREATE TABLE t (a INT, PRIMARY KEY a);
CREATE TABLE t (a INT, PRIMARY KEY (a) NOT);
CREATE TABLE t (a INT, CONSTRAINT k UNIQUE (a));
CREATE TABLE t (a INT UNIQUE);
CREATE TABLE t (a INT METADATA FROM x);
CREATE TABLE t (a INT METADTA);
CREATE TABLE t (a INT VIRTUAL);
CREATE TABLE t (a AS);
CREATE TABLE t (a AS b +);
CREATE TABLE t (a INT, A AS 1);
CREATE TABLE t (a TIMESTAMP, WATERMARK FOR a);
CREATE TABLE t (a TIMESTAMP, WATERMARK FOR a AS a, WATERMARK FOR a AS a);
CREATE TABLE t (a INT DEFAULT 1);
CREATE TABLE t (a INT) PARTITIONED BY (a;
CREATE VIEW v;
CREATE VIEW v AS;
CREATE VIEW v () AS SELECT 1;
CREATE VIEW v (a INT) AS SELECT 1;
CREATE VIEW v AS SELECT 1 COMMENT 'x';
CREATE DATABASE;
CREATE DATABASE a.b.c;
CREATE DATABASE d WITH;
CREATE DATABASE d WITH (a = 1) COMMENT 'x';
DROP DATABASE d CASCADES;
DROP TABLE t CASCADE;
DROP VIEW;
TRUNCATE t;
DELETE t;
DELETE FROM t WHERE;
DELETE FROM t LIMIT 3;
DELETE FROM t WHERE a = 1 FROM u;
UPDATE t a = 1;
UPDATE t SET;
UPDATE t SET a;
UPDATE t SET a = ;
UPDATE t SET a = 1,;
UPDATE t SET a = 1 b = 2;
UPDATE t SET a = * WHERE b;
INSERT INTO t (a, ) SELECT 1;
INSERT INOT t SELECT 1;
-- expected:
-- error[SR190]: CREATE TABLE … AS is not supported yet
--  --> tables.sql:1:16
--   |
-- 1 | CREATE TABLE t AS SELECT 1;
--   |                ^^
--   = help: CACHE TABLE … AS query keeps rows
--
-- error[SR190]: CREATE TABLE … LIKE is not supported yet
--  --> tables.sql:2:16
--   |
-- 2 | CREATE TABLE t LIKE u;
--   |                ^^^^
--   = help: CACHE TABLE … AS query keeps rows
--
-- error[SR101]: expected BY after PARTITIONED, found '('
--  --> tables.sql:3:28
--   |
-- 3 | CREATE TABLE t PARTITIONED (a);
--   |                            ^
--   = help: the form is CREATE [TEMPORARY | TEMP] TABLE [IF NOT EXISTS] table [(item, …)] [COMMENT 'text'] [PARTITIONED BY (column, …)] WITH (connector = 'parquet' | 'csv', path = 'path', …)
--
-- error[SR101]: expected ',' or ')', found 'STRING'
--  --> tables.sql:4:35
--   |
-- 4 | CREATE TABLE t PARTITIONED BY (dt STRING);
--   |                                   ^^^^^^
--   = help: a column gets its type in the column list
--
-- error[SR101]: expected ',' or ')' after a column name, found 'dt'
--  --> tables.sql:5:35
--   |
-- 5 | CREATE TABLE t PARTITIONED BY (dt dt);
--   |                                   ^^
--   = help: the form is CREATE [TEMPORARY | TEMP] TABLE [IF NOT EXISTS] table [(item, …)] [COMMENT 'text'] [PARTITIONED BY (column, …)] WITH (connector = 'parquet' | 'csv', path = 'path', …)
--
-- error[SR103]: PARTITIONED must come before WITH (order: COMMENT, PARTITIONED BY, WITH)
--  --> tables.sql:6:29
--   |
-- 6 | CREATE TABLE t WITH (a = 1) PARTITIONED BY (b);
--   |                             ^^^^^^^^^^^
--   = help: move it before WITH
--
-- error[SR101]: expected TABLE after CACHE, found 'r'
--  --> tables.sql:7:7
--   |
-- 7 | CACHE r AS SELECT 1;
--   |       ^
--   = help: the form is CACHE TABLE table AS (query | CALL call)
--
-- error[SR101]: expected AS after the table name, found 'SELECT'
--  --> tables.sql:8:15
--   |
-- 8 | CACHE TABLE r SELECT 1;
--   |               ^^^^^^
--   = help: the form is CACHE TABLE table AS (query | CALL call)
--
-- error[SR101]: expected CALL or a query after AS, found 'TRAIN'
--  --> tables.sql:9:18
--   |
-- 9 | CACHE TABLE r AS TRAIN MODEL m;
--   |                  ^^^^^
--   = help: the form is CACHE TABLE table AS (query | CALL call)
--
-- error[SR101]: expected INTO or OVERWRITE after INSERT, found 't'
--   --> tables.sql:10:8
--    |
-- 10 | INSERT t SELECT 1;
--    |        ^
--    = help: the form is INSERT (INTO | OVERWRITE) [TABLE] table [(column, …)] query
--
-- error[SR101]: expected a query after the table name, found the end of the statement
--   --> tables.sql:11:14
--    |
-- 11 | INSERT INTO t;
--    |              ^
--    = help: the form is INSERT (INTO | OVERWRITE) [TABLE] table [(column, …)] query
--
-- error[SR190]: INSERT … PARTITION is not supported yet
--   --> tables.sql:12:20
--    |
-- 12 | INSERT OVERWRITE t PARTITION (a = 1) SELECT 1;
--    |                    ^^^^^^^^^
--    = help: select the partition column instead
--
-- error[SR101]: expected a column name, found ')'
--   --> tables.sql:13:17
--    |
-- 13 | CREATE TABLE t ();
--    |                 ^
--    = help: a column is written name TYPE
--
-- error[SR101]: a table needs a column
--   --> tables.sql:14:16
--    |
-- 14 | CREATE TABLE t (PRIMARY KEY (a));
--    |                ^^^^^^^^^^^^^^^^^
--    = help: write (name TYPE, …), or no list at all
--
-- error[SR101]: expected KEY, found ')'
--   --> tables.sql:15:30
--    |
-- 15 | CREATE TABLE t (a INT PRIMARY);
--    |                              ^
--    = help: a column is written name TYPE
--
-- error[SR107]: a table has one PRIMARY KEY
--   --> tables.sql:16:36
--    |
-- 16 | CREATE TABLE t (a INT PRIMARY KEY, PRIMARY KEY (a));
--    |                                    ^^^^^^^
--    = help: write PRIMARY KEY (a, b) once
--
-- error[SR101]: expected '(' after PRIMARY KEY, found 'a'
--   --> tables.sql:17:36
--    |
-- 17 | CREATE TABLE t (a INT, PRIMARY KEY a);
--    |                                    ^
--    = help: a column is written name TYPE
--
-- error[SR101]: expected ',' or ')' after the column, found 'NOT'
--   --> tables.sql:18:40
--    |
-- 18 | CREATE TABLE t (a INT, PRIMARY KEY (a) NOT);
--    |                                        ^^^
--    = help: a column is written name TYPE
--
-- error[SR101]: expected a column, found UNIQUE
--   --> tables.sql:19:37
--    |
-- 19 | CREATE TABLE t (a INT, CONSTRAINT k UNIQUE (a));
--    |                                     ^^^^^^
--    = help: UNIQUE is not part of the dialect: leave the constraint out
--
-- error[SR101]: expected ',' or ')' after the column, found 'UNIQUE'
--   --> tables.sql:20:23
--    |
-- 20 | CREATE TABLE t (a INT UNIQUE);
--    |                       ^^^^^^
--    = help: UNIQUE is not part of the dialect: leave the constraint out
--
-- error[SR101]: expected the metadata key as a quoted string, found 'x'
--   --> tables.sql:21:37
--    |
-- 21 | CREATE TABLE t (a INT METADATA FROM x);
--    |                                     ^
--    = help: Did you forget the single quotes?
--
-- error[SR101]: expected ',' or ')' after the column, found 'METADTA'
--   --> tables.sql:22:23
--    |
-- 22 | CREATE TABLE t (a INT METADTA);
--    |                       ^^^^^^^
--    = help: Did you mean METADATA?
--
-- error[SR101]: expected ',' or ')' after the column, found 'VIRTUAL'
--   --> tables.sql:23:23
--    |
-- 23 | CREATE TABLE t (a INT VIRTUAL);
--    |                       ^^^^^^^
--    = help: a column is written name TYPE
--
-- error[SR101]: expected an expression after AS, found ')'
--   --> tables.sql:24:21
--    |
-- 24 | CREATE TABLE t (a AS);
--    |                     ^
--    = help: a column is written name TYPE
--
-- error[SR109]: the query ends too early, after '+'
--   --> tables.sql:25:25
--    |
-- 25 | CREATE TABLE t (a AS b +);
--    |                         ^
--    = help: complete the query: it ends before something that it needs
--
-- error[SR108]: column 'A' is given twice
--   --> tables.sql:26:24
--    |
-- 26 | CREATE TABLE t (a INT, A AS 1);
--    |                        ^
--    = help: rename or remove one of them
--
-- error[SR101]: expected AS after the column of the watermark, found ')'
--   --> tables.sql:27:45
--    |
-- 27 | CREATE TABLE t (a TIMESTAMP, WATERMARK FOR a);
--    |                                             ^
--    = help: a column is written name TYPE
--
-- error[SR107]: a table has one WATERMARK
--   --> tables.sql:28:52
--    |
-- 28 | CREATE TABLE t (a TIMESTAMP, WATERMARK FOR a AS a, WATERMARK FOR a AS a);
--    |                                                    ^^^^^^^^^
--    = help: keep one of them
--
-- error[SR101]: expected ',' or ')' after the column, found 'DEFAULT'
--   --> tables.sql:29:23
--    |
-- 29 | CREATE TABLE t (a INT DEFAULT 1);
--    |                       ^^^^^^^
--    = help: column defaults are not part of the dialect
--
-- error[SR101]: expected ',' or ')' after a column name, found the end of the statement
--   --> tables.sql:30:41
--    |
-- 30 | CREATE TABLE t (a INT) PARTITIONED BY (a;
--    |                                         ^
--    = help: the form is CREATE [TEMPORARY | TEMP] TABLE [IF NOT EXISTS] table [(item, …)] [COMMENT 'text'] [PARTITIONED BY (column, …)] WITH (connector = 'parquet' | 'csv', path = 'path', …)
--
-- error[SR101]: expected AS and the view's query, found the end of the statement
--   --> tables.sql:31:14
--    |
-- 31 | CREATE VIEW v;
--    |              ^
--    = help: the form is CREATE [TEMPORARY | TEMP] VIEW [IF NOT EXISTS] view [(column, …)] [COMMENT 'text'] AS query
--
-- error[SR101]: expected a query, found the end of the statement
--   --> tables.sql:32:17
--    |
-- 32 | CREATE VIEW v AS;
--    |                 ^
--    = help: the form is CREATE [TEMPORARY | TEMP] VIEW [IF NOT EXISTS] view [(column, …)] [COMMENT 'text'] AS query
--
-- error[SR101]: expected a column name, found ')'
--   --> tables.sql:33:16
--    |
-- 33 | CREATE VIEW v () AS SELECT 1;
--    |                ^
--    = help: the form is CREATE [TEMPORARY | TEMP] VIEW [IF NOT EXISTS] view [(column, …)] [COMMENT 'text'] AS query
--
-- error[SR101]: expected ',' or ')' after a column name, found 'INT'
--   --> tables.sql:34:18
--    |
-- 34 | CREATE VIEW v (a INT) AS SELECT 1;
--    |                  ^^^
--    = help: the form is CREATE [TEMPORARY | TEMP] VIEW [IF NOT EXISTS] view [(column, …)] [COMMENT 'text'] AS query
--
-- error[SR109]: unexpected ''x'' in the query
--   --> tables.sql:35:35
--    |
-- 35 | CREATE VIEW v AS SELECT 1 COMMENT 'x';
--    |                                   ^^^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR101]: expected the database name, found the end of the statement
--   --> tables.sql:36:16
--    |
-- 36 | CREATE DATABASE;
--    |                ^
--    = help: the form is CREATE DATABASE [IF NOT EXISTS] database [COMMENT 'text'] [WITH (key = value, …)]
--
-- error[SR104]: the database name has at most 2 parts, not 3
--   --> tables.sql:37:17
--    |
-- 37 | CREATE DATABASE a.b.c;
--    |                 ^^^^^
--    = help: write `a.b.c` if it has dots
--
-- error[SR101]: expected '(' after WITH, found the end of the statement
--   --> tables.sql:38:23
--    |
-- 38 | CREATE DATABASE d WITH;
--    |                       ^
--    = help: the form is CREATE DATABASE [IF NOT EXISTS] database [COMMENT 'text'] [WITH (key = value, …)]
--
-- error[SR103]: COMMENT must come before WITH (order: COMMENT, WITH)
--   --> tables.sql:39:32
--    |
-- 39 | CREATE DATABASE d WITH (a = 1) COMMENT 'x';
--    |                                ^^^^^^^
--    = help: move it before WITH
--
-- error[SR101]: expected the end of the statement, found 'CASCADES'
--   --> tables.sql:40:17
--    |
-- 40 | DROP DATABASE d CASCADES;
--    |                 ^^^^^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the end of the statement, found 'CASCADE'
--   --> tables.sql:41:14
--    |
-- 41 | DROP TABLE t CASCADE;
--    |              ^^^^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the view name, found the end of the statement
--   --> tables.sql:42:10
--    |
-- 42 | DROP VIEW;
--    |          ^
--    = help: the form is DROP [TEMPORARY] VIEW [IF EXISTS] view
--
-- error[SR101]: expected TABLE after TRUNCATE, found 't'
--   --> tables.sql:43:10
--    |
-- 43 | TRUNCATE t;
--    |          ^
--    = help: the form is TRUNCATE TABLE table
--
-- error[SR101]: expected FROM after DELETE, found 't'
--   --> tables.sql:44:8
--    |
-- 44 | DELETE t;
--    |        ^
--    = help: the form is DELETE FROM table [WHERE condition]
--
-- error[SR101]: expected a condition after WHERE, found the end of the statement
--   --> tables.sql:45:20
--    |
-- 45 | DELETE FROM t WHERE;
--    |                    ^
--    = help: the form is DELETE FROM table [WHERE condition]
--
-- error[SR101]: expected the end of the statement, found 'LIMIT'
--   --> tables.sql:46:15
--    |
-- 46 | DELETE FROM t LIMIT 3;
--    |               ^^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected the end of the statement, found 'FROM'
--   --> tables.sql:47:27
--    |
-- 47 | DELETE FROM t WHERE a = 1 FROM u;
--    |                           ^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected SET after the table name, found 'a'
--   --> tables.sql:48:10
--    |
-- 48 | UPDATE t a = 1;
--    |          ^
--    = help: the form is UPDATE table SET column = expression, … [WHERE condition]
--
-- error[SR101]: expected the column to set, found the end of the statement
--   --> tables.sql:49:13
--    |
-- 49 | UPDATE t SET;
--    |             ^
--    = help: the form is UPDATE table SET column = expression, … [WHERE condition]
--
-- error[SR101]: expected '=' after the column, found the end of the statement
--   --> tables.sql:50:15
--    |
-- 50 | UPDATE t SET a;
--    |               ^
--    = help: the form is UPDATE table SET column = expression, … [WHERE condition]
--
-- error[SR101]: expected an expression after '=', found the end of the statement
--   --> tables.sql:51:17
--    |
-- 51 | UPDATE t SET a = ;
--    |                 ^
--    = help: the form is UPDATE table SET column = expression, … [WHERE condition]
--
-- error[SR101]: expected the column to set, found the end of the statement
--   --> tables.sql:52:20
--    |
-- 52 | UPDATE t SET a = 1,;
--    |                    ^
--    = help: the form is UPDATE table SET column = expression, … [WHERE condition]
--
-- error[SR109]: unexpected 'b' in the query
--   --> tables.sql:53:20
--    |
-- 53 | UPDATE t SET a = 1 b = 2;
--    |                    ^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR109]: this is not a condition
--   --> tables.sql:54:18
--    |
-- 54 | UPDATE t SET a = * WHERE b;
--    |                  ^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR101]: expected a column name, found ')'
--   --> tables.sql:55:19
--    |
-- 55 | INSERT INTO t (a, ) SELECT 1;
--    |                   ^
--    = help: the form is INSERT (INTO | OVERWRITE) [TABLE] table [(column, …)] query
--
-- error[SR101]: expected INTO or OVERWRITE after INSERT, found 'INOT'
--   --> tables.sql:56:8
--    |
-- 56 | INSERT INOT t SELECT 1;
--    |        ^^^^
--    = help: Did you mean INTO?
