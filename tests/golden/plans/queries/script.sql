-- Rows only: reads and writes of tables decide the order.
CREATE TABLE lake.events (u INT, at TIMESTAMP) WITH (connector = 'parquet', path = '/lake/events');
INSERT INTO lake.events SELECT u, at FROM staging;
INSERT INTO lake.events SELECT u, at FROM `late arrivals` WHERE at > TIMESTAMP '{{ ds }} 00:00:00';
CACHE TABLE recent AS WITH w AS (SELECT * FROM lake.events) SELECT u, count(*) AS n FROM w GROUP BY u;
SELECT * FROM recent;
SELECT * FROM recent WHERE n > 1;
SELECT 1 AS one;
INSERT OVERWRITE summary SELECT * FROM Recent JOIN recent AS again USING (u);
