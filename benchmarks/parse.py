"""What reading scripts costs, as a ratio against stock sqlglot splitting the same text into tokens.

python benchmarks/parse.py [statements]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

UNIT = """
CREATE OR REPLACE MODEL m{n} (user_id BIGINT, item_id BIGINT, country STRING, age INT, clicked INT)
  WITH (model = 'tzrec.wide_and_deep', label_columns = 'clicked', hidden_units = '64,32');
TRAIN MODEL m{n} CHECKPOINT = '{{{{ ds_nodash }}}}' ON samples WHERE dt < '{{{{ ds }}}}'
  WITH (num_epochs = 2);
EXPORT MODEL m{n} CHECKPOINT = '{{{{ ds_nodash }}}}' ON samples;
CREATE OR REPLACE SERVICE s{n} ON MODEL m{n} CHECKPOINT = '{{{{ ds_nodash }}}}_export';
CACHE TABLE c{n} AS
  SELECT u.user_id, i.item_id, count(*) AS n FROM users u JOIN items i ON u.country = i.country
  WHERE i.price > 10 AND u.age BETWEEN 18 AND 65 GROUP BY u.user_id, i.item_id ORDER BY n DESC LIMIT 100;
CALL call_service('s{n}', c{n});
"""
STATEMENTS = 6


def best(run: Callable[[], object], times: int) -> float:
    """Least processor time of so many runs, in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        run()
        spent.append(time.process_time() - began)
    return min(spent) * 1000


def main(count: int) -> None:
    """Time a script of 60 statements, warm, and one of ``count``."""
    from sqlglot.dialects.duckdb import DuckDB

    from sqlrec.sql.render import render
    from sqlrec.sql.script import parse

    for statements, times in ((60, 50), (count, 3)):
        script = "".join(UNIT.format(n=n) for n in range(-(-statements // STATEMENTS)))
        parsed = parse(script)
        assert parsed.diagnostics == ()
        reading = best(lambda text=script: parse(text), times)
        printing = best(lambda found=parsed.statements: list(map(render, found)), times)
        tokens = best(lambda text=script: DuckDB().tokenize(text), times)
        print(
            f"{len(parsed.statements):6} statements, {len(script) / 1000:.0f} kB: read in {reading:.1f} ms "
            f"({reading / tokens:.2f} of sqlglot's tokens alone), printed in {printing:.1f} ms"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
