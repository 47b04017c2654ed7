-- Models that are ready when they are created: trained on a query, or brought as a file.
CREATE TABLE t (u INT, y INT) WITH (connector = 'parquet', path = 't');
CREATE MODEL m WITH (model = 'test.rank', label_columns = 'y') AS SELECT u, y FROM t WHERE y > 0;
CREATE OR REPLACE MODEL towers WITH (model = 'test.towers', label_columns = 'y') AS SELECT u, y FROM t;
CREATE MODEL brought (u INT, y INT) WITH (model = 'test.file', label_columns = 'y');
CREATE SERVICE a ON MODEL m;
CREATE SERVICE b ON MODEL towers CHECKPOINT = 'initial_export/user';
CREATE SERVICE c ON MODEL brought;
EVALUATE MODEL m CHECKPOINT = 'initial' ON t;
