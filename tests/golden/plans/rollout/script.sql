-- A new checkpoint goes live behind a gate, and the old one goes away.
CREATE MODEL IF NOT EXISTS m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y', rate = 0.2);
ALTER MODEL m SET ('epochs' = '4', 'rate' = '0.1');
TRAIN MODEL m CHECKPOINT = 'v2' ON clicks WHERE dt < '{{ ds }}' FROM '@prod';
EVALUATE MODEL m CHECKPOINT = 'v2' ON clicks WHERE dt = '{{ ds }}' AND u > 0 WITH (min_auc = 0.75);
EXPORT MODEL m CHECKPOINT = 'v2';
ALTER SERVICE front SET CHECKPOINT = 'v2_export' WITH (replicas = 2);
SHOW CHECKPOINTS FROM m;
ALTER SERVICE front PROMOTE;
ALTER SERVICE front RESET (replicas);
ALTER MODEL m SET ALIAS 'prod' = 'v2';
ALTER MODEL m DROP ALIAS 'canary';
ALTER MODEL m DROP IF EXISTS CHECKPOINT = 'v1';
ALTER MODEL m RESET (rate);
ROLLBACK SERVICE other TO CHECKPOINT = 'v0_export';
ROLLBACK SERVICE front;
ALTER MODEL old RENAME TO older;
DESCRIBE FORMATTED MODEL older;
CREATE TABLE clicks (u INT, y INT, dt STRING) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'clicks');
