"""A whole ``pipeline.config``: what a training or export is, in TorchEasyRec's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from sqlrec.models.controller import Problem
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.pipeline.architectures import Values, model_config
from sqlrec.models.deep.pipeline.columns import Column, columns_of
from sqlrec.models.deep.pipeline.text import Message, Name, message, write
from sqlrec.models.deep.pipeline.unsaid import problems
from sqlrec.models.objective import Objective
from sqlrec.models.tables.roles import Roles, roles_of
from sqlrec.spec.job import ExportWork, TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed, Scope

if TYPE_CHECKING:
    from sqlrec.models.deep.controller import DeepModel

FILE = "pipeline.config"
MODEL_DIR = "tzrec"
"""Folder of a checkpoint with what TorchEasyRec calls its model_dir."""
EVERY_ROW = "sqlrec_label"
"""A column of ones, for models without a label column."""
NOTHING: Mapping[str, Parsed] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where TorchEasyRec reads and writes: patterns of parquet files, and folders."""

    train: str
    evaluation: str
    model: str
    base: str = ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a file is about: a model, and the effective options of a statement (canonical keys).

    What follows from them is computed once, for models of thousands of columns; so it has no slots.
    """

    kind: DeepModel
    model: ModelSpec
    scope: Scope
    options: Mapping[str, Parsed]

    @classmethod
    def of(cls, work: TrainWork | ExportWork, kind: DeepModel) -> Subject:
        """The subject of a job."""
        scope = Scope.TRAIN if isinstance(work, TrainWork) else Scope.EXPORT
        return cls.defined(work.model, kind, work.options, scope)

    @classmethod
    def defined(
        cls,
        model: ModelSpec,
        kind: DeepModel,
        options: Mapping[str, Parsed] = NOTHING,
        scope: Scope = Scope.TRAIN,
    ) -> Subject:
        """The subject of a statement that is not run yet."""
        effective = kind.options.effective(scope, model=model.options)
        values = {key: option.value for key, option in effective.items()} | dict(options)
        return cls(kind=kind, model=model, scope=scope, options=values)

    @cached_property
    def shape(self) -> Architecture:
        """The shape that CREATE MODEL gives."""
        return Architecture.read(self.kind.options, self.model.options)

    @cached_property
    def architecture(self) -> Values:
        """Effective options of CREATE MODEL."""
        effective = self.kind.options.effective(Scope.MODEL, model=self.model.options)
        return {key: option.value for key, option in effective.items()}

    @cached_property
    def roles(self) -> Roles:
        """Features, labels and weights."""
        return roles_of(self.model, self.options)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that the table has for TorchEasyRec; two towers need one, even where every row counts."""
        is_retrieval = self.kind.objective is Objective.RETRIEVAL
        return self.roles.labels or ((EVERY_ROW,) if is_retrieval else ())

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The features."""
        return columns_of(self.model, self.roles.features, self.shape, self.kind.objective)

    @property
    def processes(self) -> int:
        """Processes of the job."""
        return cast(int, self.options["nnodes"]) * cast(int, self.options["nproc_per_node"])

    def problems(self) -> Iterator[Problem]:
        """What TorchEasyRec's schema cannot say of it."""
        return problems(self.kind, self.scope, self.options, self.architecture, self.columns)


def pipeline_config(subject: Subject, places: Places) -> Message:
    """The message; what the schema cannot say (:meth:`Subject.problems`) is not in it."""
    is_training = subject.scope is Scope.TRAIN
    return message(
        train_input_path=places.train,
        eval_input_path=places.evaluation,
        model_dir=places.model,
        train_config=_train_config(subject.options, places) if is_training else None,
        eval_config=Message(),
        export_config=Message(),
        data_config=_data_config(subject),
        feature_configs=[column.config() for column in subject.columns],
        model_config=model_config(
            subject.kind.type, subject.architecture, subject.columns, subject.roles.labels
        ),
    )


def document(subject: Subject, places: Places) -> str:
    """The text of the file; comments at its head tell what it does not say."""
    unsaid = "".join(f"# not said here: {problem.message}\n" for problem in subject.problems())
    return f"{unsaid}{write(pipeline_config(subject, places))}"


def _train_config(options: Mapping[str, Parsed], places: Places) -> Message:
    sparse, dense, decay = (
        cast(float, options[key]) for key in ("sparse_lr", "dense_lr", "dense_weight_decay")
    )
    schedule = _schedule(options)
    adam = (
        {"adamw_optimizer": message(lr=dense, weight_decay=decay)}
        if decay
        else {"adam_optimizer": message(lr=dense)}
    )
    precision, sharding = str(options["mixed_precision"] or ""), str(options["embedding_sharding"])
    return message(
        sparse_optimizer=message(adagrad_optimizer=message(lr=sparse), **schedule),
        dense_optimizer=message(**adam, **schedule),
        num_epochs=cast(int, options["num_epochs"]),
        save_checkpoints_steps=cast(int, options["checkpoint_steps"]) or None,
        fine_tune_checkpoint=places.base or None,
        global_embedding_constraints=message(sharding_types=sharding) if sharding != "none" else None,
        mixed_precision=precision if precision in ("BF16", "FP16") else None,
    )


def _schedule(options: Mapping[str, Parsed]) -> dict[str, Message]:
    if options["lr_schedule"] != "step":
        return {"constant_learning_rate": Message()}
    decay = message(decay_size=1, decay_factor=cast(float, options["lr_decay"]), by_epoch=True)
    return {"exponential_decay_learning_rate": decay}


def _data_config(subject: Subject) -> Message:
    """TorchEasyRec counts the rows that one process sees in a step, we those of all."""
    weight = subject.roles.weight if subject.scope is Scope.TRAIN else ""
    return message(
        batch_size=-(-cast(int, subject.options["batch_size"]) // subject.processes),
        dataset_type=Name("ParquetDataset"),
        fg_mode=Name("FG_NORMAL"),
        label_fields=subject.labels,
        num_workers=cast(int, subject.options["num_workers"]),
        sample_weight_fields=weight or None,
    )
