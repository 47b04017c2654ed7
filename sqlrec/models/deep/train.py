"""The training program of ``tzrec.*`` types: table in, checkpoint folder out.

The root process reads, encodes and writes; the other processes of a job get their rows and weights from
it, so all of them train on the same rows whatever the query's order.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import nn

from sqlrec.artifacts.durable import writing
from sqlrec.artifacts.folder import progress_folder
from sqlrec.models.controller import Progress
from sqlrec.models.cores import free_cores
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.beginning import Beginning
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.dataset import Dataset
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.filling import fill, unwritten
from sqlrec.models.deep.goal import Goal
from sqlrec.models.deep.group import Group, joined
from sqlrec.models.deep.history import History
from sqlrec.models.deep.importance import feature_importance
from sqlrec.models.deep.layout import Layout, layout_of
from sqlrec.models.deep.machine import keep_freed_memory, precision_for
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.options import Architecture
from sqlrec.models.deep.prepare import Prepared, prepare
from sqlrec.models.deep.progress import State, States, marks
from sqlrec.models.deep.sharded import ShardedTable
from sqlrec.models.deep.sharing import shared
from sqlrec.models.deep.spool import sweep_rows
from sqlrec.models.deep.torchrec_shards import TorchRecShards, require_torchrec
from sqlrec.models.deep.trainer import Trainer
from sqlrec.models.deep.training_options import Sharding, Training
from sqlrec.models.deep.weighting import class_weights, require_one_label, without_weights
from sqlrec.models.measuring.measures import PRIMARY, TITLES
from sqlrec.models.measuring.objectives import Report
from sqlrec.models.measuring.permutation import unit
from sqlrec.models.measuring.report import write_report
from sqlrec.models.memory import peak_memory
from sqlrec.spec.job import JobResult, TrainWork


def train(work: TrainWork, output: Path, progress: Progress) -> JobResult:
    """Train ``work.model`` and write its checkpoint into the empty folder ``output``.

    Files: ``model.json``, ``encoder.json``, ``weights.pt``, ``options.json``, ``evaluation.json`` and
    ``plots/*.png``. Under torchrun every process calls this and only the root writes. Raises
    ``SchemaError`` and ``DataError`` for tables that do not fit, ``JobError`` SR520 on divergence and
    ``SetupError`` SR703 for a folder that cannot be written.
    """
    sweep_rows()
    with joined() as group:
        return _train(without_weights(work), output, progress, group)


def _train(work: TrainWork, output: Path, progress: Progress, group: Group) -> JobResult:
    started = time.perf_counter()
    kind = deep_model(work.model.type)
    shape = Architecture.read(kind.options, work.model.options)
    training = Training.read(kind.options, work.options)
    torch.set_num_threads(training.num_threads or free_cores())
    require_one_label(training, kind.objective, len(work.model.labels))
    precision, warning = precision_for(training.mixed_precision)
    sharding, remark = _sharding(training, group)
    if sharding is not Sharding.NONE:
        group.on_all(require_torchrec)
    prepared = group.on_root(partial(prepare, work, shape, training, progress))
    states = _states(work, prepared, output, progress, sharding, group)
    state = states.newest() if states else None
    threads = _use_threads(group, state, progress)
    network, data, positive_share, adam = _distributed(group, prepared, state, training, sharding)
    validation = prepared.placed.validation if prepared else None
    keep_freed_memory()
    trainer = Trainer(
        network,
        training,
        data,
        group=group,
        progress=progress,
        precision=precision,
        adam=adam,
        validation=validation,
        weights=class_weights(training, positive_share),
        states=states,
    )
    if group.from_root(lambda: state is not None):
        trainer.resume(state)
    with states.claimed() if states else nullcontext():
        history = trainer.fit()
    measured = _measured(work, trainer, prepared)
    progress("measuring and writing the checkpoint", done=1.0)
    with writing(output) if prepared else nullcontext():
        _save(work, trainer, prepared, output)
    if prepared is None:
        return JobResult(rows=len(data))
    evaluation, importance = measured
    with writing(output):
        write_report(output, evaluation, history.curves, importance, unit(kind.objective))
    return JobResult(
        rows=len(data),
        seconds=time.perf_counter() - started,
        metrics=_metrics(history, evaluation, len(data)),
        curves=tuple(history.curves),
        params={
            "epochs": str(history.epochs),
            "best_epoch": str(history.best_epoch),
            "embedding_rows": str(prepared.encoder.table_rows),
            "validation_rows": str(0 if validation is None else len(validation)),
            "precision": precision or "FP32",
            "threads": str(threads),
            "processes": str(group.size),
            "rows_in": data.kept_in,
            "embedding_sharding": sharding.value,
        },
        warnings=tuple(filter(None, (warning, remark, *_remarks(evaluation)))),
    )


def _sharding(training: Training, group: Group) -> tuple[Sharding, str]:
    """How the embedding rows are divided, and a warning when that is not as asked."""
    if training.embedding_sharding is Sharding.NONE or group.size > 1:
        return training.embedding_sharding, ""
    return Sharding.NONE, (
        f"embedding_sharding {training.embedding_sharding}: the job has one process, which holds all rows; "
        "nproc_per_node and nnodes set their number"
    )


def _states(
    work: TrainWork,
    prepared: Prepared | None,
    output: Path,
    progress: Progress,
    sharding: Sharding,
    group: Group,
) -> States | None:
    """Where states of this training are kept: by the root process, or by all a part each."""
    found = group.on_root(lambda: _marks(work, prepared, sharding, group))
    if sharding is Sharding.NONE:
        return States(progress_folder(output), found, progress) if found else None
    shared_marks = group.from_root(lambda: found)
    assert shared_marks is not None, "the root has marks"
    name = group.from_root(lambda: str(progress_folder(output)))
    return States(Path(name), shared_marks, progress, group)


def _marks(work: TrainWork, prepared: Prepared | None, sharding: Sharding, group: Group) -> dict[str, str]:
    assert prepared is not None, "called on the root"
    return marks(work, prepared.encoder, prepared.placed.data, sharding, group)


def _use_threads(group: Group, state: State | None, progress: Progress) -> int:
    """Threads from now on: those that a state was made with, as far as there are cores for them."""
    threads = torch.get_num_threads()
    if state and state["processes"] != group.size:
        progress(
            f"warning: {group.size} processes go on from a state of {state['processes']}: sums differ "
            "in their last bits, and what dropout leaves out is other"
        )
    before: int = group.from_root(lambda: state["threads"] if state else threads)
    if before > threads:
        progress(f"warning: {threads} threads instead of {before}: sums of floats differ in their last bits")
    torch.set_num_threads(min(before, threads))
    return torch.get_num_threads()


def _distributed(
    group: Group, prepared: Prepared | None, state: State | None, training: Training, sharding: Sharding
) -> tuple[Network, Dataset, float, dict[str, object] | None]:
    """Weights, rows, share of positive ones and optimiser state, on every process.

    All are the root's, but for divided embedding rows of a state, which each process has.
    """
    head, goal, share, adam = group.from_root(lambda: _plain(prepared, state))
    beginning = prepared.table if prepared else None
    starts = group.from_root(lambda: _table_starts(prepared))
    table: EmbeddingTable | ShardedTable
    if sharding is Sharding.NONE or not starts:
        table = _replicated(group, beginning, state)
    else:
        table = _divided(group, beginning, state, starts, training)
    data = shared(group, prepared.placed.data if prepared else None)
    return Network(table, head, goal), data, share, adam


def _replicated(group: Group, beginning: Beginning | None, state: State | None) -> EmbeddingTable:
    """The root's embedding rows, all of them."""
    table = None
    if beginning:
        table = EmbeddingTable(**state["rows"]) if state else beginning.whole()
    return EmbeddingTable(*group.tensors_from_root((table.weight, table.accumulator) if table else None))


def _divided(
    group: Group, beginning: Beginning | None, state: State | None, starts: list[int], training: Training
) -> ShardedTable:
    """This process's share of the embedding rows."""
    rows, width = group.from_root(lambda: (beginning.rows, beginning.width) if beginning else (0, 0))
    shards = TorchRecShards(training.embedding_sharding, starts, rows, width, training.sparse_weight_decay)
    table = ShardedTable(shards, group, width)
    if state:
        table.put(state["rows"])
    else:
        table.start(beginning)
    return table


def _table_starts(prepared: Prepared | None) -> list[int]:
    """First embedding rows of the columns that have any of their own."""
    assert prepared is not None, "called on the root"
    slots = (*prepared.encoder.slots, *prepared.encoder.bags)
    return sorted({slot.offset for slot in slots if slot.rows})


def _plain(
    prepared: Prepared | None, state: State | None
) -> tuple[nn.Module, Goal, float, dict[str, object] | None]:
    """What of the start of a training is sent as it is."""
    assert prepared is not None, "called on the root"
    if state:
        prepared.head.load_state_dict(state["head"])
    adam = state["adam"] if state else prepared.adam
    return prepared.head, prepared.goal, prepared.placed.positive_share, adam


def _measured(
    work: TrainWork, trainer: Trainer, prepared: Prepared | None
) -> tuple[Report | None, dict[str, float]]:
    """What is measured of the trained model, on the root."""
    found: list[tuple[Report | None, dict[str, float]]] = []

    def measure() -> None:
        if prepared:
            layout = layout_of(prepared.encoder, work.model)
            found.append((_evaluate(work, trainer), _importance(trainer, layout)))

    trainer.asked_by_root(measure)
    return found[0] if found else (None, {})


def _save(work: TrainWork, trainer: Trainer, prepared: Prepared | None, output: Path) -> None:
    """Write the checkpoint, on the root; from the others it gets their embedding rows."""
    network, table = trainer.network, trainer.network.table
    if prepared:
        held = table if isinstance(table, EmbeddingTable) else unwritten(table.rows, table.width)
        trained = Trained(
            model=work.model,
            encoder=prepared.encoder,
            table=held.weight,
            head=network.head,
            options=asdict(trainer.training),
            accumulator=held.accumulator,
            adam=trainer.optimizer.adam.state_dict(),
        )
        checkpoint.save(trained, output)
        network.goal.save(output)
    if isinstance(table, ShardedTable):
        if prepared:
            fill(output / checkpoint.WEIGHTS, table.blocks())
        else:
            deque(table.blocks(), maxlen=0)


def _evaluate(work: TrainWork, trainer: Trainer) -> Report | None:
    """All that is measured of the validation rows, if there are any."""
    network, validation, scores = trainer.network, trainer.validation, trainer.history.scores
    if validation is None or scores is None:
        return None
    return network.goal.report(work.model, scores, validation, network.predict)


def _importance(trainer: Trainer, layout: Layout) -> dict[str, float]:
    """What each feature is worth on the validation rows, where that is asked for."""
    if trainer.validation is None or not trainer.training.feature_importance:
        return {}
    return feature_importance(trainer.network, layout, trainer.validation, trainer.progress)


def _metrics(history: History, evaluation: Report | None, rows: int) -> dict[str, float]:
    loss = history.last("train_logloss")
    return {
        **(evaluation.numbers if evaluation else {}),
        "peak_memory_bytes": float(peak_memory()),
        **({"train_logloss": loss} if loss is not None else {}),
        "rows": float(rows),
        "rows_per_second": history.rows_per_second,
    }


def _remarks(evaluation: Report | None) -> list[str]:
    if evaluation is None:
        return ["no validation rows: the model was not measured"]
    if evaluation.primary is None:
        return [f"all validation rows have the same label: no {TITLES[PRIMARY[evaluation.objective]]}"]
    return []
