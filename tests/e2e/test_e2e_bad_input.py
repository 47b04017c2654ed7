"""Bad rows, files and places: a whole script fails with words to act on, and nothing is left of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_SETUP
from sqlrec.registry.snapshot import SnapshotCatalog
from sqlrec.spec.names import ModelName

pytestmark = pytest.mark.e2e
DRIVER = Path(__file__).with_name("many_commands.py")
HEADER = "user_id,city,price,y\n"
GOOD = HEADER + "".join(f"{i % 7},{'abc'[i % 3]},{i % 5}.5,{i % 2}\n" for i in range(60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A script over ``data/<name>.csv``. ``says`` are words of the message, ``hint`` of the help."""

    name: str
    rows: str | bytes
    script: str
    code: str
    says: tuple[str, ...]
    hint: str
    status: int = EXIT_FAILED


def train(name: str, where: str = "") -> str:
    """Trains on the table."""
    return f"""
    CREATE TABLE {name} (user_id BIGINT, city STRING, price DOUBLE, y INT)
      WITH (connector = 'csv', path = 'data/{name}.csv');
    CREATE MODEL m_{name} (user_id BIGINT, city STRING, price DOUBLE, y INT)
      WITH (model = 'tzrec.wide_and_deep', label_columns = 'y', hidden_units = '4', batch_size = 32);
    TRAIN MODEL m_{name} CHECKPOINT = 'v1' ON {name} {where};
    """


def train_undeclared(name: str) -> str:
    """The same on a file whose columns nothing declares."""
    lines = train(name).splitlines()
    return "\n".join(line for line in lines if "CREATE TABLE" not in line and "connector" not in line)


def copy(name: str) -> str:
    return f"""
    CREATE TABLE {name} (user_id BIGINT, city STRING, price DOUBLE, y INT)
      WITH (connector = 'csv', path = 'data/{name}.csv');
    CACHE TABLE kept AS SELECT user_id, city, price * 2 AS price FROM {name};
    INSERT OVERWRITE out_{name} SELECT * FROM kept;
    """


CASES = [
    Case(
        name="no_column",
        rows="user_id,city,y\n" + "1,a,0\n2,b,1\n" * 20,
        script=train_undeclared("no_column"),
        code="SR450",
        says=("no_column has no column 'price'", "model m_no_column"),
        hint="columns: user_id, city, y",
    ),
    Case(
        name="no_label",
        rows="user_id,city,price,label\n" + "1,a,2.5,0\n2,b,1.5,1\n" * 20,
        script=train_undeclared("no_label"),
        code="SR450",
        says=("no_label has no label column 'y'",),
        hint="columns: user_id, city, price, label",
    ),
    Case(
        name="empty",
        rows=HEADER,
        script=train("empty"),
        code="SR451",
        says=("empty has no rows",),
        hint="check the WHERE clause",
    ),
    Case(
        name="one_class",
        rows=GOOD,
        script=train("one_class", "WHERE y = 1"),
        code="SR452",
        says=("all 30 rows of one_class have label 1",),
        hint="rows with label 0 and rows with label 1",
    ),
    Case(
        name="nan_label",
        rows=(GOOD + "1,a,inf,\n2,b,nan,\n"),
        script=train("nan_label"),
        code="SR453",
        says=("label column 'y' of nan_label", "2 of 62 rows (row 61, 62)"),
        hint="WHERE y IS NOT NULL",
    ),
    Case(
        name="latin",
        rows=GOOD.encode() + "1,Köln,1.5,1\n".encode("latin-1"),
        script=copy("latin"),
        code="SR405",
        says=("latin.csv, line 62", "not UTF-8"),
        hint="iconv",
    ),
    Case(
        name="mixed",
        rows=GOOD + "seven,a,1.5,1\n",
        script=copy("mixed"),
        code="SR404",
        says=("mixed.csv, line 62, column 'user_id'", "'seven' is no BIGINT"),
        hint="declare column 'user_id' as STRING",
    ),
    Case(
        name="ragged",
        rows=GOOD + "1,a,1.5,1,b\n",
        script=copy("ragged"),
        code="SR405",
        says=("ragged.csv, line 62", "expected 4 columns, found 5"),
        hint="quote values",
    ),
    Case(
        name="unknown_checkpoint",
        rows=GOOD,
        script=train("unknown_checkpoint").replace("TRAIN", "EXPORT"),
        code="SR207",
        says=("checkpoint not exists: v1", "m_unknown_checkpoint"),
        hint="has no checkpoint yet",
    ),
    Case(
        name="unknown_service",
        rows=GOOD,
        script=copy("unknown_service")
        .replace("FROM kept", "FROM scored")
        .replace("INSERT", "CACHE TABLE scored AS CALL call_service('nowhere', kept);\nINSERT"),
        code="SR206",
        says=("service nowhere does not exist",),
        hint="CREATE SERVICE first",
    ),
    Case(
        name="blocked",
        rows=GOOD,
        script=copy("blocked").replace("out_blocked", "readme.out_blocked"),
        code="SR703",
        says=("cannot write", "readme/out_blocked"),
        hint="check that the folder exists, is writable",
        status=EXIT_SETUP,
    ),
]


