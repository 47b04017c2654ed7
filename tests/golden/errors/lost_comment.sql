DROP MODEL 'a';
/* DROP MODEL b;
-- expected:
-- error[SR101]: expected the model name, found the string 'a'
--  --> lost_comment.sql:1:12
--   |
-- 1 | DROP MODEL 'a';
--   |            ^^^
--   = help: names are written bare or in back-quotes
--
-- error[SR102]: this comment is never closed
--  --> lost_comment.sql:2:1
--   |
-- 2 | /* DROP MODEL b;
--   | ^^
--   = help: add the closing */
