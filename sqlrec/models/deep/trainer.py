"""The training loop: shuffled epochs, one optimiser step a batch, a measurement a epoch.

Every process of a job runs this loop over the same rows in the same order and takes its share of each
batch; gradients are summed over the processes before each step, so all of them hold the same weights
and the loss is that of one process with the same batch size.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.errors import JobError
from sqlrec.models.controller import Progress
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.machine import autocast
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.training_options import Training
from sqlrec.spec.job import CurvePoint

REPORTS = 100
"""Points of the loss curve, and progress lines, of one training."""


@dataclass(slots=True)
class History:
    """What a training run did.

    ``epochs`` are those finished; ``best_epoch`` is the one kept, and ``scores`` float32 [rows, …] are its
    answers for the validation rows.
    """

    curves: list[CurvePoint] = field(default_factory=list)
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    rows: int = 0
    scores: npt.NDArray[np.float32] | None = None

    def add(self, name: str, step: int, value: float) -> None:
        """Append a point, unless the value is undefined (AUC of one class)."""
        if math.isfinite(value):
            self.curves.append(CurvePoint(name=name, step=step, value=value))

    @property
    def rows_per_second(self) -> float:
        """Training speed, without reading, encoding and measuring."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    def last(self, name: str) -> float | None:
        """The newest value of a curve."""
        return next((p.value for p in reversed(self.curves) if p.name == name), None)


@dataclass(slots=True)
class _Best:
    """The weights of the best epoch so far, kept only when training may stop early."""

    value: float = -math.inf
    epoch: int = 0
    weights: tuple[EmbeddingTable, Mapping[str, Tensor]] | None = None
    scores: npt.NDArray[np.float32] | None = None


