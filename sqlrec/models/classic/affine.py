"""Estimators that answer with a function of ``matrix @ coef + intercept``: linear models and projections.

Everything is computed in float64 and rounded to float32 at the end, here and in the exported graph, so
that both agree whatever the order of their sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto

from sqlrec.features.builder import GraphBuilder
from sqlrec.models.classic.arrays import Arrays, load_arrays, save_arrays
from sqlrec.models.classic.graphs import builder, model
from sqlrec.models.tabular.estimator import MATRIX, Floats

Doubles = npt.NDArray[np.float64]

BLOCK_ROWS = 65_536
"""Rows that are in memory as float64 at once."""


class Answer(StrEnum):
    """What is made of the sums: itself, one or several; a probability; probabilities of classes."""

    NUMBER = "number"
    VECTOR = "vector"
    PROBABILITY = "probability"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine:
    """``coef`` float64 ``[width, sums]``, ``intercept`` ``[sums]``; training goes on from ``state``."""

    coef: Doubles
    intercept: Doubles
    answer: Answer
    state: Arrays = field(default_factory=dict)

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """One output: float32 ``[rows]``, or ``[rows, sums]`` of several sums."""
        starts = range(0, max(len(matrix), 1), BLOCK_ROWS)
        return (np.concatenate([self._answers(matrix[start : start + BLOCK_ROWS]) for start in starts]),)

    def _answers(self, matrix: Floats) -> npt.NDArray[Any]:
        sums: Doubles = matrix.astype(np.float64) @ self.coef + self.intercept
        match self.answer:
            case Answer.NUMBER:
                return sums[:, 0].astype(np.float32)
            case Answer.VECTOR:
                return sums.astype(np.float32)
            case Answer.PROBABILITY:
                return np.exp(-np.logaddexp(0, -sums[:, 0])).astype(np.float32)
            case Answer.PROBABILITIES:
                weights: Doubles = np.exp(sums - sums.max(axis=1, keepdims=True))
                weights /= weights.sum(axis=1, keepdims=True)
                return weights.astype(np.float32)
            case _:
                assert_never(self.answer)

    def save(self, folder: Path) -> None:
        """Write ``estimator.npz``."""
        own = {"coef": self.coef, "intercept": self.intercept, "answer": np.array(str(self.answer))}
        save_arrays(folder, {**own, **self.state})

    @classmethod
    def load(cls, folder: Path, *state: str) -> Affine:
        """The saved estimator, with the arrays ``state``; raises ``StateError`` SR521."""
        arrays = load_arrays(folder, "coef", "intercept", "answer", *state)
        return cls(
            coef=arrays["coef"],
            intercept=arrays["intercept"],
            answer=Answer(str(arrays["answer"])),
            state={name: arrays[name] for name in state},
        )

    def graph(self, outputs: tuple[str, ...]) -> ModelProto:
        """The same in ONNX."""
        build = builder()
        exact = build.op("Cast", "exact", [MATRIX], to=TensorProto.DOUBLE)
        product = build.op("MatMul", "product", [exact, build.constant("coef", self.coef)])
        sums = build.op("Add", "sums", [product, build.constant("intercept", self.intercept)])
        sums = self._linked(build, sums)
        several = self.answer in (Answer.VECTOR, Answer.PROBABILITIES)
        if not several:
            axis = build.constant("axis", np.array([1], np.int64))
            sums = build.op("Squeeze", "flat", [sums, axis])
        build.result("Cast", outputs[0], [sums], to=TensorProto.FLOAT)
        shape = [self.coef.shape[1]] if several else []
        return model(build, [(outputs[0], TensorProto.FLOAT, shape)], len(self.coef))

    def _linked(self, build: GraphBuilder, sums: str) -> str:
        match self.answer:
            case Answer.NUMBER | Answer.VECTOR:
                return sums
            case Answer.PROBABILITY:
                return build.op("Sigmoid", "probability", [sums])
            case Answer.PROBABILITIES:
                return build.op("Softmax", "probabilities", [sums], axis=1)
            case _:
                assert_never(self.answer)

    def importance(self) -> Mapping[int, float]:
        """Mean size of a column's coefficients, which are comparable since columns are standardised."""
        if self.answer is Answer.VECTOR:
            return {}
        return dict(enumerate(np.abs(self.coef).mean(axis=1).tolist()))
