CREATE SERVICE s MODEL m;
CREATE SERVICE s ON m;
CREATE SERVICE s ON MODEL m WITH (a = 1) CHECKPOINT = 'v';
CREATE SERVICE s ON MODEL m CHECKPOINT = 'v' WITH (a = 1) x;
-- expected:
-- error[SR101]: expected ON after the service name, found 'MODEL'
--  --> services.sql:1:18
--   |
-- 1 | CREATE SERVICE s MODEL m;
--   |                  ^^^^^
--   = help: the form is CREATE [OR REPLACE] SERVICE [IF NOT EXISTS] service (ON MODEL model [CHECKPOINT = 'checkpoint'] | ON MODELS (member, …)) [WITH (key = value, …)]
--
-- error[SR101]: expected MODEL after the service name, found 'm'
--  --> services.sql:2:21
--   |
-- 2 | CREATE SERVICE s ON m;
--   |                     ^
--   = help: the form is CREATE [OR REPLACE] SERVICE [IF NOT EXISTS] service (ON MODEL model [CHECKPOINT = 'checkpoint'] | ON MODELS (member, …)) [WITH (key = value, …)]
--
-- error[SR103]: CHECKPOINT must come before WITH (order: CHECKPOINT, WITH)
--  --> services.sql:3:42
--   |
-- 3 | CREATE SERVICE s ON MODEL m WITH (a = 1) CHECKPOINT = 'v';
--   |                                          ^^^^^^^^^^
--   = help: move it before WITH
--
-- error[SR101]: expected the end of the statement, found 'x'
--  --> services.sql:4:59
--   |
-- 4 | CREATE SERVICE s ON MODEL m CHECKPOINT = 'v' WITH (a = 1) x;
--   |                                                           ^
--   = help: remove it, or put ';' before it
