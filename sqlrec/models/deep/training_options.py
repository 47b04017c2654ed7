"""Options of TRAIN MODEL for the ``tzrec.*`` types, and their typed values.

Names and defaults of the first group are those that SQLRec scripts rely on, the others are ours. A default
lives here and nowhere else: controllers, jobs and the reference all read it from the declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlrec.models.deep.schedule import Curve
from sqlrec.models.pods import JOB
from sqlrec.models.tables.roles import weight_option
from sqlrec.spec.options import Option, OptionKind, OptionSet, Parsed, Scope

TRAIN = frozenset({Scope.MODEL, Scope.TRAIN})
MAX_SEED = 2**31 - 1
BALANCED = "balanced"


class Sharding(StrEnum):
    """How embedding rows are divided among processes; the names are TorchRec's."""

    NONE = "none"
    ROW_WISE = "row_wise"
    TABLE_WISE = "table_wise"


_LOOP = (
    Option(
        key="sparse_lr",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.001,
        minimum=0,
        doc="Learning rate of the embeddings (row-wise Adagrad).",
    ),
    Option(
        key="dense_lr",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.001,
        minimum=0,
        doc="Learning rate of the dense layers (Adam).",
    ),
    Option(
        key="num_epochs",
        kind=OptionKind.INT,
        scopes=TRAIN,
        default=1,
        minimum=1,
        doc="Passes over the training rows.",
    ),
    Option(
        key="mixed_precision",
        kind=OptionKind.STRING,
        scopes=TRAIN,
        choices=("BF16", "FP16", "AUTO"),
        doc="Reduced precision of the dense layers in training, where the CPU has it; AUTO: BF16 where the "
        "CPU has it; unset: FP32.",
    ),
    Option(
        key="batch_size",
        kind=OptionKind.INT,
        scopes=TRAIN | JOB,
        default=8192,
        minimum=1,
        doc="Rows of one optimiser step, over all processes of the job.",
    ),
    Option(
        key="num_workers",
        kind=OptionKind.INT,
        scopes=TRAIN | JOB,
        default=8,
        minimum=1,
        doc="Threads that encode rows, at most one a free core.",
    ),
    Option(
        key="num_threads",
        kind=OptionKind.INT,
        scopes=TRAIN | JOB,
        default=0,
        minimum=0,
        doc="Threads of each process; 0: the cores that are free when the job starts.",
    ),
    Option(
        key="data_memory_mb",
        kind=OptionKind.INT,
        scopes=TRAIN | JOB,
        default=0,
        minimum=0,
        doc="Megabytes of memory for training rows, which are kept on local disk when they are more; 0: half "
        "of the memory that the job may use.",
    ),
    Option(
        key="seed",
        kind=OptionKind.INT,
        scopes=TRAIN,
        default=0,
        minimum=0,
        maximum=MAX_SEED,
        doc="Seed of initial weights, row order and validation split.",
    ),
)

_SHARDING = (
    Option(
        key="embedding_sharding",
        kind=OptionKind.STRING,
        scopes=TRAIN,
        default=Sharding.NONE.value,
        choices=tuple(Sharding),
        doc="How the processes of a job divide the embedding rows: those of each column evenly, "
        "or whole columns; none: each process holds all rows. Dividing needs TorchRec (see SR576).",
    ),
)

_OPTIMISER = (
    Option(
        key="lr_schedule",
        kind=OptionKind.STRING,
        scopes=TRAIN,
        default=Curve.CONSTANT.value,
        choices=tuple(Curve),
        doc="How both learning rates go down: evenly, along a cosine, or by lr_decay each epoch.",
    ),
    Option(
        key="warmup_steps",
        kind=OptionKind.INT,
        scopes=TRAIN,
        default=0,
        minimum=0,
        doc="Optimiser steps in which the learning rates rise to their full value; 0: warmup_ratio says.",
    ),
    Option(
        key="warmup_ratio",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.0,
        minimum=0,
        maximum=1,
        doc="Share of all optimiser steps in which the learning rates rise to their full value.",
    ),
    Option(
        key="final_lr_ratio",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.0,
        minimum=0,
        maximum=1,
        doc="Share of the learning rates that lr_schedule ends with.",
    ),
    Option(
        key="lr_decay",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.5,
        minimum=0,
        maximum=1,
        doc="Factor of the learning rates after each epoch when lr_schedule is 'step'.",
    ),
    Option(
        key="max_grad_norm",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.0,
        minimum=0,
        doc="Longest gradient of a step, embeddings and dense layers together; longer ones are scaled down. "
        "0: any.",
    ),
    Option(
        key="dense_weight_decay",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.0,
        minimum=0,
        doc="Share of each dense weight, times the learning rate, that a step takes away (AdamW).",
    ),
    Option(
        key="sparse_weight_decay",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.0,
        minimum=0,
        doc="The same for the embeddings of the values that occur in the step.",
    ),
)

