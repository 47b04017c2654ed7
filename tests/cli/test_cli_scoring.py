"""``sqlrec score``, and ``sqlrec call`` of a service: a real export and registry, the service a stand-in."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_USAGE
from sqlrec.jobs.scored import PARTS
from sqlrec.registry.registry import DeployAction
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.model import CheckpointKind
from sqlrec.spec.service import ExternalServiceSpec
from tests.cli.conftest import Command
from tests.predict_server import Reply, Service, ok, running
from tests.registries import export_output, model, open_registry

ROWS = {"user_id": [1, 2, 3], "price": [0.5, 0.25, 2.0], "probs": ["a", "b", "c"]}


def answer(request: Any) -> Reply:
    if isinstance(request, bytes):
        return Reply(status=415)
    return ok({"probs": [row["user_id"] * row["price"] for row in request]})


@pytest.fixture
def ready(project: Path) -> Iterator[Service]:
    """A project with two exports of a model, the second of which ``rank`` serves, and a table."""
    state = project / ".sqlrec"
    state.mkdir()
    registry = open_registry(state)
    rank = model(user_id="BIGINT", price="DOUBLE", clicked="INT")
    registry.put_model(rank)
    for factor in (1.0, 10.0):
        name = f"v{factor:.0f}_export"
        folder, result = export_output(state / "jobs" / name, factor)
        checkpoint = registry.register(
            model=rank.name,
            name=name,
            kind=CheckpointKind.EXPORT,
            folder=folder,
            result=result,
            key=f"dag/run/{name}",
            statement="EXPORT MODEL",
        )
    entry = registry.begin(
        service="rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key="dag/r/deploy", options={}
    )
    pq.write_table(pa.table(ROWS), project / "rows.parquet")
    with running() as service:
        service.answer = answer
        spec = ExternalServiceSpec(
            name="rank", url=service.url, model=rank, checkpoint=checkpoint.name, version=checkpoint.version
        )
        LocalServiceRuntime(state / "services").apply(spec, lambda endpoint: None)
        registry.finish(entry, url=service.url)
        yield service


def scored(folder: Path) -> list[float]:
    found: list[float] = pq.read_table(folder).column("probs0").to_pylist()
    return found


def test_a_table_is_scored_in_this_process(sqlrec: Command, ready: Service, project: Path) -> None:
    told = sqlrec("score", "rank_model@v1_export", project / "rows.parquet", project / "out")
    assert told.status == 0, told.err
    assert told.out.startswith("scored 3 rows with rank_model v1_export, ")
    assert told.out.endswith(f": {project / 'out'}\n")
    assert "scored 3 of 3 rows" in told.err
    assert pq.read_table(project / "out").to_pydict() == {**ROWS, "probs0": [0.5, 0.5, 6.0]}
    newest = sqlrec("score", "rank_model", project / "rows.parquet", project / "out", "--json")
    assert json.loads(newest.out)["facts"]["checkpoint"] == "v10_export"
    assert scored(project / "out") == [5.0, 5.0, 60.0]
    assert ready.requests == []


def test_a_table_of_the_warehouse_into_one_file(sqlrec: Command, ready: Service, project: Path) -> None:
    folder = project / "data" / "shop" / "views"
    folder.mkdir(parents=True)
    (project / "rows.parquet").rename(folder / "0.parquet")
    told = sqlrec("score", "rank_model@v1_export", "shop.views", project / "out.parquet")
    assert told.status == 0, told.err
    assert scored(project / "out.parquet") == [0.5, 0.5, 6.0]
    assert sqlrec("score", "rank_model@v1_export", "shop.views", "shop.scored").status == 0
    assert scored(project / "data" / "shop" / "scored") == [0.5, 0.5, 6.0]


def test_a_table_is_scored_through_a_service(sqlrec: Command, ready: Service, project: Path) -> None:
    told = sqlrec("score", "rank_model", project / "rows.parquet", project / "out", "--service", "rank")
    assert told.status == 0, told.err
    assert scored(project / "out") == [0.5, 0.5, 6.0]
    other = sqlrec(
        "score", "rank_model@v1_export", project / "rows.parquet", project / "x", "--service", "rank"
    )
    assert (other.status, (project / "x").exists()) == (EXIT_FAILED, False)
    assert "error[SR633]: service rank serves v10_export version 2, not v1_export version 1" in other.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none_model", "rows.parquet"], "SR205"),
        (["rank_model@v9", "rows.parquet"], "SR207"),
        (["rank_model", "nothing.parquet"], "SR401"),
        (["rank_model", "nothing"], "SR401"),
        (["rank_model", "rows.parquet", "--service", "rnak"], "SR206"),
        (["rank_model", "rows.parquet", "--variant", "int8"], "SR672"),
    ],
)
def test_what_cannot_be_scored(
    sqlrec: Command,
    ready: Service,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(project)
    told = sqlrec("score", *arguments[:2], "out/", *arguments[2:])
    assert (told.status, told.out) == (EXIT_FAILED, "")
    assert f"error[{says}]" in told.err
    assert not (project / "out").exists()


def test_a_value_that_does_not_fit_names_its_row(sqlrec: Command, ready: Service, project: Path) -> None:
    pq.write_table(pa.table({"user_id": [1.0, 2.0, 2.5], "price": [1.0] * 3}), project / "odd.parquet")
    told = sqlrec("score", "rank_model", project / "odd.parquet", project / "out")
    assert told.status == EXIT_FAILED
    assert "error[SR639]: row 2, column user_id: expected" in told.err
    assert "2.5" in told.err


def test_rows_are_asked_about(
    sqlrec: Command, ready: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = '{"user_id": 3, "price": 0.5, "probs": null}'
    told = sqlrec("call", "rank", row, "--json")
    assert json.loads(told.out) == [{"user_id": 3, "price": 0.5, "probs": None, "probs0": 1.5}]
    (tmp_path / "rows.json").write_text(f'[{row}, {{"user_id": 1, "price": 4}}]')
    told = sqlrec("call", "rank", tmp_path / "rows.json")
    lines = [line.split() for line in told.out.splitlines() if line.strip()]
    assert lines[1] == ["user_id", "price", "probs", "probs0"]
    assert lines[3:] == [["3", "0.5000", "1.5000"], ["1", "4", "4.0000"]]
    monkeypatch.setattr("sys.stdin", io.StringIO(row))
    assert "1.5000" in sqlrec("call", "rank").out


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("{no", "SR638]: what is given is no JSON"),
        ("[1, 2]", "SR638]: what is given holds no rows"),
        ("[]", "SR638]: there are no rows"),
        ('{"price": NaN}', "SR638]: what is given is no JSON"),
        ('{"price": 1e999}', "SR638]: what is given is no JSON"),
        ('{"price": "\\ud800"}', "SR638]: what is given is no JSON"),
        ("none.json", "SR638]: none.json cannot be read: No such file"),
    ],
)
def test_what_holds_no_rows(sqlrec: Command, ready: Service, rows: str, says: str) -> None:
    told = sqlrec("call", "rank", rows)
    assert (told.status, told.out) == (EXIT_FAILED, "")
    assert f"error[{says}" in told.err
    assert ready.requests == []


def test_a_number_that_no_column_holds_is_for_the_service_to_refuse(sqlrec: Command, ready: Service) -> None:
    ready.script(Reply(status=422, body=b"expected an integer"))
    told = sqlrec("call", "rank", '{"user_id": 99999999999999999999, "price": 1}')
    assert told.status == EXIT_FAILED
    assert "error[SR611]" in told.err
    assert ready.requests == [[{"user_id": 1e20, "price": 1}]]


@pytest.mark.parametrize("output", ["rows.parquet", "../{name}/rows.parquet", "."])
def test_the_rows_that_are_read_are_not_overwritten(
    sqlrec: Command, ready: Service, project: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(project)
    told = sqlrec("score", "rank_model", "rows.parquet", output.format(name=project.name))
    assert (told.status, told.out) == (EXIT_USAGE, "")
    assert "INPUT rows.parquet is in the same place" in told.err
    assert pq.read_table(project / "rows.parquet").to_pydict() == ROWS


def test_a_table_that_something_else_wrote_is_not_overwritten(
    sqlrec: Command, ready: Service, project: Path
) -> None:
    kept = project / "mine" / "dt=1" / "other.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes((project / "rows.parquet").read_bytes())
    told = sqlrec("score", "rank_model", project / "rows.parquet", project / "mine")
    assert (told.status, told.out) == (EXIT_USAGE, "")
    assert "no scoring wrote dt=1/other.parquet" in told.err
    assert pq.read_table(kept).to_pydict() == ROWS


def test_a_path_may_be_spelled_in_another_way(
    sqlrec: Command, ready: Service, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same work has the same digest, which its files are named after, and goes on where it stopped."""
    monkeypatch.chdir(project)
    assert sqlrec("score", "rank_model", "rows.parquet", "./out").status == 0
    files = {path.name for path in (project / "out").iterdir()}
    told = sqlrec("score", "rank_model", f"../{project.name}/rows.parquet", project / "x" / ".." / "out")
    assert told.out.endswith(f": {project / 'out'}\n")
    assert {path.name for path in (project / "out").iterdir()} == files
    assert any(name.startswith(PARTS) for name in files)


def test_errors_of_the_service_and_of_names(sqlrec: Command, ready: Service) -> None:
    ready.script(Reply(status=422, body=b"row 0, column price: expected a number"))
    told = sqlrec("call", "rank", '{"user_id": 1, "price": "x"}')
    assert told.status == EXIT_FAILED
    assert "error[SR611]" in told.err
    assert "row 0, column price" in told.err
    assert "Did you mean 'rank'?" in sqlrec("call", "rnak", "{}").err
    assert sqlrec("score", "a.b.c.d", "x", "y").status == EXIT_USAGE
