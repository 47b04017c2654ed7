"""What a statement asks of its pods is checked when its script is compiled, at the option it is about."""

from __future__ import annotations

import pytest

from sqlrec.errors import Diagnostic, ScriptError
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import AlterServiceStep, DeployStep, TrainStep

MODEL = """CREATE MODEL m (a BIGINT, y INT) WITH (model = 'tzrec.wide_and_deep', label_columns = 'y');
"""
SERVED = f"""{MODEL}TRAIN MODEL m CHECKPOINT = 'v1' ON t;
EXPORT MODEL m CHECKPOINT = 'v1' ON t;
CREATE SERVICE live ON MODEL m CHECKPOINT = 'v1_export' WITH (pod_memory = '512Mi');
"""


def findings(script: str) -> tuple[Diagnostic, ...]:
    try:
        return build_plan(script, path="x.sql", name="x").warnings
    except ScriptError as error:
        return error.diagnostics


@pytest.mark.parametrize(
    "statement",
    [
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (NAMESPACE = 'A_B');",
        "EXPORT MODEL m CHECKPOINT = 'v1' ON t WITH (NAMESPACE = 'A_B');",
        "EVALUATE MODEL m CHECKPOINT = 'v1' ON t WITH (NAMESPACE = 'A_B');",
        "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export' WITH (NAMESPACE = 'A_B');",
        "ALTER SERVICE live SET (NAMESPACE = 'A_B');",
    ],
)
def test_every_statement_with_pods_is_checked(statement: str) -> None:
    script = f"{SERVED}{statement}"
    (finding,) = [finding for finding in findings(script) if finding.code == "SR371"]
    assert script[finding.span.start : finding.span.end] == "'A_B'"
    assert finding.hint


def test_an_altered_service_keeps_what_is_not_said() -> None:
    """The limit is under the default request, but the service asks for less."""
    assert findings(f"{SERVED}ALTER SERVICE live SET (pod_memory_limit = '1Gi');") == ()
    (finding,) = findings(f"{SERVED}ALTER SERVICE live SET (pod_memory_limit = '1Gi', pod_memory = '2Gi');")
    assert finding.code == "SR370"


def test_what_a_run_renders_is_left_to_the_run() -> None:
    options = "'kubernetes.volume.x' = 'pvc:{{ ds }}:/mnt', pod_memory = '{{ var.value.memory }}'"
    assert findings(f"{MODEL}TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH ({options});") == ()


def test_an_option_that_cannot_be_read_is_told_once() -> None:
    found = findings(f"{MODEL}TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH (pod_memory = 'much', nothing = 1);")
    assert sorted(finding.code for finding in found) == ["SR301", "SR302"]


@pytest.mark.parametrize(
    "statement",
    [
        "TRAIN MODEL unknown CHECKPOINT = 'v1' ON t WITH (NAMESPACE = 'A_B');",
        "ALTER SERVICE unknown SET (NAMESPACE = 'A_B');",
    ],
)
def test_options_of_what_is_not_known_are_left_to_the_run(statement: str) -> None:
    assert findings(statement) == ()


def test_steps_keep_the_case_of_names() -> None:
    script = f"""{SERVED}
TRAIN MODEL m CHECKPOINT = 'v2' ON t WITH (kubernetes.env.Path = 'a', 'kubernetes.label.Cost-Center' = '1');
ALTER SERVICE live SET ('kubernetes.env.Mixed' = '1');
ALTER SERVICE live RESET ('kubernetes.env.Mixed');
"""
    steps = build_plan(script, path="x.sql", name="x").steps
    trained = [step.options for step in steps if isinstance(step, TrainStep)][-1]
    assert trained == {"kubernetes.env.Path": "a", "kubernetes.label.Cost-Center": "1"}
    changed, reset = [step.change for step in steps if isinstance(step, AlterServiceStep)]
    assert "kubernetes.env.Mixed" in str(changed)
    assert "kubernetes.env.Mixed" in str(reset)
    assert any(isinstance(step, DeployStep) for step in steps)


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("kubernetes.env.HF_TOKEN = 'abcdefgh'", ["SR306"]),
        ("kubernetes.env.OTHER = 'sk-abcdefghijklmnopqrstuv'", ["SR306"]),
        ("kubernetes.env.HF_TOKEN = '{{ secret.hub }}'", []),
        ("kubernetes.env.HF_TOKEN_PATH = '/mnt/token'", []),
        ("kubernetes.env.MAX_TOKEN = 5", []),
        ("kubernetes.env.NCCL_DEBUG = 'INFO'", []),
    ],
)
def test_a_secret_does_not_stand_in_a_variable(option: str, found: list[str]) -> None:
    script = f"{MODEL}TRAIN MODEL m CHECKPOINT = 'v1' ON t WITH ({option});"
    assert [finding.code for finding in findings(script)] == found
    assert "abcdefgh" not in "".join(finding.message + finding.hint for finding in findings(script))
