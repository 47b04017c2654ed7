CREATE MODEL ds.m OPTIONS (model_type = 'logistic_reg', input_label_cols = ['y']) AS SELECT * FROM t;
CREATE OR REPLACE MODEL `ds.m` TRANSFORM (a + 1 AS b) OPTIONS (model_type = 'x') AS SELECT * FROM t;
CREATE MODEL m REMOTE WITH CONNECTION c OPTIONS (endpoint = 'x');
CREATE VIEW v OPTIONS (description = 'x') AS SELECT 1;
EXPORT MODEL m OPTIONS (URI = 'gs://bucket');
ALTER MODEL m SET OPTIONS (description = 'x');
SELECT * FROM ML.PREDICT(MODEL `ds.m`, TABLE t);
SELECT * FROM ML.EVALUATE(MODEL ds.m, (SELECT * FROM t));
SELECT * FROM iris.train TO TRAIN DNNClassifier WITH model.n_classes = 3 LABEL class INTO models.my_dnn;
SELECT * FROM iris.test TO PREDICT predict.class USING models.my_dnn;
SELECT * FROM iris.test TO EVALUATE models.my_dnn WITH x = 1 LABEL class INTO r;
SELECT * FROM iris.test TO EXPLAIN models.my_dnn WITH x = 1 USING TreeExplainer;
SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s FROM a_table_of_a_long_name TO TRAIN x INTO y;
SHOW TRAIN models.my_dnn;
CREATE PREDICTOR p FROM db (SELECT * FROM t) PREDICT y USING engine = 'lightwood';
CREATE MODEL mindsdb.m FROM db (SELECT * FROM t) PREDICT y USING engine = 'lightwood';
CREATE MODEL m (a INT) USING (model = 'x');
CREATE ML_ENGINE e FROM openai USING api_key = 'x';
DROP PREDICTOR IF EXISTS p;
SHOW PREDICTORS;
SHOW PREDICTORS LIKE 'p%';
RETRAIN mindsdb.m;
FINETUNE m FROM db (SELECT * FROM t);
PREDICT y FROM m;
CREATE OR REPLACE SNOWFLAKE.ML.CLASSIFICATION m (INPUT_DATA => SYSTEM$REFERENCE('TABLE', 't'), TARGET_COLNAME => 'y');
SELECT m!PREDICT(a, b) FROM t;
ALTER MODEL m SET DEFAULT_VERSION = 'V2';
ALTER MODEL m DROP VERSION v1;
ALTER MODEL m VERSION v1 SET ALIAS = prod;
SHOW VERSIONS IN MODEL m;
CREATE MODEL m WITH VERSION v1 FROM MODEL n;
CREATE SERVICE s IN COMPUTE POOL p FROM SPECIFICATION 'x';
ALTER SERVICE s SUSPEND;
ALTER SERVICE s RESUME;
CREATE MODEL m FROM t TARGET y FUNCTION predict_y IAM_ROLE DEFAULT;
CREATE MODEL m SETTINGS (s3_bucket 'x');
SHOW MODEL m;
CREATE MODEL IF NOT EXISTS m PREDICTING (y) FROM t;
VALIDATE MODEL m FROM t;
TRAIN MODEL m FROM t USING (x = 1);
DEPLOY MODEL m;
DEPLOY MODEL 'm';
CREATE EXTERNAL TABLE t (a INT) STORED AS PARQUET LOCATION 'x';
CREATE TABLE t (a INT) USING parquet;
CREATE TABLE t (a INT) TBLPROPERTIES ('a' = 'b');
CREATE TABLE t (a INT) LOCATION 'x';
-- expected:
-- error[SR112]: OPTIONS is the spelling of BigQuery
--  --> neighbours.sql:1:19
--   |
-- 1 | CREATE MODEL ds.m OPTIONS (model_type = 'logistic_reg', input_label_cols = ['y']) AS SELECT * FROM t;
--   |                   ^^^^^^^^^
--   = help: write CREATE MODEL ds.m (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then TRAIN MODEL ds.m CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: TRANSFORM is the spelling of BigQuery
--  --> neighbours.sql:2:32
--   |
-- 2 | CREATE OR REPLACE MODEL `ds.m` TRANSFORM (a + 1 AS b) OPTIONS (model_type = 'x') AS SELECT * FROM t;
--   |                                ^^^^^^^^^^^
--   = help: write the expressions into the query: TRAIN MODEL `ds.m` CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: REMOTE WITH is the spelling of BigQuery
--  --> neighbours.sql:3:16
--   |
-- 3 | CREATE MODEL m REMOTE WITH CONNECTION c OPTIONS (endpoint = 'x');
--   |                ^^^^^^^^^^^
--   = help: write WITH ('provider' = '…', 'endpoint' = '…')
--
-- error[SR112]: OPTIONS is the spelling of BigQuery
--  --> neighbours.sql:4:15
--   |
-- 4 | CREATE VIEW v OPTIONS (description = 'x') AS SELECT 1;
--   |               ^^^^^^^^^
--   = help: write WITH ('key' = 'value', …)
--
-- error[SR112]: OPTIONS is the spelling of BigQuery
--  --> neighbours.sql:5:16
--   |
-- 5 | EXPORT MODEL m OPTIONS (URI = 'gs://bucket');
--   |                ^^^^^^^^^
--   = help: write WITH ('key' = 'value', …)
--
-- error[SR112]: SET OPTIONS is the spelling of BigQuery
--  --> neighbours.sql:6:15
--   |
-- 6 | ALTER MODEL m SET OPTIONS (description = 'x');
--   |               ^^^^^^^^^^^
--   = help: write ALTER MODEL m SET ('key' = 'value', …)
--
-- error[SR112]: ML.PREDICT is the spelling of BigQuery
--  --> neighbours.sql:7:15
--   |
-- 7 | SELECT * FROM ML.PREDICT(MODEL `ds.m`, TABLE t);
--   |               ^^^^^^^^^^
--   = help: write ML_PREDICT(TABLE t, MODEL `ds.m`, DESCRIPTOR(column, …))
--
-- error[SR112]: ML.EVALUATE is the spelling of BigQuery
--  --> neighbours.sql:8:15
--   |
-- 8 | SELECT * FROM ML.EVALUATE(MODEL ds.m, (SELECT * FROM t));
--   |               ^^^^^^^^^^^
--   = help: write EVALUATE MODEL ds.m CHECKPOINT = 'v1' ON t, or ML_EVALUATE(…)
--
-- error[SR112]: TO TRAIN is the spelling of SQLFlow
--  --> neighbours.sql:9:26
--   |
-- 9 | SELECT * FROM iris.train TO TRAIN DNNClassifier WITH model.n_classes = 3 LABEL class INTO models.my_dnn;
--   |                          ^^^^^^^^
--   = help: write CREATE MODEL models.my_dnn first, then TRAIN MODEL models.my_dnn CHECKPOINT = 'v1' ON (SELECT * FROM iris.train)
--
-- error[SR112]: TO PREDICT is the spelling of SQLFlow
--   --> neighbours.sql:10:25
--    |
-- 10 | SELECT * FROM iris.test TO PREDICT predict.class USING models.my_dnn;
--    |                         ^^^^^^^^^^
--    = help: write SELECT * FROM ML_PREDICT(TABLE t, MODEL models.my_dnn, DESCRIPTOR(column, …))
--
-- error[SR112]: TO EVALUATE is the spelling of SQLFlow
--   --> neighbours.sql:11:25
--    |
-- 11 | SELECT * FROM iris.test TO EVALUATE models.my_dnn WITH x = 1 LABEL class INTO r;
--    |                         ^^^^^^^^^^^
--    = help: write EVALUATE MODEL models.my_dnn CHECKPOINT = 'v1' ON (SELECT * FROM iris.test)
--
-- error[SR112]: TO EXPLAIN is the spelling of SQLFlow
--   --> neighbours.sql:12:25
--    |
-- 12 | SELECT * FROM iris.test TO EXPLAIN models.my_dnn WITH x = 1 USING TreeExplainer;
--    |                         ^^^^^^^^^^
--    = help: write DESCRIBE FORMATTED MODEL models.my_dnn
--
-- error[SR112]: TO TRAIN is the spelling of SQLFlow
--   --> neighbours.sql:13:92
--    |
-- 13 | SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s FROM a_table_of_a_long_name TO TRAIN x INTO y;
--    |                                                                                            ^^^^^^^^
--    = help: write CREATE MODEL y first, then TRAIN MODEL y CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: SHOW TRAIN is the spelling of SQLFlow
--   --> neighbours.sql:14:6
--    |
-- 14 | SHOW TRAIN models.my_dnn;
--    |      ^^^^^
--    = help: write SHOW CREATE MODEL models.my_dnn
--
-- error[SR112]: CREATE PREDICTOR is the spelling of MindsDB
--   --> neighbours.sql:15:8
--    |
-- 15 | CREATE PREDICTOR p FROM db (SELECT * FROM t) PREDICT y USING engine = 'lightwood';
--    |        ^^^^^^^^^
--    = help: write CREATE MODEL p (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then TRAIN MODEL p CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: PREDICT is the spelling of MindsDB
--   --> neighbours.sql:16:50
--    |
-- 16 | CREATE MODEL mindsdb.m FROM db (SELECT * FROM t) PREDICT y USING engine = 'lightwood';
--    |                                                  ^^^^^^^
--    = help: write CREATE MODEL mindsdb.m (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then TRAIN MODEL mindsdb.m CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: USING is the spelling of MindsDB
--   --> neighbours.sql:17:24
--    |
-- 17 | CREATE MODEL m (a INT) USING (model = 'x');
--    |                        ^^^^^
--    = help: write WITH ('key' = 'value', …)
--
-- error[SR112]: CREATE ML_ENGINE is the spelling of MindsDB
--   --> neighbours.sql:18:8
--    |
-- 18 | CREATE ML_ENGINE e FROM openai USING api_key = 'x';
--    |        ^^^^^^^^^
--    = help: write CREATE MODEL … WITH ('provider' = '…', …)
--
-- error[SR112]: DROP PREDICTOR is the spelling of MindsDB
--   --> neighbours.sql:19:6
--    |
-- 19 | DROP PREDICTOR IF EXISTS p;
--    |      ^^^^^^^^^
--    = help: write DROP MODEL p
--
-- error[SR112]: SHOW PREDICTORS is the spelling of MindsDB
--   --> neighbours.sql:20:6
--    |
-- 20 | SHOW PREDICTORS;
--    |      ^^^^^^^^^^
--    = help: write SHOW MODELS
--
-- error[SR112]: SHOW PREDICTORS is the spelling of MindsDB
--   --> neighbours.sql:21:6
--    |
-- 21 | SHOW PREDICTORS LIKE 'p%';
--    |      ^^^^^^^^^^
--    = help: write SHOW MODELS
--
-- error[SR112]: RETRAIN is the spelling of MindsDB
--   --> neighbours.sql:22:1
--    |
-- 22 | RETRAIN mindsdb.m;
--    | ^^^^^^^
--    = help: write TRAIN MODEL mindsdb.m CHECKPOINT = 'v2' ON (SELECT …)
--
-- error[SR112]: FINETUNE is the spelling of MindsDB
--   --> neighbours.sql:23:1
--    |
-- 23 | FINETUNE m FROM db (SELECT * FROM t);
--    | ^^^^^^^^
--    = help: write TRAIN MODEL m CHECKPOINT = 'v2' ON (SELECT …) FROM 'v1'
--
-- error[SR112]: PREDICT is the spelling of MindsDB
--   --> neighbours.sql:24:1
--    |
-- 24 | PREDICT y FROM m;
--    | ^^^^^^^
--    = help: write SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(column, …))
--
-- error[SR112]: SNOWFLAKE.ML is the spelling of Snowflake
--   --> neighbours.sql:25:19
--    |
-- 25 | CREATE OR REPLACE SNOWFLAKE.ML.CLASSIFICATION m (INPUT_DATA => SYSTEM$REFERENCE('TABLE', 't'), TARGET_COLNAME => 'y');
--    |                   ^^^^^^^^^^^^
--    = help: write CREATE MODEL m (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then TRAIN MODEL m CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: !PREDICT is the spelling of Snowflake
--   --> neighbours.sql:26:9
--    |
-- 26 | SELECT m!PREDICT(a, b) FROM t;
--    |         ^^^^^^^^
--    = help: write ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(column, …))
--
-- error[SR112]: SET DEFAULT_VERSION is the spelling of Snowflake
--   --> neighbours.sql:27:15
--    |
-- 27 | ALTER MODEL m SET DEFAULT_VERSION = 'V2';
--    |               ^^^^^^^^^^^^^^^^^^^
--    = help: write ALTER MODEL m SET ALIAS 'prod' = 'v1'
--
-- error[SR112]: DROP VERSION is the spelling of Snowflake
--   --> neighbours.sql:28:15
--    |
-- 28 | ALTER MODEL m DROP VERSION v1;
--    |               ^^^^^^^^^^^^
--    = help: write ALTER MODEL m DROP CHECKPOINT = 'v1'
--
-- error[SR112]: VERSION is the spelling of Snowflake
--   --> neighbours.sql:29:15
--    |
-- 29 | ALTER MODEL m VERSION v1 SET ALIAS = prod;
--    |               ^^^^^^^
--    = help: write ALTER MODEL m SET ALIAS 'alias' = 'v1'
--
-- error[SR112]: SHOW VERSIONS is the spelling of Snowflake
--   --> neighbours.sql:30:6
--    |
-- 30 | SHOW VERSIONS IN MODEL m;
--    |      ^^^^^^^^
--    = help: write SHOW CHECKPOINTS m
--
-- error[SR112]: VERSION is the spelling of Snowflake
--   --> neighbours.sql:31:21
--    |
-- 31 | CREATE MODEL m WITH VERSION v1 FROM MODEL n;
--    |                     ^^^^^^^
--    = help: write TRAIN MODEL m CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: IN COMPUTE POOL is the spelling of Snowflake
--   --> neighbours.sql:32:18
--    |
-- 32 | CREATE SERVICE s IN COMPUTE POOL p FROM SPECIFICATION 'x';
--    |                  ^^^^^^^^^^^^^^^
--    = help: write CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export' WITH ('key' = 'value', …)
--
-- error[SR112]: SUSPEND is the spelling of Snowflake
--   --> neighbours.sql:33:17
--    |
-- 33 | ALTER SERVICE s SUSPEND;
--    |                 ^^^^^^^
--    = help: write DROP SERVICE s
--
-- error[SR112]: RESUME is the spelling of Snowflake
--   --> neighbours.sql:34:17
--    |
-- 34 | ALTER SERVICE s RESUME;
--    |                 ^^^^^^
--    = help: write CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'
--
-- error[SR112]: TARGET is the spelling of Redshift
--   --> neighbours.sql:35:23
--    |
-- 35 | CREATE MODEL m FROM t TARGET y FUNCTION predict_y IAM_ROLE DEFAULT;
--    |                       ^^^^^^
--    = help: write CREATE MODEL m (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then TRAIN MODEL m CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: SETTINGS is the spelling of Redshift
--   --> neighbours.sql:36:16
--    |
-- 36 | CREATE MODEL m SETTINGS (s3_bucket 'x');
--    |                ^^^^^^^^^^
--    = help: write WITH ('key' = 'value', …)
--
-- error[SR112]: SHOW MODEL is the spelling of Redshift
--   --> neighbours.sql:37:6
--    |
-- 37 | SHOW MODEL m;
--    |      ^^^^^
--    = help: write DESCRIBE MODEL m, or SHOW MODELS
--
-- error[SR112]: PREDICTING is the spelling of IntegratedML
--   --> neighbours.sql:38:30
--    |
-- 38 | CREATE MODEL IF NOT EXISTS m PREDICTING (y) FROM t;
--    |                              ^^^^^^^^^^
--    = help: write CREATE MODEL m (column TYPE, …) WITH ('model' = '…', 'label_columns' = '…'), then TRAIN MODEL m CHECKPOINT = 'v1' ON (SELECT …)
--
-- error[SR112]: VALIDATE MODEL is the spelling of IntegratedML
--   --> neighbours.sql:39:1
--    |
-- 39 | VALIDATE MODEL m FROM t;
--    | ^^^^^^^^
--    = help: write EVALUATE MODEL m CHECKPOINT = 'v1' ON t
--
-- error[SR112]: USING is the spelling of IntegratedML
--   --> neighbours.sql:40:22
--    |
-- 40 | TRAIN MODEL m FROM t USING (x = 1);
--    |                      ^^^^^
--    = help: write WITH ('key' = 'value', …)
--
-- error[SR112]: DEPLOY MODEL is the spelling of openGauss
--   --> neighbours.sql:41:1
--    |
-- 41 | DEPLOY MODEL m;
--    | ^^^^^^
--    = help: write CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'
--
-- error[SR112]: DEPLOY MODEL is the spelling of openGauss
--   --> neighbours.sql:42:1
--    |
-- 42 | DEPLOY MODEL 'm';
--    | ^^^^^^
--    = help: write CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'
--
-- error[SR112]: STORED AS is the spelling of Spark
--   --> neighbours.sql:43:33
--    |
-- 43 | CREATE EXTERNAL TABLE t (a INT) STORED AS PARQUET LOCATION 'x';
--    |                                 ^^^^^^^^^
--    = help: write WITH ('connector' = 'parquet', 'path' = '…')
--
-- error[SR112]: USING is the spelling of Spark
--   --> neighbours.sql:44:24
--    |
-- 44 | CREATE TABLE t (a INT) USING parquet;
--    |                        ^^^^^
--    = help: write WITH ('connector' = '…', 'path' = '…')
--
-- error[SR112]: TBLPROPERTIES is the spelling of Spark
--   --> neighbours.sql:45:24
--    |
-- 45 | CREATE TABLE t (a INT) TBLPROPERTIES ('a' = 'b');
--    |                        ^^^^^^^^^^^^^
--    = help: write WITH ('key' = 'value', …)
--
-- error[SR112]: LOCATION is the spelling of Spark
--   --> neighbours.sql:46:24
--    |
-- 46 | CREATE TABLE t (a INT) LOCATION 'x';
--    |                        ^^^^^^^^
--    = help: write WITH ('connector' = '…', 'path' = '…')
