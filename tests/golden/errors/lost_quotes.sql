-- the first string lost its closing quote; the last one is left open
DROP MODEL 'a';
TRAIN MODEL m CHECKPOINT = 'v1 ON t;
EXPORT MODEL 'm' CHECKPOINT = 'v1';
DROP MODEL `b;
DROP MODEL ``;
-- expected:
-- error[SR101]: expected the model name, found the string 'a'
--  --> lost_quotes.sql:2:12
--   |
-- 2 | DROP MODEL 'a';
--   |            ^^^
--   = help: names are written bare or in back-quotes
--
-- error[SR102]: this string is never closed
--  --> lost_quotes.sql:3:28
--   |
-- 3 | TRAIN MODEL m CHECKPOINT = 'v1 ON t;
--   |                            ^
--   = help: add the closing '
--
-- error[SR101]: expected the model name, found the string 'm'
--  --> lost_quotes.sql:4:14
--   |
-- 4 | EXPORT MODEL 'm' CHECKPOINT = 'v1';
--   |              ^^^
--   = help: names are written bare or in back-quotes
--
-- error[SR102]: this back-quoted name is never closed
--  --> lost_quotes.sql:5:12
--   |
-- 5 | DROP MODEL `b;
--   |            ^
--   = help: add the closing `
--
-- error[SR104]: the model name is empty
--  --> lost_quotes.sql:6:12
--   |
-- 6 | DROP MODEL ``;
--   |            ^^
--   = help: write a name between the quotes
