"""Types of imported and external models: what they declare and what they refuse."""

from __future__ import annotations

import pytest

from sqlrec.errors import ScriptError
from sqlrec.models.external.controller import CONTROLLER, entries, runs_elsewhere, url_problem
from sqlrec.models.imported.controller import IMPORT, LOCAL
from sqlrec.models.lookup import get_controller
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep
from sqlrec.spec.options import Scope

LOCAL_MODEL = "CREATE MODEL m INPUT (a INT) OUTPUT (b FLOAT) WITH (provider = 'local', model_path = 'x'{});"
FAR = "CREATE MODEL e (a INT) WITH (model = 'external', output_columns = 'b:float'{});"
SERVE = "CREATE SERVICE s ON MODEL e{}"


def codes(script: str) -> list[str]:
    try:
        build_plan(script, path="x.sql", name="x")
    except ScriptError as error:
        return [found.code for found in error.diagnostics]
    return []


@pytest.mark.parametrize("controller", [IMPORT, LOCAL])
def test_an_imported_model_asks_for_the_cores_of_its_threads(controller: object) -> None:
    assert controller in (IMPORT, LOCAL)
    options = IMPORT.options.effective(Scope.SERVICE, model={"inference_threads": "4"})
    assert IMPORT.resources(options).cpu == "4"
    stated = IMPORT.options.effective(
        Scope.SERVICE, model={"inference_threads": "4"}, statement={"pod_cpu_cores": "2"}
    )
    assert IMPORT.resources(stated).cpu == "2"
    assert IMPORT.resources(IMPORT.options.effective(Scope.SERVICE)).cpu == "1"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (LOCAL_MODEL.format(", runtime = 'onnx', gpu = 'false'"), []),
        (LOCAL_MODEL.format(", runtime = 'tensorflow'"), ["SR213"]),
        (LOCAL_MODEL.format(", gpu = 'true'"), ["SR213"]),
        (LOCAL_MODEL.format("").replace("a INT", "a DATE"), ["SR423"]),
        (LOCAL_MODEL.format("").replace("model_path = 'x'", "runtime = 'onnx'"), ["SR307"]),
        (FAR.format(""), []),
        (FAR.format("").replace("b:float", "b"), ["SR464"]),
        (FAR.format("").replace("b:float", "b:float, B:int"), ["SR464"]),
        (FAR.format("").replace("b:float", "b:vector, 2c:int"), ["SR464", "SR464"]),
        (FAR.format("").replace("b:float", "a:float"), ["SR424"]),
        (FAR.format("").replace(", output_columns = 'b:float'", ""), ["SR427"]),
        (FAR.format("").replace("(a INT) ", ""), ["SR427"]),
        (FAR.format(", url = 'host'"), ["SR465"]),
        (FAR.format(", header.authorization = 'Bearer x'"), ["SR306"]),
        (FAR.format(", url = 'http://h/p'") + SERVE.format(""), []),
        (FAR.format("") + SERVE.format(" WITH (url = 'https://h/p')"), []),
        (FAR.format("") + SERVE.format(" WITH (url = '{{ var.value.url }}')"), []),
        (FAR.format("") + SERVE.format(""), ["SR465"]),
        (FAR.format("") + SERVE.format(" WITH (url = 'h')"), ["SR465"]),
        (FAR.format("") + SERVE.format(" CHECKPOINT = 'v' WITH (url = 'http://h')"), ["SR213"]),
    ],
)
def test_definitions(script: str, found: list[str]) -> None:
    assert codes(script) == found


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("TRAIN MODEL e CHECKPOINT = 'v' ON t", "External model does not support training"),
        ("EXPORT MODEL e CHECKPOINT = 'v'", "External model does not support export"),
    ],
)
def test_an_external_model_is_not_made_here(statement: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        build_plan(FAR.format("") + statement, path="x.sql", name="x")


def test_an_external_model_answers_its_output_columns() -> None:
    script = FAR.format("").replace(
        "b:float", " b : float , tags:array<string>, r:row<x int, y int>, d:decimal(4, 2)"
    )
    (step,) = build_plan(script, path="x.sql", name="x").steps
    assert isinstance(step, DefineModelStep)
    assert [f"{f.name} {f.type}" for f in step.model.outputs] == [
        "b FLOAT",
        "tags ARRAY<STRING>",
        "r ROW<x INT, y INT>",
        "d DECIMAL(4, 2)",
    ]
    assert entries("  ") == []
    assert runs_elsewhere(CONTROLLER)
    assert not runs_elsewhere(get_controller("tzrec.wide_and_deep"))


@pytest.mark.parametrize("url", ["", "h", "ftp://h", "http://", "http://h:x", "http://[", "http://h:0"])
def test_texts_that_are_no_url(url: str) -> None:
    assert url_problem(url)
