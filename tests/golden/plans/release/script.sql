-- Two models, a warm start, two towers, a clean-up: edges of every kind.
CREATE MODEL IF NOT EXISTS ctr.towers INPUT (u INT, i INT, y INT) OUTPUT (probs FLOAT)
  WITH (model = 'test.towers', label_columns = 'y');
TRAIN MODEL ctr.towers CHECKPOINT = 'v1' ON clicks;
TRAIN MODEL ctr.towers CHECKPOINT = 'v2' ON (SELECT * FROM clicks WHERE i > 0) WHERE u > 1 FROM 'v1';
EXPORT MODEL ctr.towers CHECKPOINT = 'v2';
CREATE SERVICE users ON MODEL ctr.towers CHECKPOINT = 'v2_export/user';
CREATE SERVICE items ON MODEL ctr.towers CHECKPOINT = 'v2_export/item';
CALL call_service_with_qv('users', requests, clicks);
CREATE OR REPLACE SERVICE users ON MODEL ctr.towers CHECKPOINT = 'v2_export/user' WITH (replicas = 3);
DROP SERVICE IF EXISTS old_users;
DROP MODEL IF EXISTS old_towers;
CREATE MODEL remote (u INT) WITH (model = 'test.external', label_columns = 'none');
CREATE SERVICE remote ON MODEL remote;
