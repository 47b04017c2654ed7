"""The one thing that differs between tabular models: how a matrix is learned from and answered for.

The programs (:mod:`sqlrec.models.tabular.train` and its neighbours) read tables, encode them, measure and
write; a :class:`Learner` is named by the light controller as a dotted path and imported inside a job only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.features.matrix import Encoding
from sqlrec.models.controller import Progress
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.native import NativeEncoder
from sqlrec.spec.job import CurvePoint
from sqlrec.spec.options import Parsed

Floats = npt.NDArray[np.float32]
MATRIX = "matrix"
"""Name of the only input of :meth:`Estimator.graph`: float32 ``[batch, width]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Encoded rows. ``labels`` float32 ``[rows]``, class codes for MULTICLASS, empty without a label.

    ``weights`` float32 ``[rows]``; ``groups`` int64 ``[rows]``, the rows of a group side by side (RANKING).
    """

    matrix: Floats
    labels: Floats
    weights: Floats | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """All that a learner is given.

    ``names`` name the columns of the matrix; ``categorical`` are the positions of those that are to be
    treated as categories. ``texts`` are, by position, the texts of codes 1 and up of a native encoder.
    ``base`` is the folder of the checkpoint to continue from (``Learner.load`` reads it). ``classes`` is
    the number of classes for MULTICLASS. ``options`` are the effective ones, by canonical key. Class weights
    are in the weights of ``train`` already.
    """

    objective: Objective
    names: tuple[str, ...]
    categorical: tuple[int, ...]
    train: Examples
    validation: Examples | None
    classes: int
    options: Mapping[str, Parsed]
    threads: int
    base: Path | None
    progress: Progress
    texts: Mapping[int, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a learner made: the estimator, its curves, and facts for the checkpoint's parameters.

    ``passes`` is how often it went over the rows, which its speed is told by.
    """

    estimator: Estimator
    passes: int = 1
    curves: tuple[CurvePoint, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Estimator(Protocol):
    """A trained model over a matrix."""

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """Outputs by output column: ``[rows]`` or ``[rows, width]`` each."""

    def save(self, folder: Path) -> None:
        """Write the estimator's own files into an existing folder; the same estimator, the same bytes."""

    def graph(self, outputs: tuple[str, ...]) -> ModelProto | None:
        """ONNX from :data:`MATRIX` to ``outputs``, with ``ai.onnx`` 20 and any ``ai.onnx.ml``.

        None for an estimator that is exported as a file of its own (:class:`NativeEstimator`).
        """

    def importance(self) -> Mapping[int, float]:
        """Importance of matrix columns by position, non-negative; empty when the model has no such notion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFile:
    """A model file that is no ONNX: its bytes, suffix and opener, and files to be written beside it.

    ``opener`` gives what answers raw inputs as a session of ONNX Runtime does.
    """

    content: bytes
    suffix: str
    opener: Callable[[bytes], Any]
    files: Mapping[str, bytes]


class NativeEstimator(Protocol):
    """An estimator without a graph."""

    def file(self, encoder: NativeEncoder, output: str) -> NativeFile:
        """The model from raw columns to the one output."""


class Learner(Protocol):
    """Trains and reads estimators of one model type."""

    @property
    def encoding(self) -> Encoding | None:
        """The matrix it wants; None for numbers and whole texts (:mod:`sqlrec.models.tabular.native`)."""

    def fit(self, lesson: Lesson) -> Learned:
        """Train. Raises ``DataError`` for rows it cannot learn from, ``OptionError`` for options at odds."""

    def load(self, folder: Path) -> Estimator:
        """The estimator that :meth:`Estimator.save` wrote; ``StateError`` SR521 for a damaged one."""
