"""Services of several real models, asked over HTTP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from sqlrec.errors import StateError
from sqlrec.serving.app import App
from sqlrec.serving.config import ServeConfig
from sqlrec.serving.metrics import Metrics
from sqlrec.spec.group import Group, Routing
from sqlrec.spec.names import ModelName
from sqlrec.spec.service import ServedModel, ServiceSpec
from tests.serving.conftest import Running, column, export, graph, node, output, service_spec

Serve = Callable[..., Running]
ROWS = [{"a": 1, "b": 2, "c": 9}, {"a": -3, "b": 0, "c": 9}]


def scaled(folder: Path, factor: float, *names: str, gives: str = "probs") -> Path:
    """probs = sigmoid(factor · sum of the inputs)."""
    inputs, outputs = [column(name, "BIGINT") for name in names], [output(gives)]
    nodes = [
        *(node("Cast", [name], [f"{name}_f"], to=TensorProto.FLOAT) for name in names),
        node("Sum", [f"{name}_f" for name in names], ["sum"]),
        node("Constant", [], ["factor"], value_float=factor),
        node("Mul", ["sum", "factor"], ["logit"]),
        node("Sigmoid", ["logit"], [gives]),
    ]
    return export(folder, graph(inputs, outputs, nodes), inputs, outputs)


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


LOW = [sigmoid(0.1 * 3), sigmoid(0.1 * -3)]
HIGH = [sigmoid(1.0 * 12), sigmoid(1.0 * 6)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[ServedModel, ...]:
    """``low`` takes a and b, ``high`` takes a, b and c."""
    folder = tmp_path_factory.mktemp("group")
    made = {"low": scaled(folder / "low", 0.1, "a", "b"), "high": scaled(folder / "high", 1.0, "a", "b", "c")}
    return tuple(
        replace(own, model=replace(own.model, name=ModelName.of(name)), version=version)
        for version, (name, path) in enumerate(made.items(), 3)
        for own in service_spec(path).models
    )


def spec_of(models: tuple[ServedModel, ...], **group: Any) -> ServiceSpec:
    return ServiceSpec(name="jury", models=models, group=Group(**group))


@pytest.fixture(scope="module")
def jury(models: tuple[ServedModel, ...], serve: Serve) -> Iterator[Running]:
    with serve(spec_of(models, decider="mean", timeout=60.0)) as server:
        yield server


def test_the_mean_of_two_models(jury: Running) -> None:
    reply = jury.predict(ROWS)
    wanted = [(low + high) / 2 for low, high in zip(LOW, HIGH, strict=True)]
    assert reply.json["probs"] == pytest.approx(wanted, abs=1e-6)
    assert reply.headers["X-Sqlrec-Model"] == "low@v1_export; version=3, high@v1_export; version=4"


def test_columns_and_many_rows(jury: Running) -> None:
    reply = jury.predict({"a": [1] * 3000, "b": [2], "c": [9]})
    assert reply.json["probs"] == pytest.approx([(LOW[0] + HIGH[0]) / 2] * 3000, abs=1e-6)


def test_a_request_must_hold_the_features_of_all(jury: Running) -> None:
    reply = jury.predict([{"a": 1, "b": 2}])
    assert reply.json["error"]["code"] == "SR652"
    assert "c" in reply.json["error"]["message"]
    assert jury.call("POST", "/predict", "{").json["error"]["code"] == "SR650"


def test_a_model_of_the_group_answers_alone(jury: Running) -> None:
    reply = jury.call("POST", "/models/low/predict", '[{"a": 1, "b": 2}]')
    assert reply.json["probs"] == pytest.approx(LOW[:1], abs=1e-6)
    assert "X-Sqlrec-Model" not in reply.headers


def test_the_first_answer_is_one_of_them(models: tuple[ServedModel, ...], serve: Serve) -> None:
    with serve(spec_of(models, decider="first", timeout=60.0)) as server:
        reply = server.predict(ROWS)
        wanted = {"low": LOW, "high": HIGH}[reply.headers["X-Sqlrec-Model"].partition("@")[0]]
        assert reply.json["probs"] == pytest.approx(wanted, abs=1e-6)
        alone = server.predict([{"a": 1, "b": 2}])
        assert alone.headers["X-Sqlrec-Model"] == "low@v1_export; version=3"
        figures = server.figures(until=lambda f: f["models"][1]["failed"] + f["models"][1]["skipped"])
        assert (figures["usage"], figures["undecided"]) == (2, 0)


def test_a_shadow_is_compared_and_never_answers(models: tuple[ServedModel, ...], serve: Serve) -> None:
    with serve(spec_of(models, routing=Routing.SHADOW)) as server:
        for _ in range(3):
            assert server.predict(ROWS).json["probs"] == pytest.approx(LOW, abs=1e-6)
        assert server.predict([{"a": 1, "b": 2}]).status == 200  # the shadow lacks c, and nobody notices
        figures = server.figures(until=lambda f: f["shadows"][0]["usage"] + f["shadows"][0]["failed"] == 4)
        (shadow,) = figures["shadows"]
        apart = [high - low for low, high in zip(LOW, HIGH, strict=True)]
        assert (shadow["usage"], shadow["failed"], shadow["skipped"]) == (3, 1, 0)
        assert shadow["outputs"]["probs"]["values"] == 6
        assert shadow["outputs"]["probs"]["mean_difference"] == pytest.approx(sum(apart) / 2, abs=1e-6)
        assert shadow["outputs"]["probs"]["max_difference"] == pytest.approx(max(apart), abs=1e-6)
        assert figures["models"][0]["usage"] == 4


def test_a_split_gives_a_key_to_one_model(models: tuple[ServedModel, ...], serve: Serve) -> None:
    with serve(spec_of(models, routing=Routing.SPLIT, weights=(3, 1))) as server:
        body = '[{"a": 1, "b": 2, "c": 9}]'
        answered = {}
        for key in map(str, range(40)):
            replies = [server.call("POST", "/predict", body, X_Sqlrec_Key=key) for _ in range(2)]
            (name,) = {reply.headers["X-Sqlrec-Model"].partition("@")[0] for reply in replies}
            wanted = {"low": LOW, "high": HIGH}[name][:1]
            assert replies[0].json["probs"] == pytest.approx(wanted, abs=1e-6)
            answered[key] = name
        assert set(answered.values()) == {"low", "high"}
        low, high = server.figures()["models"]
        assert (low["usage"] + high["usage"], low["weight"], high["failed"]) == (80, 0.75, 0)
        assert low["usage"] == 2 * list(answered.values()).count("low")


@pytest.mark.parametrize("wrong", ["other outputs", "no such decider"])
def test_models_that_do_not_fit_are_not_served(
    models: tuple[ServedModel, ...], tmp_path: Path, wrong: str
) -> None:
    spec, code = spec_of(models, decider="nobody"), "SR682"
    if wrong == "other outputs":
        other = service_spec(scaled(tmp_path / "other", 1.0, "a", gives="score")).models
        spec, code = spec_of((models[0], *other), routing=Routing.SPLIT), "SR683"
    with pytest.raises(StateError) as caught:
        asyncio.run(App(ServeConfig(spec=spec), Metrics(spec)).load())
    assert caught.value.code == code
