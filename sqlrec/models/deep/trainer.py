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
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sqlrec.errors import JobError
from sqlrec.models.controller import Progress
from sqlrec.models.deep.dataset import Dataset
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.history import History, Sums
from sqlrec.models.deep.machine import autocast
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.optimizer import Optimizer, schedule_of
from sqlrec.models.deep.progress import State, States
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.stopping import Interrupted, Stop
from sqlrec.models.deep.training_options import Training
from sqlrec.models.deep.weighting import ClassWeights

REPORTS = 100
"""Points of the loss curve, and progress lines, of one training."""
SAVING_SHARE = 0.05
"""Most of the time that writing states may take."""


@dataclass(slots=True)
class _Best:
    """Weights and optimiser state of the best measurement so far, kept when training may stop early."""

    value: float = -math.inf
    epoch: int = 0
    measurement: int = 0
    table: EmbeddingTable | None = None
    head: Mapping[str, Tensor] | None = None
    adam: dict[str, Any] | None = None
    scores: npt.NDArray[np.float32] | None = None


class Trainer:
    """Trains a :class:`Network` in place.

    ``states`` is where states are kept, on the root process of a job that keeps any; ``validation`` rows
    matter on the root only.
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
        is_stalled, is_interrupted = self.group.from_root(self._measured)
        if is_interrupted:
            self._end()
        return is_stalled

    def _measured(self) -> tuple[bool, bool]:
        """Whether training should stop, and whether SIGTERM came before anything was measured."""
        if not self.network.is_finite:
            raise _diverged(f"weights are no longer finite after epoch {self.epoch}")
        if self.validation is None:
            return False, False
        try:
            with self.stop.at_once():
                scores = self.network.predict(self.validation)
                measured = self.network.goal.measure(scores, self.validation, self.network.predict)
        except Interrupted:
            self._save()
            return False, True
        self.history.scores = scores
        self.history.measurements += 1
        for name, value in measured.items():
            self.history.add(name, self.history.measurements, value)
        told = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
        place = "" if self.step == self.epoch_steps else f", step {self.step}/{self.epoch_steps}"
        self.progress(f"epoch {self.epoch}/{self.training.num_epochs}{place}: validation {told}")
        return self._is_stalled(measured[self.network.goal.metric]), False

    def _is_stalled(self, value: float) -> bool:
        """Whether the best measurement is too long ago; a better one is kept."""
        if not self.training.early_stopping_patience:
            return False
        if value > self.best.value:
            self.best = _Best(
                value=value,
                epoch=self.epoch,
                measurement=self.history.measurements,
                table=self.network.table.clone(),
                head=copy.deepcopy(self.network.head.state_dict()),
                adam=copy.deepcopy(self.optimizer.adam.state_dict()),
                scores=self.history.scores,
            )
        return self.history.measurements - self.best.measurement >= self.training.early_stopping_patience

    def _restore_best(self) -> None:
        best = self.best
        if best.table is None or best.measurement == self.history.measurements:
            return
        assert best.head is not None
        assert best.adam is not None
        self.network.table = best.table
        self.network.head.load_state_dict(best.head)
        self.optimizer.adam.load_state_dict(best.adam)
        self.history.best_epoch, self.history.scores = best.epoch, best.scores
        self.progress(f"kept epoch {best.epoch}, the one with the best validation {self.network.goal.metric}")

    def _wants_state(self) -> bool:
        """Whether a state is due after the step that is about to be taken; the root decides."""
        if self.states is None:
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
        """All that the next steps depend on, the root's."""
        best = None
        if self.best.table is not None:
            fields = ("value", "epoch", "measurement", "head", "adam")
            table, scores = self.best.table, self.best.scores
            best = {
                **{name: getattr(self.best, name) for name in fields},
                "table": table.weight,
                "accumulator": table.accumulator,
                "scores": None if scores is None else torch.from_numpy(scores),
            }
        return {
            "epoch": self.epoch,
            "step": self.step,
            "threads": torch.get_num_threads(),
            "table": self.network.table.weight,
            "accumulator": self.network.table.accumulator,
            "head": self.network.head.state_dict(),
            "adam": self.optimizer.adam.state_dict(),
            "history": self.history.state(),
            "sums": asdict(self.sums),
            "best": best,
        }

    def resume(self, state: State | None) -> None:
        """Go on from the place of a :meth:`state`, whose weights the network already has.

        The root gives the state; for the others it is None.
        """
        place = self.group.from_root(
            lambda: {name: state[name] for name in ("epoch", "step", "history", "sums")} if state else {}
        )
        self.epoch, self.step = place["epoch"], place["step"]
        self.history, self.sums = History.of(place["history"]), Sums(**place["sums"])
        if not self.group.is_root:
            self.sums.new_loss = 0.0
        if state and (best := state["best"]):
            scores, table = best.pop("scores"), EmbeddingTable(best.pop("table"), best.pop("accumulator"))
            self.best = _Best(**best, table=table, scores=None if scores is None else scores.numpy())
        self.progress(f"resumed at epoch {self.epoch}, step {self.step} of {self.epoch_steps}")


def _diverged(what: str) -> JobError:
    hint = "lower sparse_lr and dense_lr, and look for huge values in numeric columns"
    return JobError("SR520", f"training diverged: {what}", hint=hint)