_ROWS = (
    weight_option(),
    Option(
        key="positive_weight",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=1.0,
        minimum=1e-6,
        maximum=1e6,
        doc="Weight of rows with label 1 in the loss; measurements are not weighted.",
    ),
    Option(
        key="class_weights",
        kind=OptionKind.STRING,
        scopes=TRAIN,
        choices=(BALANCED,),
        doc="'balanced': both labels count the same in the loss, however rare one is.",
    ),
    Option(
        key="validation_fraction",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=0.1,
        minimum=0,
        maximum=0.9,
        doc="Share of the rows held out to measure the model, unless VALIDATE ON names a table.",
    ),
)

_MEASURING = (
    Option(
        key="early_stopping_patience",
        kind=OptionKind.INT,
        scopes=TRAIN,
        default=0,
        minimum=0,
        doc="Stop after this many measurements without a better one, and keep the best; 0: never.",
    ),
    Option(
        key="eval_steps",
        kind=OptionKind.INT,
        scopes=TRAIN,
        default=0,
        minimum=0,
        doc="Measure after every so many optimiser steps instead of every epoch; 0: every epoch.",
    ),
    Option(
        key="feature_importance",
        kind=OptionKind.BOOLEAN,
        scopes=TRAIN,
        default=True,
        doc="Measure at the end what each column is worth: how much worse the model is when it is shuffled.",
    ),
    Option(
        key="checkpoint_minutes",
        kind=OptionKind.DOUBLE,
        scopes=TRAIN,
        default=5.0,
        minimum=0,
        doc="Minutes between the states that a killed job goes on from when it is started again; 0: none.",
    ),
    Option(
        key="checkpoint_steps",
        kind=OptionKind.INT,
        scopes=TRAIN,
        default=0,
        minimum=0,
        doc="Optimiser steps between such states, besides those by time; 0: by time only.",
    ),
)


def training_options() -> tuple[Option, ...]:
    """All options of TRAIN MODEL."""
    return (*_LOOP, *_SHARDING, *_OPTIMISER, *_ROWS, *_MEASURING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a model is trained: the effective options of one TRAIN MODEL, by their names."""

    sparse_lr: float
    dense_lr: float
    num_epochs: int
    mixed_precision: str
    batch_size: int
    num_workers: int
    num_threads: int
    data_memory_mb: int
    seed: int
    embedding_sharding: Sharding
    lr_schedule: Curve
    warmup_steps: int
    warmup_ratio: float
    final_lr_ratio: float
    lr_decay: float
    max_grad_norm: float
    dense_weight_decay: float
    sparse_weight_decay: float
    positive_weight: float
    class_weights: str
    validation_fraction: float
    early_stopping_patience: int
    eval_steps: int
    feature_importance: bool
    checkpoint_minutes: float
    checkpoint_steps: int

    @classmethod
    def read(cls, declared: OptionSet, effective: Mapping[str, Parsed]) -> Training:
        """From effective options (canonical keys); what is not given takes its declared default."""
        values = {k: e.value for k, e in declared.effective(Scope.TRAIN).items()} | dict(effective)
        typed: dict[str, Any] = {field.name: values[field.name] for field in fields(cls)}
        return cls(
            **{
                **typed,
                "mixed_precision": str(typed["mixed_precision"] or "").upper(),
                "embedding_sharding": Sharding(str(typed["embedding_sharding"]).lower()),
                "lr_schedule": Curve(str(typed["lr_schedule"]).lower()),
                "class_weights": str(typed["class_weights"] or "").lower(),
            }
        )
