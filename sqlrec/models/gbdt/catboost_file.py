"""A served CatBoost model: ``model.cbm`` and ``catboost.json``, which says what raw inputs become in it.

``catboost.json``::

    {"format": 1,
     "floats": [{"name": "age", "origin": 0.0}, {"name": "price", "origin": null}],
     "categories": ["city"],
     "answer": "probability",
     "output": "probs"}

A row of the model is the floats, then the categories, each in the order of its list. Raw inputs are those of
``signature.json`` (int64, float32 or string ``[rows]``):

- a float with ``origin`` null is a float32 input as it is (NaN is missing); with a number it is an int64
  input ``x`` (integers, booleans, dates in days, timestamps in microseconds) and becomes
  ``float32(float64(x) - origin)``, and NaN where ``x`` is ``MISSING_INT``; then infinities are cut to the
  largest float32;
- a category is text, in UTF-8: a string input as it is (``''`` is missing); an int64 input in decimal digits,
  ``MISSING_INT`` becoming ``''``.

``answer`` says what CatBoost's raw sums become: ``probability`` (of label 1: the logistic function of the
sum), ``probabilities`` (softmax over the classes, in the order of the signature) or ``value`` (the sum
itself). The only output is float32 ``[rows]``, or ``[rows, classes]``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import catboost
import numpy as np
import numpy.typing as npt

from sqlrec.errors import StateError
from sqlrec.features.plain import Raw, float_column, text_column

if TYPE_CHECKING:
    from sqlrec.models.tabular.native import NativeEncoder

FORMAT = 1
MODEL_FILE, MAPPING_FILE = "model.cbm", "catboost.json"


class Answer(StrEnum):
    """What the model's raw sums become."""

    PROBABILITY = "probability"
    PROBABILITIES = "probabilities"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class FloatColumn:
    """A raw input that is a number to the model; ``origin`` is None for a float32 input."""

    name: str
    origin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """The contents of ``catboost.json``."""

    floats: tuple[FloatColumn, ...]
    categories: tuple[str, ...]
    answer: Answer
    output: str

    def dumps(self) -> bytes:
        """The file's bytes."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False)
        return f"{text}\n".encode()

    @classmethod
    def of(cls, encoder: NativeEncoder, answer: Answer, output: str) -> Mapped:
        """What a fitted encoder makes of raw columns."""
        return cls(
            floats=tuple(FloatColumn(n.config.name, n.numeric.origin) for n in encoder.encoder.numbers),
            categories=tuple(c.config.name for c in encoder.encoder.categories),
            answer=answer,
            output=output,
        )


@dataclass(frozen=True, slots=True)
class RawModel:
    """A ``.cbm`` file that takes raw inputs, with the one method of an ONNX session that exports use."""

    model: catboost.CatBoost
    mapped: Mapped

    def run(self, names: object, inputs: Mapping[str, Raw]) -> list[npt.NDArray[np.float32]]:
        """The outputs for raw inputs; ``names`` is not looked at, there is one output."""
        floats = [float_column(inputs[column.name], column.origin) for column in self.mapped.floats]
        texts = [
            np.array([text.encode() for text in text_column(inputs[name]).tolist()], object)
            for name in self.mapped.categories
        ]
        return [answers(self.model, pool(floats, texts), self.mapped.answer)]


def opened(content: bytes) -> catboost.CatBoost:
    """The model of a ``.cbm`` file; ``catboost.CatBoostError`` for a damaged one."""
    model = catboost.CatBoost()
    model.load_model(blob=content)
    return model


def open_export(folder: Path, file: str) -> RawModel:
    """The model of an export; raises ``StateError`` SR521 when its files are damaged."""
    try:
        data = json.loads((folder / MAPPING_FILE).read_text(encoding="utf-8"))
        mapped = Mapped(
            floats=tuple(FloatColumn(**column) for column in data["floats"]),
            categories=tuple(data["categories"]),
            answer=Answer(data["answer"]),
            output=data["output"],
        )
        return RawModel(opened((folder / file).read_bytes()), mapped)
    except (OSError, KeyError, TypeError, ValueError, catboost.CatBoostError) as error:
        raise StateError(
            "SR521", f"{folder} holds no readable model: {error}", hint="export the model again"
        ) from error


def pool(floats: Sequence[Raw], texts: Sequence[Raw], **more: Any) -> catboost.Pool:
    """Rows for CatBoost: float32 columns, then columns of bytes; ``more`` goes to the pool."""
    data = catboost.FeaturesData(
        num_feature_data=np.ascontiguousarray(np.stack(floats, axis=1)) if floats else None,
        cat_feature_data=np.ascontiguousarray(np.stack(texts, axis=1)) if texts else None,
    )
    return catboost.Pool(data, **more)


def answers(model: catboost.CatBoost, rows: catboost.Pool, answer: Answer) -> npt.NDArray[np.float32]:
    """Outputs float32 ``[rows]`` or ``[rows, classes]``."""
    if answer is Answer.VALUE:
        return np.asarray(model.predict(rows, prediction_type="RawFormulaVal", thread_count=1), np.float32)
    found = np.asarray(model.predict(rows, prediction_type="Probability", thread_count=1), np.float32)
    return np.ascontiguousarray(found[:, 1] if answer is Answer.PROBABILITY else found)