class Trainer:
    """Trains a :class:`Network` in place."""

    def __init__(
        self,
        network: Network,
        training: Training,
        *,
        group: Group,
        progress: Progress,
        precision: str = "",
        adam: dict[str, object] | None = None,
    ) -> None:
        self.network = network
        self.training = training
        self.group = group
        self.progress = progress
        self.precision = precision
        self.adam = torch.optim.Adam(network.head.parameters(), lr=training.dense_lr, fused=True)
        if adam is not None:
            self.adam.load_state_dict(adam)
            for parameters in self.adam.param_groups:
                parameters["lr"] = training.dense_lr
        self.history = History()
        self.best = _Best()

    def fit(self, rows: Rows, validation: Rows | None) -> History:
        """Train for the epochs asked for, or until early stopping; ``validation`` matters on the root only.

        Raises ``JobError`` SR520 when the loss or the weights are no longer finite.
        """
        for epoch in range(1, self.training.num_epochs + 1):
            started = time.perf_counter()
            self._train_epoch(epoch, rows)
            self.history.seconds += time.perf_counter() - started
            self.history.rows += len(rows)
            self.history.epochs = self.history.best_epoch = epoch
            if self.group.from_root(partial(self._measure, epoch, validation)):
                break
        self._restore_best()
        return self.history

    def _train_epoch(self, epoch: int, rows: Rows) -> None:
        steps = math.ceil(len(rows) / self.training.batch_size)
        every = max(1, steps * self.training.num_epochs // REPORTS)
        report = _Report(self, epoch, steps)
        for step, (batch, count) in enumerate(self._batches(epoch, rows), start=1):
            report.add(self._step(batch, count), count)
            is_full = step % every == 0 and steps - step >= every
            if is_full or step == steps:
                report.emit(step)
        self.history.add("train_logloss", epoch, report.epoch_loss)

    def _batches(self, epoch: int, rows: Rows) -> Iterator[tuple[Rows, int]]:
        """This process's share of each global batch, and the global batch's size."""
        generator = torch.Generator().manual_seed(self.training.seed + epoch)
        order = torch.randperm(len(rows), generator=generator)
        size = self.training.batch_size
        starts = range(0, len(rows), size)
        shares = [self.group.share(start, min(start + size, len(rows))) for start in starts]
        mine = rows.take(torch.cat([order[share] for share in shares]))
        at = 0
        for start, share in zip(starts, shares, strict=True):
            length = share.stop - share.start
            yield mine.slice(at, at + length), min(size, len(rows) - start)
            at += length

    def _step(self, batch: Rows, count: int) -> float:
        """One optimiser step; gives this process's part of the batch's summed loss."""
        network, looked = self.network, self.network.look_up(batch)
        with autocast(self.precision):
            outputs = network.head(*looked.inputs)
        loss = network.goal.loss(outputs.float(), batch, self.group)
        self.adam.zero_grad()
        (loss / count).backward()  # type: ignore[no-untyped-call]
        self.group.sum_gradients(network.head)
        self.adam.step()
        if (sparse := looked.gradient()) is not None:
            touched, gradient = self.group.sum_rows(*sparse)
            network.table.update(touched, gradient, self.training.sparse_lr)
        return loss.item()

    def _measure(self, epoch: int, validation: Rows | None) -> bool:
        """Score the validation rows after an epoch; True when training should stop."""
        if not self.network.is_finite:
            raise _diverged(f"weights are no longer finite after epoch {epoch}")
        if validation is None:
            return False
        self.history.scores = self.network.predict(validation)
        measured = self.network.goal.measure(self.history.scores, validation, self.network.predict)
        for name, value in measured.items():
            self.history.add(name, epoch, value)
        told = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
        self.progress(f"epoch {epoch}/{self.training.num_epochs}: validation {told}")
        return self._is_stalled(epoch, measured[self.network.goal.metric])

    def _is_stalled(self, epoch: int, value: float) -> bool:
        if not self.training.early_stopping_patience:
            return False
        if value > self.best.value:
            head = copy.deepcopy(self.network.head.state_dict())
            self.best = _Best(value, epoch, (self.network.table.clone(), head), self.history.scores)
        return epoch - self.best.epoch >= self.training.early_stopping_patience

    def _restore_best(self) -> None:
        if self.best.weights is None or self.best.epoch == self.history.epochs:
            return
        self.network.table, head = self.best.weights
        self.network.head.load_state_dict(head)
        self.history.best_epoch, self.history.scores = self.best.epoch, self.best.scores
        self.progress(
            f"kept epoch {self.best.epoch}, the one with the best validation {self.network.goal.metric}"
        )


class _Report:
    """Loss and speed of one epoch, told in progress lines and points of the loss curve."""

    def __init__(self, trainer: Trainer, epoch: int, steps: int) -> None:
        self.trainer, self.epoch, self.steps = trainer, epoch, steps
        self.started = time.perf_counter()
        self.loss = self.interval_loss = 0.0
        self.rows = self.interval_rows = 0

    def add(self, loss: float, rows: int) -> None:
        """Count a step: this process's summed loss and the global batch's rows."""
        self.interval_loss += loss
        self.interval_rows += rows

    @property
    def epoch_loss(self) -> float:
        """Mean loss of the rows reported so far."""
        return self.loss / self.rows

    def emit(self, step: int) -> None:
        """Report the steps since the last report."""
        total = self.trainer.group.sum(torch.tensor([self.interval_loss], dtype=torch.float64)).item()
        mean = total / self.interval_rows
        epochs, at = self.trainer.training.num_epochs, (self.epoch - 1) * self.steps + step
        if not math.isfinite(mean):
            raise _diverged(f"the loss is {mean} in epoch {self.epoch}, step {step}")
        self.loss, self.rows = self.loss + total, self.rows + self.interval_rows
        self.interval_loss, self.interval_rows = 0.0, 0
        self.trainer.history.add("loss", at, mean)
        speed = self.rows / max(time.perf_counter() - self.started, 1e-9)
        self.trainer.progress(
            f"epoch {self.epoch}/{epochs}  step {step}/{self.steps}  loss {mean:.4f}  {speed:,.0f} rows/s",
            done=at / (self.steps * epochs),
        )


def _diverged(what: str) -> JobError:
    hint = "lower sparse_lr and dense_lr, and look for huge values in numeric columns"
    return JobError("SR520", f"training diverged: {what}", hint=hint)
