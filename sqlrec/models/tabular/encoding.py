"""How a table becomes the matrix of a learner: which columns are read by name, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlrec.features.encoder import Encoder
from sqlrec.features.matrix import Encoding, MatrixEncoder, fit_matrix, matrix_configs
from sqlrec.models.tabular.kind import AUTO, NONE, named_categories
from sqlrec.models.tabular.native import NATIVE, NativeEncoder
from sqlrec.spec.options import Parsed
from sqlrec.spec.schema import Schema
from sqlrec.spec.signature import InputColumn

MAX_CATEGORIES = 1_000_000


class TableEncoder(Protocol):
    """A fitted way from raw columns to a matrix; see :class:`~sqlrec.features.matrix.MatrixEncoder`."""

    @property
    def encoder(self) -> Encoder:
        """The fitted features."""

    @property
    def inputs(self) -> tuple[InputColumn, ...]:
        """Raw columns, in declared order."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The raw column that each matrix column comes from."""

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold codes."""

    def transform(self, table: pa.Table | pa.RecordBatch) -> npt.NDArray[np.float32]:
        """The matrix ``[rows, width]``."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""


def fit_encoder(
    table: pa.Table, features: Schema, encoding: Encoding | None, options: Mapping[str, Parsed]
) -> TableEncoder:
    """Fit the encoder of a learner on a training table; ``encoding`` is the learner's.

    Raises the errors of :func:`sqlrec.features.matrix.fit_matrix`.
    """
    configs = matrix_configs(
        features, named_categories(options), int(str(options.get("max_categories") or MAX_CATEGORIES))
    )
    return NativeEncoder.fit(table, configs) if encoding is None else fit_matrix(table, configs, encoding)


def encoder_from_json(data: Mapping[str, Any]) -> TableEncoder:
    """The encoder that ``to_json`` described; ``DataError`` SR445 when the data is something else."""
    return NativeEncoder.from_json(data) if data.get("encoding") == NATIVE else MatrixEncoder.from_json(data)


def categorical_columns(encoder: TableEncoder, options: Mapping[str, Parsed]) -> tuple[int, ...]:
    """Matrix columns that a learner shall treat as categories, by ``categorical_features``.

    ``none``: none of them, so that codes are numbers like any others; ``auto``: all that hold codes.
    """
    text = str(options.get("categorical_features") or NONE).strip().casefold()
    if text == NONE:
        return ()
    if text == AUTO:
        return encoder.categorical
    wanted = {name.casefold() for name in named_categories(options)}
    return tuple(i for i in encoder.categorical if encoder.sources[i].casefold() in wanted)
