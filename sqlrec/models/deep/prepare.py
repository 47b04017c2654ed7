"""Everything a training starts from, made on the root process: encoded rows, weights, optimiser state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from sqlrec.artifacts.cache import local_copy
from sqlrec.data.engine import Engine
from sqlrec.errors import OptionError
from sqlrec.features.blocks import Blocks
from sqlrec.features.encoder import Encoder, fit
from sqlrec.models.controller import Progress
from sqlrec.models.cores import free_cores
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.beginning import Beginning, Fresh, Grown
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.encoding import Coding, feature_configs
from sqlrec.models.deep.examples import Examples, read_examples, require_learnable
from sqlrec.models.deep.goal import Goal, goal_of
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.placing import Budget, Placed, measured_on, place
from sqlrec.models.deep.resume import extended_encoder, require_same_shape, row_origin
from sqlrec.models.deep.training_options import Training
from sqlrec.models.tables.roles import Roles, roles_of
from sqlrec.spec.job import TrainWork
from sqlrec.spec.table import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The start of a training; ``adam`` is None when the weights are new."""

    encoder: Encoder
    table: Beginning
    head: nn.Module
    goal: Goal
    placed: Placed
    adam: dict[str, Any] | None


def prepare(work: TrainWork, shape: Architecture, training: Training, progress: Progress) -> Prepared:
    """Read, check and encode the rows, and make or load the weights.

    Raises the errors of :func:`~sqlrec.models.deep.examples.read_examples` and of the encoder, ``DataError``
    SR452 for labels of one class and ``OptionError`` SR456 for early stopping without validation rows.
    """
    if training.early_stopping_patience and work.validation is None and not training.validation_fraction:
        raise OptionError(
            "SR456",
            "early_stopping_patience needs validation rows",
            hint="set validation_fraction, or name a table with VALIDATE ON",
        )
    budget, threads = Budget.of(training.data_memory_mb), min(training.num_workers, free_cores())
    progress("reading the training table")
    examples, held_out = _read(work, budget, threads)
    progress(f"encoding {len(examples):,} rows of {examples.example.name}")
    encoder, table, head, adam = _start(work, shape, training, examples.rows)
    goal = goal_of(work.model).started(work, encoder)
    coding = Coding.of(encoder, examples.example, threads)
    fraction = 0.0 if held_out is not None else training.validation_fraction
    placed = place(examples, coding, budget, fraction, training.seed)
    if held_out is not None:
        placed = replace(
            placed, validation=measured_on(held_out, Coding.of(encoder, held_out.example, threads), budget)
        )
    return Prepared(encoder=encoder, table=table, head=head, goal=goal, placed=placed, adam=adam)


def _read(work: TrainWork, budget: Budget, threads: int) -> tuple[Examples, Examples | None]:
    """The rows to learn from, and those of VALIDATE ON."""
    roles, objective = roles_of(work.model, work.options), deep_model(work.model.type).objective

    def examples(relation: Relation, roles: Roles) -> Examples:
        name = str(work.model.name)
        return read_examples(relation, roles, name, engine, objective=objective, limit=budget.table)

    with Engine(threads=threads, memory=budget.engine) as engine:
        found = examples(work.data, roles)
        require_learnable(found)
        unweighted = replace(roles, weight="")
        return found, examples(work.validation, unweighted) if work.validation else None


def _start(
    work: TrainWork, shape: Architecture, training: Training, rows: Blocks
) -> tuple[Encoder, Beginning, nn.Module, dict[str, Any] | None]:
    configs = feature_configs(work.model, shape)
    if work.base_uri:
        base = checkpoint.load(local_copy(work.base_uri), mapped=True)
        require_same_shape(base, work.model, configs)
        grown = extended_encoder(base.encoder, rows, configs)
        table = EmbeddingTable(base.table, base.accumulator)
        return grown, Grown(table, *row_origin(base.encoder, grown)), base.head, base.adam
    encoder = fit(rows, configs)
    layout = layout_of(encoder, work.model)
    head = new_head(work.model, layout, training.seed)
    return encoder, Fresh(encoder.table_rows, layout.row_width, training.seed), head, None
