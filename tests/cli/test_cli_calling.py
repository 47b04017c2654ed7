"""``sqlrec call`` of an API: a real server of it, known to a real registry."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sqlrec.errors import EXIT_FAILED, EXIT_USAGE
from sqlrec.runtimes.local.services import LocalServiceRuntime
from sqlrec.spec.function import ApiSpec, Program, ProgramParam
from sqlrec.spec.service import ExternalServiceSpec
from tests.cli.conftest import Command
from tests.predict_server import Reply, running
from tests.programs.api_server import RunningApi
from tests.programs.programs import columns, program, query
from tests.registries import model, open_registry

USERS = columns(id="BIGINT", name="STRING")
ONE = program(
    query(
        "r",
        "SELECT id, name, $p1 AS least FROM u WHERE id >= CAST($p1 AS INT) AND name <> $p2",
        "u",
        p1="param:least",
        p2="param:except",
    ),
    inputs={"u": USERS},
    params=(
        ProgramParam(name="least", type="INT", default=0),
        ProgramParam(name="except", type="STRING", default=""),
    ),
)
TWO = program(
    query("r", "SELECT id, factor FROM u, v", "u", "v"), inputs={"u": USERS, "v": columns(factor="DOUBLE")}
)
NONE = program(query("r", "SELECT 7 AS seven"), inputs={})
ROWS = '[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]'


Known = Callable[[Program], AbstractContextManager[None]]


@pytest.fixture
def known(project: Path, capsys: pytest.CaptureFixture[str]) -> Known:
    """``with known(function):`` the project knows it as the API ``rec``, whose server runs."""

    @contextmanager
    def run(made: Program) -> Iterator[None]:
        with RunningApi(made) as server:
            note(project, made, f"http://127.0.0.1:{server.port}/api/v1/rec")
            capsys.readouterr()  # the server is in this process, and says that it listens
            yield

    return run


def note(project: Path, made: Program, url: str) -> None:
    state = project / ".sqlrec"
    state.mkdir()
    open_registry(state).put_api(ApiSpec(name="rec", function="f", program=made), replace=True)
    server = ExternalServiceSpec(name="api.rec", url=url, model=model(id="INT"), checkpoint="", version=0)
    LocalServiceRuntime(state / "services").apply(server, lambda endpoint: None)


def test_an_api_is_asked_by_rows_tables_or_a_body(
    sqlrec: Command, known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"id": 1, "name": "a", "least": "0"}
    with known(ONE):
        both = sqlrec("call", "rec", ROWS, "--json")
        assert json.loads(both.out) == [first, {"id": 2, "name": "b", "least": "0"}], both.err
        told = sqlrec("call", "rec", ROWS)
        lines = [line.split() for line in told.out.splitlines() if line.strip()]
        assert (lines[1], lines[3]) == (["id", "name", "least"], ["1", "a", "0"])
        for text in (
            '{"id": 1, "name": "a"}',
            '{"U": [{"id": 1, "name": "a"}]}',
            '{"u": {"id": [1], "name": ["a"]}}',
            f'{{"data": {{"u": {ROWS}}}, "params": {{"except": "b"}}}}',
        ):
            assert json.loads(sqlrec("call", "Rec", text, "--json").out) == [first], text
        (tmp_path / "rows.json").write_text(ROWS)
        second = sqlrec("call", "api.rec", tmp_path / "rows.json", "-p", "least=2", "--json")
        assert json.loads(second.out) == [{"id": 2, "name": "b", "least": "2"}]
        monkeypatch.setattr(
            "sys.stdin", io.StringIO(f'{{"data": {{"u": {ROWS}}}, "params": {{"least": 1}}}}')
        )
        assert json.loads(sqlrec("call", "rec", "--param", "except=a", "--json").out)[0]["name"] == "b"


REFUSED: list[tuple[list[str], str]] = [
    (["[{}]"], "SR640]: API rec answered 422: table 'u': row 0 lacks column 'id'"),
    (['[{"id": "x", "name": "a"}]'], "SR641]: API rec answered 422: "),
    (["[]", "-p", "most=1"], "SR642]: API rec answered 422: there is no parameter 'most'"),
    (["[]", "-p", "least=few"], "SR642]: API rec answered 422: parameter 'least' is INT"),
    (["{no"], "SR638]: what is given is no JSON"),
    (["none.json"], "SR638]: none.json cannot be read: No such file"),
    (["[1]"], "SR651]: API rec answered 400: table 'u': row 0 is 1"),
]


def test_what_an_api_refuses(sqlrec: Command, known: Known) -> None:
    with known(ONE):
        for arguments, says in REFUSED:
            told = sqlrec("call", "rec", *arguments)
            assert (told.status, told.out) == (EXIT_FAILED, ""), arguments
            assert f"error[{says}" in told.err


def test_several_input_tables_are_named(sqlrec: Command, known: Known) -> None:
    with known(TWO):
        given = f'{{"u": {ROWS}, "v": [{{"factor": 0.5}}]}}'
        assert [row["factor"] for row in json.loads(sqlrec("call", "rec", given, "--json").out)] == [0.5, 0.5]
        told = sqlrec("call", "rec", ROWS)
        other = sqlrec("call", "rec", f'{{"u": {ROWS}, "w": []}}')
    assert "error[SR638]: function f of the API has 2 input tables" in told.err
    assert 'give {"u": [{"column": value}], "v": [{"column": value}]}' in told.err
    assert "error[SR640]: API rec answered 422: there is no input table 'w'" in other.err


def test_an_api_without_tables_needs_none(sqlrec: Command, known: Known) -> None:
    with known(NONE):
        assert json.loads(sqlrec("call", "rec", "--json").out) == [{"seven": 7}]
        assert "has no input table" in sqlrec("call", "rec", ROWS).err


def test_an_api_that_returns_no_rows(sqlrec: Command, known: Known) -> None:
    with known(program(query("r", "SELECT 1 AS a WHERE FALSE"), inputs={})):
        assert sqlrec("call", "rec").out == "rec answered no rows\n"
        assert json.loads(sqlrec("call", "rec", "--json").out) == []


def test_an_api_that_returns_nothing(sqlrec: Command, known: Known) -> None:
    with known(program(query("r", "SELECT 1 AS a"), inputs={}, returns="")):
        assert sqlrec("call", "rec").out == "API rec returns nothing\n"
        assert json.loads(sqlrec("call", "rec", "--json").out) is None


def test_an_answer_of_something_else_and_none(sqlrec: Command, project: Path) -> None:
    with running() as service:
        note(project, NONE, service.url)
        service.script(Reply(status=502, body=b"<html>bad gateway"), Reply(body=b"[]"), Reply(status=0))
        assert "error[SR611]: API rec answered 502: <html>bad gateway" in sqlrec("call", "rec").err
        assert "error[SR611]: API rec answered 200: []" in sqlrec("call", "rec").err
        assert "error[SR610]: service api.rec at http" in sqlrec("call", "rec").err
    LocalServiceRuntime(project / ".sqlrec" / "services").stop("api.rec")
    told = sqlrec("call", "rec")
    assert "error[SR630]: service api.rec is stopped" in told.err
    assert "CREATE OR REPLACE API rec …" in told.err


def test_a_service_has_no_parameters(sqlrec: Command) -> None:
    told = sqlrec("call", "rank", "{}", "-p", "a=1")
    assert told.status == EXIT_USAGE
    assert "rank is no API: only an API has parameters" in told.err
    assert "error[SR206]: service rank does not exist" in sqlrec("call", "rank", "{}").err
