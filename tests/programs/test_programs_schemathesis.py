"""The OpenAPI document of an API's server as schemathesis reads it."""

from __future__ import annotations

from sqlrec.spec.function import ProgramParam
from tests.documented import answers_as_documented
from tests.programs.api_server import RunningApi
from tests.programs.programs import columns, program, query

EVERY = columns(
    flag="BOOLEAN",
    n="INT",
    x="DOUBLE",
    s="STRING",
    day="DATE",
    list="ARRAY<BIGINT>",
    row="ROW<a INT, b STRING>",
)


def test_every_answer_of_an_api_is_documented() -> None:
    every = program(
        query("taken", "SELECT *, $p1 AS mode FROM t", "t", p1="param:mode"),
        inputs={"t": EVERY},
        returns="taken",
        params=(ProgramParam(name="mode", type="STRING", default="all"),),
    )
    with RunningApi(every) as api:
        assert answers_as_documented(api.port, {}) > 5
