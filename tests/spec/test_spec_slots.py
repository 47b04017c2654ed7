from __future__ import annotations

from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.schema import Schema
from sqlrec.spec.service import ServedModel
from sqlrec.spec.slots import by_slot


def served(name: str, version: int) -> ServedModel:
    model = ModelSpec(name=ModelName.parse(name), type="t", columns=Schema(), outputs=Schema())
    return ServedModel(model=model, checkpoint="v_export", version=version, model_uri="/m")


def test_every_model_has_a_place_of_its_own() -> None:
    models = [served("m", 1), served("db.n", 2), served("M", 3), served("db.n", 4)]
    slots = by_slot(models)
    assert list(slots) == ["m", "sqlrec.db.n", "M:2", "sqlrec.db.n:2"]
    assert list(slots.values()) == models