@dataclass(frozen=True, slots=True)
class Told:
    """How a command line ended."""

    status: int
    out: str
    err: str


class Driver:
    """The process that runs the command lines."""

    def __init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "SQLREC_"))}
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=kept,
        )

    def run(self, project: Path, script: Path, *more: str) -> Told:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = ["--project", str(project), "run", str(script), *more]
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return Told(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project for all cases; each has a table, a model and outputs of its own."""
    folder = tmp_path_factory.mktemp("bad") / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "sqlrec.toml").touch()
    (folder / "data" / "readme").write_text("a file where a folder would have to be")
    return folder


def write(project: Path, case: Case) -> Path:
    rows = case.rows if isinstance(case.rows, bytes) else case.rows.encode()
    (project / "data" / f"{case.name}.csv").write_bytes(rows)
    script = project / f"{case.name}.sql"
    script.write_text(case.script)
    return script


def error_of(told: Told) -> str:
    """The one error a command line ends with."""
    assert "Traceback" not in told.out + told.err
    assert told.err.count("error[") == 1
    return told.err[told.err.index("error[") :]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_told_and_nothing_is_left(driver: Driver, project: Path, case: Case) -> None:
    told = driver.run(project, write(project, case))
    message = error_of(told)
    assert message.startswith(f"error[{case.code}]: ")
    assert all(words in message for words in case.says), message
    assert case.hint in message.partition("= help: ")[2], message
    assert told.status == case.status
    catalog = SnapshotCatalog(project / ".sqlrec" / "mlflow.db")
    assert catalog.checkpoints(ModelName.of(f"m_{case.name}")) == ()
    assert not list((project / ".sqlrec" / "models").glob(f"*/*/m_{case.name}/**/*"))
    left = {path.name for path in (project / "data").iterdir()}
    assert not {name for name in left if name.startswith((f"out_{case.name}", "."))}
    assert (project / "data" / "readme").is_file()


def test_with_the_rows_put_right_the_same_run_goes_on(driver: Driver, project: Path) -> None:
    rows, script = project / "data" / "mended.csv", project / "mended.sql"
    script.write_text(train("mended"))
    rows.write_text(HEADER)
    assert error_of(driver.run(project, script)).startswith("error[SR451]")
    rows.write_text(GOOD)
    mended = driver.run(project, script)
    assert mended.status == 0, mended.err
    assert "taken up again" in mended.out
    made = SnapshotCatalog(project / ".sqlrec" / "mlflow.db").checkpoints(ModelName.of("m_mended"))
    assert [(c.name, c.status) for c in made] == [("v1", "succeeded")]


@pytest.mark.parametrize("setting", ["work_dir", "model_base_path"])
def test_a_place_that_cannot_be_written(driver: Driver, tmp_path: Path, setting: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "sqlrec.toml").write_text(f'{setting} = "file/below"')
    script = tmp_path / "s.sql"
    script.write_text(train("places"))
    told = driver.run(tmp_path, script)
    message = error_of(told)
    assert told.status == EXIT_SETUP
    assert message.startswith("error[SR703]: cannot write ")
    assert str(tmp_path / "file") in message
    assert (tmp_path / "file").read_text() == "kept"
