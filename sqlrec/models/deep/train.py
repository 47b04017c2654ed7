"""The training program of ``tzrec.*`` types: table in, checkpoint folder out.

The root process reads, encodes and writes; the other processes of a job get their rows and weights from
it, so all of them train on the same rows whatever the query's order.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from sqlrec.artifacts.durable import writing
from sqlrec.artifacts.folder import progress_folder
from sqlrec.models.controller import Progress
from sqlrec.models.cores import free_cores
from sqlrec.models.deep import checkpoint
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.dataset import Dataset
from sqlrec.models.deep.embedding import EmbeddingTable
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
from sqlrec.models.deep.sharing import shared
from sqlrec.models.deep.trainer import Trainer
from sqlrec.models.deep.training_options import Training
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
    prepared = group.on_root(partial(prepare, work, shape, training, progress))
    states = _states(work, prepared, output, progress)
    state = states.newest() if states else None
    if prepared and state:
        prepared = _resumed(prepared, state)
    threads = _use_threads(group, state, progress)
    network, data, positive_share, adam = _distributed(group, prepared)
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
    history = trainer.fit()
    if prepared is None:
        return JobResult(rows=len(data))
    trained = Trained(
        model=work.model,
        encoder=prepared.encoder,
        table=network.table.weight,
        head=network.head,
        options=asdict(training),
        accumulator=network.table.accumulator,
        adam=trainer.optimizer.adam.state_dict(),
    )
    progress("measuring and writing the checkpoint", done=1.0)
    with writing(output):
        checkpoint.save(trained, output)
        network.goal.save(output)
        evaluation = _evaluate(work, trainer)
        importance = _importance(trainer, layout_of(prepared.encoder, work.model))
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
        },
        warnings=tuple(filter(None, (warning, *_remarks(evaluation)))),
    )


def _states(work: TrainWork, prepared: Prepared | None, output: Path, progress: Progress) -> States | None:
    """Where the root process keeps states of this training."""
    if prepared is None:
        return None
    return States(progress_folder(output), marks(work, prepared.encoder, prepared.placed.data), progress)


def _resumed(prepared: Prepared, state: State) -> Prepared:
    """The start of a training with the weights and optimiser state of a state."""
    prepared.network.head.load_state_dict(state["head"])
    network = replace(prepared.network, table=EmbeddingTable(state["table"], state["accumulator"]))
    return replace(prepared, network=network, adam=state["adam"])


def _use_threads(group: Group, state: State | None, progress: Progress) -> int:
    """Threads from now on: those that a state was made with, as far as there are cores for them."""
    threads = torch.get_num_threads()
    before: int = group.from_root(lambda: state["threads"] if state else threads)
    if before > threads:
        progress(f"warning: {threads} threads instead of {before}: sums of floats differ in their last bits")
    torch.set_num_threads(min(before, threads))
    return torch.get_num_threads()


def _distributed(
    group: Group, prepared: Prepared | None
) -> tuple[Network, Dataset, float, dict[str, object] | None]:
    """The root's weights, rows, share of positive ones and optimiser state, on every process."""
    head, goal, share, adam = group.from_root(lambda: _plain(prepared))
    table = prepared.network.table if prepared else None
    weight, accumulator = group.tensors_from_root((table.weight, table.accumulator) if table else None)
    data = shared(group, prepared.placed.data if prepared else None)
    return Network(EmbeddingTable(weight, accumulator), head, goal), data, share, adam


def _plain(prepared: Prepared | None) -> tuple[nn.Module, Goal, float, dict[str, object] | None]:
    """What of the start of a training is sent as it is."""
    assert prepared is not None, "called on the root"
    network = prepared.network
    return network.head, network.goal, prepared.placed.positive_share, prepared.adam


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
