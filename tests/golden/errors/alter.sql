ALTER MODEL m;
ALTER MODEL m RENAME n;
ALTER MODEL m RENAME TO a.b.c.d;
ALTER MODEL IF m RENAME TO n;
ALTER MODEL m RENMAE TO n;
ALTER MODEL m SET;
ALTER MODEL m SET ();
ALTER MODEL m SET (a);
ALTER MODEL m SET ('a' = 1) x;
ALTER MODEL m SET CHECKPOINT = 'v';
ALTER MODEL m SET ALIAS 'a';
ALTER MODEL m SET ALIAS a = 'v';
ALTER MODEL m SET ALIAS '@a' = 'v';
ALTER MODEL m SET ALIAS ' ' = 'v';
ALTER MODEL m SET ALIAS 'a' = '';
ALTER MODEL m RESET;
ALTER MODEL m RESET ();
ALTER MODEL m RESET (a b);
ALTER MODEL m RESET (a = 1);
ALTER MODEL m DROP;
ALTER MODEL m DROP CHECKPOINT 'v';
ALTER MODEL m DROP CHEKPOINT = 'v';
ALTER MODEL m DROP IF EXISTS ALIAS a;
ALTER MODEL m$2 RESET (a);
ALTER SERVICE s;
ALTER SERVICE s SET CHECKPOINT 'v';
ALTER SERVICE s SET CHECKPOINT = 'v' (a = 1);
ALTER SERVICE s SET ();
ALTER SERVICE s RESET ();
ALTER SERVICE s PROMOTE 'x';
ALTER SERVICE s PROMTE;
ROLLBACK MODEL m;
ROLLBACK SERVICE s TO 'v';
ROLLBACK SERVICE s CHECKPOINT = 'v';
EVALUATE m;
EVALUATE MODEL m ON t;
EVALUATE MODEL m CHECKPOINT = 'v';
EVALUATE MODEL m CHECKPOINT = 'v' WHERE a = 1;
EVALUATE MODEL m CHECKPOINT = 'v' WITH (a = 1) ON t;
EVALUATE MODEL m CHECKPOINT = 'v' ON t FROM 'b';
-- expected:
-- error[SR101]: expected RENAME TO, SET, RESET or DROP after the model name, found the end of the statement
--  --> alter.sql:1:14
--   |
-- 1 | ALTER MODEL m;
--   |              ^
--   = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected TO after RENAME, found 'n'
--  --> alter.sql:2:22
--   |
-- 2 | ALTER MODEL m RENAME n;
--   |                      ^
--   = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR104]: the new model name has at most 3 parts, not 4
--  --> alter.sql:3:25
--   |
-- 3 | ALTER MODEL m RENAME TO a.b.c.d;
--   |                         ^^^^^^^
--   = help: write `a.b.c.d` if it has dots
--
-- error[SR101]: expected EXISTS, found 'm'
--  --> alter.sql:4:16
--   |
-- 4 | ALTER MODEL IF m RENAME TO n;
--   |                ^
--   = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected RENAME TO, SET, RESET or DROP after the model name, found 'RENMAE'
--  --> alter.sql:5:15
--   |
-- 5 | ALTER MODEL m RENMAE TO n;
--   |               ^^^^^^
--   = help: Did you mean RENAME TO?
--
-- error[SR101]: expected '(' after ALTER MODEL SET, found the end of the statement
--  --> alter.sql:6:18
--   |
-- 6 | ALTER MODEL m SET;
--   |                  ^
--   = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR116]: ALTER MODEL SET does not support empty option.
--  --> alter.sql:7:19
--   |
-- 7 | ALTER MODEL m SET ();
--   |                   ^^
--   = help: write ('key' = 'value')
--
-- error[SR101]: expected '=' after option 'a', found ')'
--  --> alter.sql:8:21
--   |
-- 8 | ALTER MODEL m SET (a);
--   |                     ^
--   = help: an option is written 'key' = 'value'
--
-- error[SR101]: expected the end of the statement, found 'x'
--  --> alter.sql:9:29
--   |
-- 9 | ALTER MODEL m SET ('a' = 1) x;
--   |                             ^
--   = help: remove it, or put ';' before it
--
-- error[SR101]: expected '(' after ALTER MODEL SET, found 'CHECKPOINT'
--   --> alter.sql:10:19
--    |
-- 10 | ALTER MODEL m SET CHECKPOINT = 'v';
--    |                   ^^^^^^^^^^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected '=' after the alias, found the end of the statement
--   --> alter.sql:11:28
--    |
-- 11 | ALTER MODEL m SET ALIAS 'a';
--    |                            ^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected the alias as a quoted string, found 'a'
--   --> alter.sql:12:25
--    |
-- 12 | ALTER MODEL m SET ALIAS a = 'v';
--    |                         ^
--    = help: Did you forget the single quotes?
--
-- error[SR104]: an alias is given without '@'
--   --> alter.sql:13:25
--    |
-- 13 | ALTER MODEL m SET ALIAS '@a' = 'v';
--    |                         ^^^^
--    = help: write 'a': the @ belongs to CHECKPOINT = '@alias'
--
-- error[SR104]: the alias is empty
--   --> alter.sql:14:25
--    |
-- 14 | ALTER MODEL m SET ALIAS ' ' = 'v';
--    |                         ^^^
--    = help: write a name between the quotes
--
-- error[SR104]: the checkpoint name is empty
--   --> alter.sql:15:31
--    |
-- 15 | ALTER MODEL m SET ALIAS 'a' = '';
--    |                               ^^
--    = help: write a name between the quotes
--
-- error[SR101]: expected '(' after ALTER MODEL RESET, found the end of the statement
--   --> alter.sql:16:20
--    |
-- 16 | ALTER MODEL m RESET;
--    |                    ^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR116]: ALTER MODEL RESET does not support empty key.
--   --> alter.sql:17:21
--    |
-- 17 | ALTER MODEL m RESET ();
--    |                     ^^
--    = help: write ('key')
--
-- error[SR101]: expected ',' or ')' after the key, found 'b'
--   --> alter.sql:18:24
--    |
-- 18 | ALTER MODEL m RESET (a b);
--    |                        ^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected ',' or ')' after the key, found '='
--   --> alter.sql:19:24
--    |
-- 19 | ALTER MODEL m RESET (a = 1);
--    |                        ^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected CHECKPOINT or ALIAS after DROP, found the end of the statement
--   --> alter.sql:20:19
--    |
-- 20 | ALTER MODEL m DROP;
--    |                   ^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected '=' after CHECKPOINT, found the string 'v'
--   --> alter.sql:21:31
--    |
-- 21 | ALTER MODEL m DROP CHECKPOINT 'v';
--    |                               ^^^
--    = help: the form is ALTER MODEL [IF EXISTS] model ( RENAME TO model | SET (key = value, …) | RESET (key, …) | SET ALIAS 'alias' = 'checkpoint' | DROP [IF EXISTS] ALIAS 'alias' | DROP [IF EXISTS] CHECKPOINT = 'checkpoint' )
--
-- error[SR101]: expected CHECKPOINT or ALIAS after DROP, found 'CHEKPOINT'
--   --> alter.sql:22:20
--    |
-- 22 | ALTER MODEL m DROP CHEKPOINT = 'v';
--    |                    ^^^^^^^^^
--    = help: Did you mean CHECKPOINT?
--
-- error[SR101]: expected the alias as a quoted string, found 'a'
--   --> alter.sql:23:36
--    |
-- 23 | ALTER MODEL m DROP IF EXISTS ALIAS a;
--    |                                    ^
--    = help: Did you forget the single quotes?
--
-- error[SR104]: '$' cannot stand in a bare name: m$2
--   --> alter.sql:24:13
--    |
-- 24 | ALTER MODEL m$2 RESET (a);
--    |             ^^^
--    = help: write `m$2`
--
-- error[SR101]: expected SET CHECKPOINT, SET, RESET or PROMOTE after the service name, found the end of the statement
--   --> alter.sql:25:16
--    |
-- 25 | ALTER SERVICE s;
--    |                ^
--    = help: the form is ALTER SERVICE [IF EXISTS] service ( SET CHECKPOINT = 'checkpoint' [WITH (key = value, …)] | SET (key = value, …) | RESET (key, …) | PROMOTE )
--
-- error[SR101]: expected '=' after CHECKPOINT, found the string 'v'
--   --> alter.sql:26:32
--    |
-- 26 | ALTER SERVICE s SET CHECKPOINT 'v';
--    |                                ^^^
--    = help: the form is ALTER SERVICE [IF EXISTS] service ( SET CHECKPOINT = 'checkpoint' [WITH (key = value, …)] | SET (key = value, …) | RESET (key, …) | PROMOTE )
--
-- error[SR101]: expected the end of the statement, found '('
--   --> alter.sql:27:38
--    |
-- 27 | ALTER SERVICE s SET CHECKPOINT = 'v' (a = 1);
--    |                                      ^
--    = help: remove it, or put ';' before it
--
-- error[SR116]: ALTER SERVICE SET does not support empty option.
--   --> alter.sql:28:21
--    |
-- 28 | ALTER SERVICE s SET ();
--    |                     ^^
--    = help: write ('key' = 'value')
--
-- error[SR116]: ALTER SERVICE RESET does not support empty key.
--   --> alter.sql:29:23
--    |
-- 29 | ALTER SERVICE s RESET ();
--    |                       ^^
--    = help: write ('key')
--
-- error[SR101]: expected the end of the statement, found the string 'x'
--   --> alter.sql:30:25
--    |
-- 30 | ALTER SERVICE s PROMOTE 'x';
--    |                         ^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected SET CHECKPOINT, SET, RESET or PROMOTE after the service name, found 'PROMTE'
--   --> alter.sql:31:17
--    |
-- 31 | ALTER SERVICE s PROMTE;
--    |                 ^^^^^^
--    = help: Did you mean PROMOTE?
--
-- error[SR101]: expected SERVICE after ROLLBACK, found 'MODEL'
--   --> alter.sql:32:10
--    |
-- 32 | ROLLBACK MODEL m;
--    |          ^^^^^
--    = help: the form is ROLLBACK SERVICE service [TO CHECKPOINT = 'checkpoint']
--
-- error[SR101]: expected CHECKPOINT after TO, found the string 'v'
--   --> alter.sql:33:23
--    |
-- 33 | ROLLBACK SERVICE s TO 'v';
--    |                       ^^^
--    = help: the form is ROLLBACK SERVICE service [TO CHECKPOINT = 'checkpoint']
--
-- error[SR101]: expected the end of the statement, found 'CHECKPOINT'
--   --> alter.sql:34:20
--    |
-- 34 | ROLLBACK SERVICE s CHECKPOINT = 'v';
--    |                    ^^^^^^^^^^
--    = help: remove it, or put ';' before it
--
-- error[SR101]: expected MODEL after EVALUATE, found 'm'
--   --> alter.sql:35:10
--    |
-- 35 | EVALUATE m;
--    |          ^
--    = help: the form is EVALUATE MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [WITH (key = value, …)]
--
-- error[SR101]: EVALUATE MODEL needs CHECKPOINT = 'name'
--   --> alter.sql:36:1
--    |
-- 36 | EVALUATE MODEL m ON t;
--    | ^^^^^^^^^^^^^^
--    = help: add the clause after the model's name
--
-- error[SR101]: EVALUATE MODEL needs ON: the table, or (query), to measure on
--   --> alter.sql:37:1
--    |
-- 37 | EVALUATE MODEL m CHECKPOINT = 'v';
--    | ^^^^^^^^^^^^^^
--    = help: add the clause after the model's name
--
-- error[SR103]: WHERE needs ON before it: the table it filters
--   --> alter.sql:38:35
--    |
-- 38 | EVALUATE MODEL m CHECKPOINT = 'v' WHERE a = 1;
--    |                                   ^^^^^
--    = help: write ON table WHERE …
--
-- error[SR103]: ON must come before WITH (order: CHECKPOINT, ON, WHERE, WITH)
--   --> alter.sql:39:48
--    |
-- 39 | EVALUATE MODEL m CHECKPOINT = 'v' WITH (a = 1) ON t;
--    |                                                ^^
--    = help: move it before WITH
--
-- error[SR101]: expected WHERE, WITH or the end of the statement, found 'FROM'
--   --> alter.sql:40:40
--    |
-- 40 | EVALUATE MODEL m CHECKPOINT = 'v' ON t FROM 'b';
--    |                                        ^^^^
--    = help: the form is EVALUATE MODEL model CHECKPOINT = 'checkpoint' ON (table | (query)) [WHERE condition] [WITH (key = value, …)]
