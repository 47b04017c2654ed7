-- A model that was made elsewhere: its file is checked, registered, served and asked like any other.
-- Data:   sqlrec generate behavior data/behavior
-- Files:  python make_model.py data/behavior models      Run:  sqlrec run imported.sql
CREATE TABLE behavior (
  user_id BIGINT, item_id BIGINT, country STRING, age INT, gender STRING, is_member BOOLEAN,
  interests ARRAY<STRING>, device STRING, hour INT, category STRING, price DOUBLE, tags ARRAY<STRING>,
  is_click INT, click_probability DOUBLE, dt STRING
) PARTITIONED BY (dt) WITH (connector = 'parquet', path = 'data/behavior');

-- INPUT and OUTPUT are held against the file: names, types and shapes; what does not fit is told with both
-- sides. Columns and tensors are paired by name, else by position; several columns of numbers may be one
-- matrix, as here. A value that is missing is NaN, which this network knows.
CREATE OR REPLACE MODEL brought INPUT (age INT, hour INT, price DOUBLE) OUTPUT (click FLOAT)
  WITH (type = 'import', format = 'ONNX', path = 'models/click.onnx',
        label_columns = 'is_click', task = 'classification');

-- Files of PyTorch (torch.export.save, torch.jit.save) are converted, and compared with the network itself.
CREATE OR REPLACE MODEL converted INPUT (age INT, hour INT, price DOUBLE) OUTPUT (click FLOAT)
  WITH (type = 'import', format = 'PT2', path = 'models/click.pt2',
        label_columns = 'is_click', task = 'classification');

-- Measured like a model that was trained here: label_columns names the truth, and task says that the answer is a
-- probability. Without it, a FLOAT is taken for a number, measured by rmse.
EVALUATE MODEL brought CHECKPOINT = 'imported' ON behavior WHERE dt = '2026-01-08'
  WITH (metrics = 'auc, logloss, calibration_error');

-- There is nothing to train or export: a service needs no checkpoint to be named.
CREATE OR REPLACE SERVICE brought_one ON MODEL brought;
CREATE OR REPLACE SERVICE converted_one ON MODEL converted;

CACHE TABLE some AS
  SELECT row_number() OVER () AS n, age, hour, price FROM behavior WHERE dt = '2026-01-08' LIMIT 500;
CACHE TABLE first AS CALL call_service('brought_one', some);
CACHE TABLE second AS CALL call_service('converted_one', some);
SELECT count(*) AS asked, round(avg(a.click), 4) AS clicks, max(abs(a.click - b.click)) < 1e-5 AS the_same
FROM first a JOIN second b USING (n);
