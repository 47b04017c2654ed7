TRAIN m;
TRAIN MODLE m;
TRAIN MODEL m ON t;
TRAIN MODEL m CHECKPOINT = 'v';
TRAIN MODEL m CHECKPOINT 'v1' ON t;
TRAIN MODEL m CHECKPOINT = v1 ON t;
TRAIN MODEL m CHECKPOINT = '' ON t;
TRAIN MODEL m CHECKPOINT = 'a
b' ON t;
TRAIN MODEL m CHECKPONIT = 'v' ON t;
TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (a = 1) FROM 'b';
TRAIN MODEL m CHECKPOINT = 'v' ON t FROM 'b' WHERE a;
TRAIN MODEL m CHECKPOINT = 'v' ON t FROM b;
TRAIN MODEL m CHECKPOINT = 'v' WHERE a = 1 ON t;
TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE FROM 'x';
TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE (a = 1 WITH (b = 2);
TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a = 1) WITH (b = 2);
TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE (a = 1];
TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a = 1 WTIH (b = 2);
TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a = 1 ORDER BY b;
TRAIN MODEL m CHECKPOINT = 'v' ON t VALIDATE u;
TRAIN MODEL m CHECKPOINT = 'v' ON (SELECT 1;
TRAIN MODEL m CHECKPOINT = 'v' ON ();
TRAIN MODEL m CHECKPOINT = 'v' ON t FROM 'b' WITH (a = 1) x;
EXPORT MODEL m ON t;
EXPORT MODEL m CHECKPOINT = 'v' WHERE a;
EXPORT MODEL m CHECKPOINT = 'v' FROM 'b';
-- expected:
-- error[SR101]: expected MODEL after TRAIN, found 'm'
--  --> train_export.sql:1:7
--   |
-- 1 | TRAIN m;
--   |       ^
--   = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: expected MODEL after TRAIN, found 'MODLE'
--  --> train_export.sql:2:7
--   |
-- 2 | TRAIN MODLE m;
--   |       ^^^^^
--   = help: Did you mean MODEL?
--
-- error[SR101]: TRAIN MODEL needs CHECKPOINT = 'name'
--  --> train_export.sql:3:1
--   |
-- 3 | TRAIN MODEL m ON t;
--   | ^^^^^^^^^^^
--   = help: add the clause after the model's name
--
-- error[SR101]: TRAIN MODEL needs ON: the table, or (query), to train on
--  --> train_export.sql:4:1
--   |
-- 4 | TRAIN MODEL m CHECKPOINT = 'v';
--   | ^^^^^^^^^^^
--   = help: add the clause after the model's name
--
-- error[SR101]: expected '=' after CHECKPOINT, found the string 'v1'
--  --> train_export.sql:5:26
--   |
-- 5 | TRAIN MODEL m CHECKPOINT 'v1' ON t;
--   |                          ^^^^
--   = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: expected the checkpoint name as a quoted string, found 'v1'
--  --> train_export.sql:6:28
--   |
-- 6 | TRAIN MODEL m CHECKPOINT = v1 ON t;
--   |                            ^^
--   = help: Did you forget the single quotes?
--
-- error[SR104]: the checkpoint name is empty
--  --> train_export.sql:7:28
--   |
-- 7 | TRAIN MODEL m CHECKPOINT = '' ON t;
--   |                            ^^
--   = help: write a name between the quotes
--
-- error[SR104]: the checkpoint name has a line break
--  --> train_export.sql:8:28
--   |
-- 8 | TRAIN MODEL m CHECKPOINT = 'a
--   |                            ^^
--   = help: write a name between the quotes
--
-- error[SR101]: expected CHECKPOINT, ON, WHERE, VALIDATE ON, FROM, WITH or the end of the statement, found 'CHECKPONIT'
--   --> train_export.sql:10:15
--    |
-- 10 | TRAIN MODEL m CHECKPONIT = 'v' ON t;
--    |               ^^^^^^^^^^
--    = help: Did you mean CHECKPOINT?
--
-- error[SR103]: FROM must come before WITH (order: CHECKPOINT, ON, WHERE, VALIDATE ON, FROM, WITH)
--   --> train_export.sql:11:50
--    |
-- 11 | TRAIN MODEL m CHECKPOINT = 'v' ON t WITH (a = 1) FROM 'b';
--    |                                                  ^^^^
--    = help: move it before WITH
--
-- error[SR103]: WHERE must come before FROM (order: CHECKPOINT, ON, WHERE, VALIDATE ON, FROM, WITH)
--   --> train_export.sql:12:46
--    |
-- 12 | TRAIN MODEL m CHECKPOINT = 'v' ON t FROM 'b' WHERE a;
--    |                                              ^^^^^
--    = help: move it before FROM
--
-- error[SR101]: expected the base checkpoint as a quoted string, found 'b'
--   --> train_export.sql:13:42
--    |
-- 13 | TRAIN MODEL m CHECKPOINT = 'v' ON t FROM b;
--    |                                          ^
--    = help: Did you forget the single quotes?
--
-- error[SR103]: WHERE needs ON before it: the table it filters
--   --> train_export.sql:14:32
--    |
-- 14 | TRAIN MODEL m CHECKPOINT = 'v' WHERE a = 1 ON t;
--    |                                ^^^^^
--    = help: write ON table WHERE …
--
-- error[SR101]: expected a condition after WHERE, found 'FROM'
--   --> train_export.sql:15:43
--    |
-- 15 | TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE FROM 'x';
--    |                                           ^^^^
--    = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: this '(' is never closed
--   --> train_export.sql:16:43
--    |
-- 16 | TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE (a = 1 WITH (b = 2);
--    |                                           ^
--    = help: add the closing ')'
--
-- error[SR101]: unmatched ')'
--   --> train_export.sql:17:48
--    |
-- 17 | TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a = 1) WITH (b = 2);
--    |                                                ^
--    = help: remove it, or open it before
--
-- error[SR101]: unmatched ']'
--   --> train_export.sql:18:49
--    |
-- 18 | TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE (a = 1];
--    |                                                 ^
--    = help: remove it, or open it before
--
-- error[SR109]: unexpected 'WTIH' in the query
--   --> train_export.sql:19:49
--    |
-- 19 | TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a = 1 WTIH (b = 2);
--    |                                                 ^^^^
--    = help: Did you mean WITH?
--
-- error[SR109]: unexpected 'ORDER BY' in the query
--   --> train_export.sql:20:49
--    |
-- 20 | TRAIN MODEL m CHECKPOINT = 'v' ON t WHERE a = 1 ORDER BY b;
--    |                                                 ^^^^^
--    = help: look just before this place: a comma too many, a word missing or misspelt, a bracket left open
--
-- error[SR101]: expected ON after VALIDATE, found 'u'
--   --> train_export.sql:21:46
--    |
-- 21 | TRAIN MODEL m CHECKPOINT = 'v' ON t VALIDATE u;
--    |                                              ^
--    = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: expected ')' after the query, found the end of the statement
--   --> train_export.sql:22:44
--    |
-- 22 | TRAIN MODEL m CHECKPOINT = 'v' ON (SELECT 1;
--    |                                            ^
--    = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: expected a query, found ')'
--   --> train_export.sql:23:36
--    |
-- 23 | TRAIN MODEL m CHECKPOINT = 'v' ON ();
--    |                                    ^
--    = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: expected WHERE, VALIDATE ON or the end of the statement, found 'x'
--   --> train_export.sql:24:59
--    |
-- 24 | TRAIN MODEL m CHECKPOINT = 'v' ON t FROM 'b' WITH (a = 1) x;
--    |                                                           ^
--    = help: the form is TRAIN MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [VALIDATE ON (table | (query)) [WHERE condition]] [FROM 'checkpoint'] [WITH (key = value, …)]
--
-- error[SR101]: EXPORT MODEL needs CHECKPOINT = 'name'
--   --> train_export.sql:25:1
--    |
-- 25 | EXPORT MODEL m ON t;
--    | ^^^^^^^^^^^^
--    = help: add the clause after the model's name
--
-- error[SR103]: WHERE needs ON before it: the table it filters
--   --> train_export.sql:26:33
--    |
-- 26 | EXPORT MODEL m CHECKPOINT = 'v' WHERE a;
--    |                                 ^^^^^
--    = help: write ON table WHERE …
--
-- error[SR101]: expected ON, WHERE, WITH or the end of the statement, found 'FROM'
--   --> train_export.sql:27:33
--    |
-- 27 | EXPORT MODEL m CHECKPOINT = 'v' FROM 'b';
--    |                                 ^^^^
--    = help: the form is EXPORT MODEL model CHECKPOINT = 'checkpoint' [ON (table | (query)) [WHERE condition]] [WITH (key = value, …)]
