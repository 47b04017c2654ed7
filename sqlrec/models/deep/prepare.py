"""Everything a training starts from, made on the root process: encoded rows, weights, optimiser state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlrec.data.engine import Engine
from sqlrec.errors import OptionError
from sqlrec.features.encoder import Encoder, fit
from sqlrec.models.controller import Progress
from sqlrec.models.cores import free_cores
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.dataset import encode, feature_configs
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.goal import goal_of
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.resume import extended_encoder, require_same_shape, row_origin
from sqlrec.models.deep.rows import Rows, split
from sqlrec.models.deep.training_options import Training
from sqlrec.models.tables.roles import roles_of
from sqlrec.models.tables.source import Source, read, require_different_labels
from sqlrec.spec.job import TrainWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The start of a training. ``validation`` is None when nothing is held out; ``adam`` when new."""

    encoder: Encoder
    network: Network
    rows: Rows
    validation: Rows | None
    adam: dict[str, Any] | None


def prepare(work: TrainWork, shape: Architecture, training: Training, progress: Progress) -> Prepared:
    """Read, check and encode the rows, and make or load the weights.

    Raises the errors of :func:`~sqlrec.models.tables.source.read` and of the encoder, ``DataError``
    SR452 for labels of one class and ``OptionError`` SR456 for early stopping without validation rows.
    """
    if training.early_stopping_patience and work.validation is None and not training.validation_fraction:
        raise OptionError(
            "SR456",
            "early_stopping_patience needs validation rows",
            hint="set validation_fraction, or name a table with VALIDATE ON",
        )
    threads = min(training.num_workers, free_cores())
    with Engine() as engine:
        progress("reading the training table")
        roles, name = roles_of(work.model, work.options), str(work.model.name)
        objective = deep_model(work.model.type).objective
        source = read(work.data, roles, name, engine, objective=objective)
        require_different_labels(source, objective)
        held_out = (
            read(work.validation, roles, name, engine, objective=objective) if work.validation else None
        )
    progress(f"encoding {len(source):,} rows of {source.name}")
    encoder, network, adam = _start(work, shape, training, source)
    network = replace(network, goal=network.goal.started(work, encoder))
    rows = encode(encoder, source, threads)
    if held_out is not None:
        validation: Rows | None = encode(encoder, held_out, threads)
    elif training.validation_fraction:
        kept, held = split(rows.labels[:, 0], training.validation_fraction, training.seed)
        validation = rows.take(held) if len(held) else None
        rows = rows.take(kept)
    else:
        validation = None
    return Prepared(encoder=encoder, network=network, rows=rows, validation=validation, adam=adam)


def _start(
    work: TrainWork, shape: Architecture, training: Training, source: Source
) -> tuple[Encoder, Network, dict[str, Any] | None]:
    configs = feature_configs(work.model, shape)
    if work.base_uri:
        base = checkpoint.load(Path(work.base_uri))
        require_same_shape(base, work.model, configs)
        grown = extended_encoder(base.encoder, source.table, configs)
        table = base.network.table.extended(*row_origin(base.encoder, grown))
        return grown, replace(base.network, table=table), base.adam
    encoder = fit(source.table, configs)
    layout = layout_of(encoder, work.model)
    head = new_head(work.model, layout, training.seed)
    table = EmbeddingTable.new(encoder.table_rows, layout.row_width, training.seed)
    return encoder, Network(table, head, goal_of(work.model)), None
