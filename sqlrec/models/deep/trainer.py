"""The training loop: shuffled epochs, one optimiser step a batch, measurements, states to go on from.

Every process of a job runs this loop over the same rows in the same order and takes its share of each
batch; gradients are summed over the processes before each step, so all of them hold the same weights
and the loss is that of one process with the same batch size.

A state is taken between two steps and holds all that the next steps depend on; random numbers of a step
(dropout) depend on its place alone. Going on from a state therefore ends in the weights, bit for bit, that
the training would have ended in.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.errors import JobError
from sqlrec.models.controller import Progress
from sqlrec.models.deep.dataset import Dataset
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.history import History, Sums
from sqlrec.models.deep.machine import autocast
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.optimizer import Optimizer, schedule_of
from sqlrec.models.deep.progress import State, States
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.sharded import ShardedTable
from sqlrec.models.deep.stopping import Interrupted, Stop
from sqlrec.models.deep.training_options import Training
from sqlrec.models.deep.weighting import ClassWeights

T = TypeVar("T")
REPORTS = 100
"""Points of the loss curve, and progress lines, of one training."""
SAVING_SHARE = 0.05
"""Most of the time that writing states may take."""


@dataclass(slots=True)
class _Best:
    """Weights and optimiser state of the best measurement so far, kept when training may stop early.

    Kept by the root, and by every process its share of embedding rows that are divided.
    """

    value: float = -math.inf
    epoch: int = 0
    measurement: int = 0
    rows: dict[str, Tensor] | None = None
    head: Mapping[str, Tensor] | None = None
    adam: dict[str, Any] | None = None
    scores: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What follows from a measurement; interrupted: SIGTERM came before anything was measured."""

    is_best: bool = False
    is_stalled: bool = False
    is_interrupted: bool = False


