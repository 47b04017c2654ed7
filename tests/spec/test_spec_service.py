"""What services and the servers of APIs are told to be."""

from __future__ import annotations

from sqlrec.spec.function import ApiServiceSpec, ApiSpec, Program
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.service import ServedModel, ServiceSpec

MODEL = ModelSpec(name=ModelName.of("m"), type="t", columns=Schema(), outputs=Schema())


def test_a_model_is_asked_at_predict() -> None:
    spec = ServiceSpec(
        name="s", models=(ServedModel(model=MODEL, checkpoint="v1_export", version=3, model_uri="/m"),)
    )
    assert spec.path == "/predict"


def test_an_api_has_a_path_of_its_own_and_no_checkpoint() -> None:
    api = ApiSpec(name="best", function="f", program=Program(name="f", inputs=(), steps=(), returns=""))
    spec = ApiServiceSpec(name="api.best", api=api)
    assert (spec.path, spec.checkpoint, spec.version) == ("/api/v1/best", "", 0)
