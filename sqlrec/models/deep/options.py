"""Options of the ``tzrec.*`` model types, and their typed values.

The names and defaults are those that SQLRec scripts rely on; the options below the line in
:func:`tzrec_options` are ours. A default lives here and nowhere else: controllers, jobs and the
reference all read it from the declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from sqlrec.models.deep.training_options import training_options
from sqlrec.models.described import common_options
from sqlrec.models.exporting.options import VARIANTS, variant_options
from sqlrec.models.measuring.measures import EVALUATE, measure_options
from sqlrec.models.objective import Objective
from sqlrec.models.pods import pod_options, topology_options
from sqlrec.spec.options import (
    Option,
    OptionKind,
    OptionSet,
    OptionValue,
    Scope,
    canonical_key,
)
from sqlrec.spec.signature import AUTO

ValueT = TypeVar("ValueT")

MODEL = frozenset({Scope.MODEL})
MAX_BUCKETS = 2**31 - 1
MAX_DIM = 1024
MAX_ARRAY = 10_000

SQLREC, TZREC = "sqlrec", "tzrec"

TRAINER = Option(
    key="trainer",
    kind=OptionKind.STRING,
    scopes=MODEL | {Scope.TRAIN, Scope.EXPORT},
    default=SQLREC,
    choices=(SQLREC, TZREC),
    doc="Who trains and exports: sqlrec itself, or TorchEasyRec's package tzrec, which the image must have.",
)

CONFIG = Option(
    key="pipeline_config",
    kind=OptionKind.STRING,
    scopes=frozenset({Scope.TRAIN, Scope.EXPORT}),
    doc="File in the form of TorchEasyRec's pipeline.config, a path that the job can read: what it says of "
    "layers, embeddings, rates, epochs and batches counts instead of the script.",
)

EMBEDDING = 16
"""Default width of an embedding."""

COLUMN = "column."
BUCKET_SIZE = ".bucket_size"
EMBEDDING_DIM = ".embedding_dim"
SHARED_WITH = ".shared_with"
TARGET = ".target"
HISTORY = ".history"
THE_HISTORY = "history"
"""The history of array columns with a target that name none."""


VARIANT = Option(
    key="variant",
    kind=OptionKind.STRING,
    scopes=EVALUATE | {Scope.SERVICE},
    default="fp32",
    choices=(*VARIANTS, AUTO),
    doc="Which file of an exported model is used; auto: int8 if the export kept it, else fp32.",
)


def tzrec_options(*own: Option, objective: Objective = Objective.BINARY) -> OptionSet:
    """The options that all ``tzrec.*`` types share, and those of one type (``own``)."""
    return OptionSet(
        (
            *_model_options(objective),
            *common_options(),
            *own,
            TRAINER,
            CONFIG,
            *training_options(),
            *measure_options(objective),
            VARIANT,
            *variant_options(),
            *topology_options(),
            *pod_options(image="sqlrec/tzrec"),
        )
    )


def hidden_units(key: str, what: str, default: tuple[int, ...] = (512, 256, 128)) -> Option:
    """The option that lists the widths of a stack of dense layers, such as ``hidden_units``."""
    return Option(
        key=key,
        kind=OptionKind.INT_LIST,
        scopes=MODEL,
        default=default,
        minimum=1,
        maximum=65536,
        doc=f"Widths of the dense layers of {what}, first to last.",
    )


_LABELS = {
    Objective.RETRIEVAL: "Label column of the training table: 1 where the user took the item, or BOOLEAN. Of "
    "a row with 0 only the item counts, as one to choose from; unset: all rows have 1."
}


def _model_options(objective: Objective) -> tuple[Option, ...]:
    integer = OptionKind.INT
    return (
        Option(key="model", kind=OptionKind.STRING, scopes=MODEL, required=True, doc="Model type."),
        Option(
            key="label_columns",
            kind=OptionKind.STRING_LIST,
            scopes=MODEL,
            required=objective is not Objective.RETRIEVAL,
            doc=_LABELS.get(
                objective,
                "Label column of the training table: 0 or 1, or BOOLEAN; tzrec.mmoe learns several.",
            ),
        ),
        Option(
            key="embedding_dim",
            kind=integer,
            scopes=MODEL,
            default=EMBEDDING,
            minimum=1,
            maximum=MAX_DIM,
            doc="Width of the embedding of each column.",
        ),
        Option(
            key="num_buckets",
            kind=integer,
            scopes=MODEL,
            default=1_000_000,
            minimum=1,
            maximum=MAX_BUCKETS,
            doc="Most embedding rows of one column.",
        ),
        Option(
            key="max_array_length",
            kind=integer,
            scopes=MODEL,
            default=100,
            minimum=1,
            maximum=MAX_ARRAY,
            doc="Elements used of an ARRAY of integers or strings, from its beginning.",
        ),
        Option(
            key=COLUMN + "{f}" + BUCKET_SIZE,
            kind=integer,
            scopes=MODEL,
            minimum=1,
            maximum=MAX_BUCKETS,
            doc="num_buckets of one column.",
        ),
        Option(
            key=COLUMN + "{f}" + EMBEDDING_DIM,
            kind=integer,
            scopes=MODEL,
            minimum=1,
            maximum=MAX_DIM,
            doc="embedding_dim of one column.",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Shape of a model: what CREATE MODEL fixed. Per-column maps are keyed by folded column name.

    ``owners`` are the columns (folded) whose embedding another uses, ``histories`` the names of the histories
    of array columns that are not pooled.
    """

    embedding_dim: int
    num_buckets: int
    max_array_length: int
    embedding_dims: Mapping[str, int]
    bucket_sizes: Mapping[str, int]
    owners: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, declared: OptionSet, written: Mapping[str, OptionValue]) -> Architecture:
        """From the options of a model; raises ``OptionError`` for a value that does not parse."""
        values = {k: e.value for k, e in declared.effective(Scope.MODEL, model=written).items()}
        targets, names = per_column(values, TARGET), per_column(values, HISTORY)
        owners = {**per_column(values, SHARED_WITH), **targets}
        return cls(
            embedding_dim=cast(int, values["embedding_dim"]),
            num_buckets=cast(int, values["num_buckets"]),
            max_array_length=cast(int, values["max_array_length"]),
            embedding_dims={c: cast(int, value) for c, value in per_column(values, EMBEDDING_DIM).items()},
            bucket_sizes={c: cast(int, value) for c, value in per_column(values, BUCKET_SIZE).items()},
            owners={column: canonical_key(str(owner)) for column, owner in owners.items()},
            histories={column: str(names.get(column, THE_HISTORY)) for column in targets},
        )


def column_of(key: str) -> str:
    """Folded column name in a ``column.{f}.…`` key, or an empty string for any other key."""
    folded = canonical_key(key)
    for suffix in (BUCKET_SIZE, EMBEDDING_DIM, SHARED_WITH, TARGET, HISTORY):
        if folded.startswith(COLUMN) and folded.endswith(suffix):
            return folded[len(COLUMN) : -len(suffix)]
    return ""


def per_column(values: Mapping[str, ValueT], suffix: str) -> dict[str, ValueT]:
    """Values of the ``column.{f}…`` options that end with ``suffix``, by folded column name."""
    return {
        column_of(key): value
        for key, value in values.items()
        if column_of(key) and canonical_key(key).endswith(suffix)
    }