class Trainer:
    """Trains a :class:`Network` in place.

    ``states`` is where states are kept, on the root process of a job that keeps any, and on all processes
    when they divide the embedding rows; ``validation`` rows matter on the root only.
    """

    def __init__(
        self,
        network: Network,
        training: Training,
        data: Dataset,
        *,
        group: Group,
        progress: Progress,
        precision: str = "",
        adam: dict[str, Any] | None = None,
        validation: Rows | None = None,
        weights: ClassWeights | None = None,
        states: States | None = None,
    ) -> None:
        self.network = network
        self.training = training
        self.data = data
        self.group = group
        self.progress = progress
        self.precision = precision
        self.validation = validation
        self.weights = weights or ClassWeights()
        self.states = states
        self.epoch_steps = math.ceil(len(data) / training.batch_size)
        self.optimizer = Optimizer(network, training, group, adam)
        self.schedule = schedule_of(training, self.epoch_steps)
        self.history = History()
        self.sums = Sums()
        self.best = _Best()
        self._value = -math.inf
        self.epoch, self.step = 1, 0
        self.stop = Stop()
        self._saved, self._saving = time.monotonic(), 0.0

    def fit(self) -> History:
        """Train for the epochs asked for, or until early stopping.

        Raises ``JobError`` SR520 when the loss or the weights are no longer finite. SIGTERM is answered
        between two steps: a state is written, and the signal goes to the handler that was there before.
        """
        with torch.random.fork_rng(devices=()), self.stop:
            try:
                self._train()
            except JobError:
                if self.states:
                    self.states.discard()  # the same steps would fail again
                raise
        self._restore_best()
        return self.history

    def _train(self) -> None:
        while self.epoch <= self.training.num_epochs:
            is_over = self._train_epoch()
            self.history.add("train_logloss", self.epoch, self._epoch_loss())
            self.history.epochs = self.history.best_epoch = self.epoch
            if is_over:
                return
            self.epoch, self.step, self.sums = self.epoch + 1, 0, Sums()

    def _train_epoch(self) -> bool:
        """The steps of the epoch that are not done yet; True when training should stop."""
        if self.step and self._is_due() and self._measure():
            return True
        every = max(1, self.epoch_steps * self.training.num_epochs // REPORTS)
        started, before = time.perf_counter(), self.sums.rows + self.sums.new_rows
        batches = self.data.batches(
            self.epoch, self.training.batch_size, self.training.seed, self.group, self.step
        )
        at = started
        for batch, count in batches:
            flags = self._step(batch, count)
            self.step += 1
            is_full = self.step % every == 0 and self.epoch_steps - self.step >= every
            if is_full or self.step == self.epoch_steps:
                rows = self.sums.rows + self.sums.new_rows - before
                self._tell(rows / max(time.perf_counter() - started, 1e-9))
            self.history.seconds += time.perf_counter() - at
            self.history.rows += count
            self._keep(*flags)
            if self._is_due() and self._measure():
                return True
            at = time.perf_counter()
        return False

    @property
    def _done(self) -> int:
        """Optimiser steps of the training that are done."""
        return (self.epoch - 1) * self.epoch_steps + self.step

    def _step(self, batch: Rows, count: int) -> tuple[float, ...]:
        """One optimiser step; gives whether a process wants a state kept, and whether one is to stop."""
        torch.default_generator.manual_seed(
            (self.training.seed << 32) + self._done * self.group.size + self.group.rank
        )
        self.optimizer.set_factor(self.schedule.factor(self._done))
        network, batch = self.network, self.weights.applied(batch)
        looked = network.look_up(batch)
        with autocast(self.precision):
            outputs = network.head(*looked.inputs)
        loss = network.goal.loss(outputs.float(), batch, self.group)
        self.sums.add(loss.item(), count)
        flags = (float(self._wants_state()), float(self.stop.asked))
        return self.optimizer.step(loss / count, looked, flags)

    def _tell(self, speed: float) -> None:
        """A progress line and a point of the loss curve for the steps since the last."""
        total = self.group.sum(torch.tensor([self.sums.new_loss], dtype=torch.float64)).item()
        mean = self.sums.told(total)
        if not math.isfinite(mean):
            raise _diverged(f"the loss is {mean} in epoch {self.epoch}, step {self.step}")
        self.history.add("loss", self._done, mean)
        self.progress(
            f"epoch {self.epoch}/{self.training.num_epochs}  step {self.step}/{self.epoch_steps}  "
            f"loss {mean:.4f}  {speed:,.0f} rows/s",
            done=self._done / (self.epoch_steps * self.training.num_epochs),
        )

    def _epoch_loss(self) -> float:
        """Mean loss of the epoch's steps; also of those that early stopping within it left untold."""
        if self.sums.new_rows:
            self.sums.told(self.group.sum(torch.tensor([self.sums.new_loss], dtype=torch.float64)).item())
        return self.sums.mean

    def _is_due(self) -> bool:
        """Whether the validation rows are measured after the step that was the last."""
        is_last = self.step == self.epoch_steps and self.epoch == self.training.num_epochs
        if self.training.eval_steps:
            return is_last or self._done % self.training.eval_steps == 0
        return self.step == self.epoch_steps

    def _measure(self) -> bool:
        """Measure on the root; True, on every process, when training should stop."""
        broken = self.group.sum(torch.tensor([float(not self.network.is_finite)]))
        if broken.item():
            raise _diverged(f"weights are no longer finite after epoch {self.epoch}")
        measured = self.asked_by_root(self._measured)
        if measured.is_interrupted:
            self._keep(wanted=1.0, stops=1.0)
        if measured.is_best and self._holds_best:
            self.best = _Best(
                value=self._value,
                epoch=self.epoch,
                measurement=self.history.measurements,
                rows={name: tensor.clone() for name, tensor in self.network.table.tensors.items()},
                head=copy.deepcopy(self.network.head.state_dict()),
                adam=copy.deepcopy(self.optimizer.adam.state_dict()),
                scores=self.history.scores,
            )
        return measured.is_stalled

    def asked_by_root(self, make: Callable[[], T]) -> T:
        """What ``make``, which asks the network, gives on the root; all processes call this at once."""
        table = self.network.table
        if isinstance(table, ShardedTable):
            return table.answering(make, self.stop.check)
        return self.group.from_root(make)

    @property
    def _holds_best(self) -> bool:
        return self.group.is_root or isinstance(self.network.table, ShardedTable)

    def _measured(self) -> _Measured:
        if self.validation is None:
            return _Measured()
        # What others take part in cannot be ended anywhere: it looks itself whether it should end.
        is_alone = not isinstance(self.network.table, ShardedTable)
        try:
            with self.stop.at_once() if is_alone else nullcontext():
                scores = self.network.predict(self.validation)
                measured = self.network.goal.measure(scores, self.validation, self.network.predict)
        except Interrupted:
            return _Measured(is_interrupted=True)
        self.history.scores = scores
        self.history.measurements += 1
        for name, value in measured.items():
            self.history.add(name, self.history.measurements, value)
        told = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
        place = "" if self.step == self.epoch_steps else f", step {self.step}/{self.epoch_steps}"
        self.progress(f"epoch {self.epoch}/{self.training.num_epochs}{place}: validation {told}")
        return self._compared(measured[self.network.goal.metric])

    def _compared(self, value: float) -> _Measured:
        """Whether the last measurement is the best, and whether the best is too long ago."""
        patience = self.training.early_stopping_patience
        if not patience:
            return _Measured()
        is_best, self._value = value > self.best.value, value
        best = self.history.measurements if is_best else self.best.measurement
        return _Measured(is_best=is_best, is_stalled=self.history.measurements - best >= patience)

    def _restore_best(self) -> None:
        best = self.best
        if not self.group.from_root(lambda: 0 < best.measurement < self.history.measurements):
            return
        if best.rows is None:
            return
        assert best.head is not None
        assert best.adam is not None
        self.network.table.put(best.rows)
        self.network.head.load_state_dict(best.head)
        self.optimizer.adam.load_state_dict(best.adam)
        self.history.best_epoch, self.history.scores = best.epoch, best.scores
        self.progress(f"kept epoch {best.epoch}, the one with the best validation {self.network.goal.metric}")

    def _wants_state(self) -> bool:
        """Whether a state is due after the step that is about to be taken; the root decides."""
        if self.states is None or not self.group.is_root:
            return False
        every, seconds = self.training.checkpoint_steps, 60 * self.training.checkpoint_minutes
        if every and (self._done + 1) % every == 0:
            return True
        return bool(seconds) and time.monotonic() - self._saved > max(seconds, self._saving / SAVING_SHARE)

    def _keep(self, wanted: float, stops: float) -> None:
        """Write a state when a process wants one, and end when one is to stop."""
        if not wanted and not stops:
            return
        total = self.group.sum(torch.tensor([self.sums.new_loss], dtype=torch.float64)).item()
        self.sums.new_loss = total if self.group.is_root else 0.0
        self._save()
        if stops:
            self._end()

    def _save(self) -> None:
        if self.states is None:
            return
        started = time.monotonic()
        self.states.save(self.state(), self.epoch, self.step)
        self._saved = time.monotonic()
        self._saving = self._saved - started

    def _end(self) -> NoReturn:
        """Leave the training on all processes, once the root has written its state."""
        self.group.from_root(lambda: None)
        if self.states:
            self.progress(f"stopped at epoch {self.epoch}, step {self.step} of {self.epoch_steps}")
        self.stop.asked = True
        raise Interrupted

    def state(self) -> State:
        """All that the next steps depend on, as far as this process has it."""
        best = None
        if self.best.rows is not None:
            fields = ("value", "epoch", "measurement", "rows", "head", "adam")
            scores = self.best.scores
            best = {
                **{name: getattr(self.best, name) for name in fields},
                "scores": None if scores is None else torch.from_numpy(scores),
            }
        return {
            "epoch": self.epoch,
            "step": self.step,
            "threads": torch.get_num_threads(),
            "processes": self.group.size,
            "rows": self.network.table.tensors,
            "head": self.network.head.state_dict(),
            "adam": self.optimizer.adam.state_dict(),
            "history": self.history.state(),
            "sums": asdict(self.sums),
            "best": best,
        }

    def resume(self, state: State | None) -> None:
        """Go on from the place of a :meth:`state`, whose weights the network already has.

        The root has a state; the others have one when they divide the embedding rows, else None.
        """
        place = self.group.from_root(
            lambda: {name: state[name] for name in ("epoch", "step", "history", "sums")} if state else {}
        )
        self.epoch, self.step = place["epoch"], place["step"]
        self.history, self.sums = History.of(place["history"]), Sums(**place["sums"])
        if not self.group.is_root:
            self.sums.new_loss = 0.0
        if state and (best := state["best"]):
            scores = best.pop("scores")
            self.best = _Best(**best, scores=None if scores is None else scores.numpy())
        self.progress(f"resumed at epoch {self.epoch}, step {self.step} of {self.epoch_steps}")


def _diverged(what: str) -> JobError:
    hint = "lower sparse_lr and dense_lr, and look for huge values in numeric columns"
    return JobError("SR520", f"training diverged: {what}", hint=hint)
