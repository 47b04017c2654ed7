CREATE MODEL a (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');
CREATE MODEL b (u INT, v STRING, y INT) WITH (model = 'test.rank', label_columns = 'y');
TRAIN MODEL a CHECKPOINT = 'v1' ON t;
EXPORT MODEL a CHECKPOINT = 'v1';
TRAIN MODEL a CHECKPOINT = 'v2' ON t;
EXPORT MODEL a CHECKPOINT = 'v2';
TRAIN MODEL b CHECKPOINT = 'v1' ON t;
EXPORT MODEL b CHECKPOINT = 'v1';
CREATE SERVICE jury ON MODELS (a CHECKPOINT = 'v1_export', b CHECKPOINT = 'v1_export')
  WITH (decider = 'vote', threshold = 0.4, timeout = '150ms');
CREATE SERVICE trial ON MODELS (a CHECKPOINT = 'v1_export', a CHECKPOINT = 'v2_export')
  WITH (routing = 'split', weights = '90,10', replicas = 2);
ALTER SERVICE trial SET (weights = '50,50');
CREATE OR REPLACE SERVICE jury ON MODELS (a CHECKPOINT = 'v2_export', b CHECKPOINT = '@prod')
  WITH (routing = 'shadow');
ROLLBACK SERVICE jury;
DROP SERVICE trial;
