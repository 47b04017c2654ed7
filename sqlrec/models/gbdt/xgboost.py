"""Trees of XGBoost over an ordinal matrix; its model file is ``xgboost.json``.

JSON, because XGBoost ends the process when it reads a damaged binary file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from onnx import ModelProto

from sqlrec.features.matrix import Encoding
from sqlrec.models.cores import free_cores
from sqlrec.models.gbdt.lightgbm import refused
from sqlrec.models.gbdt.metrics import CUT, HIGHER_IS_BETTER
from sqlrec.models.gbdt.settings import Settings
from sqlrec.models.gbdt.watch import Watch
from sqlrec.models.gbdt.xgboost_json import base_scores, read_trees
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.checkpoint import unreadable
from sqlrec.models.tabular.estimator import Examples, Floats, Learned, Lesson
from sqlrec.models.tabular.trees import Branch, Link, ensemble

FILE = "xgboost.json"
OBJECTIVES = {
    Objective.BINARY: "binary:logistic",
    Objective.MULTICLASS: "multi:softprob",
    Objective.REGRESSION: "reg:squarederror",
    Objective.RANKING: "rank:ndcg",
}
METRICS = {
    "auc": "auc",
    "logloss": "logloss",
    "rmse": "rmse",
    "multi_logloss": "mlogloss",
    "ndcg": f"ndcg@{CUT}",
}
LINKS = {"binary:logistic": Link.SIGMOID, "multi:softprob": Link.SOFTMAX}


@dataclass(frozen=True, slots=True)
class XGBoostTrees:
    """A trained booster."""

    booster: xgb.Booster

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """Probabilities, a number or a score: float32 ``[rows]`` or ``[rows, classes]``."""
        data = xgb.DMatrix(matrix, feature_types=self.booster.feature_types)
        return (np.asarray(self.booster.predict(data), np.float32),)

    def save(self, folder: Path) -> None:
        """Write ``xgboost.json``."""
        (folder / FILE).write_bytes(bytes(self.booster.save_raw("json")))

    def graph(self, outputs: tuple[str, ...]) -> ModelProto:
        """The trees as ONNX."""
        data = json.loads(self.booster.save_raw("json"))
        objective = data["learner"]["objective"]["name"]
        base, link = base_scores(data), LINKS.get(objective, Link.IDENTITY)
        if link is Link.SIGMOID:
            base = [math.log(value / (1 - value)) for value in base]
        sums = max(int(data["learner"]["learner_model_param"]["num_class"]), 1)
        return ensemble(read_trees(data), Branch.BELOW, (base * sums)[:sums], link, outputs[0])

    def importance(self) -> Mapping[int, float]:
        """Total gain of the splits by column."""
        gains: Mapping[str, Any] = self.booster.get_score(importance_type="total_gain")
        return {int(name[1:]): float(gain) for name, gain in gains.items()}


@dataclass(frozen=True, slots=True)
class XGBoost:
    """Learner of ``gbdt.xgboost``."""

    encoding: Encoding | None = Encoding.ORDINAL

    def fit(self, lesson: Lesson) -> Learned:
        """Boost for ``num_iterations`` rounds, or until early stopping; raises ``DataError`` SR545."""
        settings = Settings(lesson.options, lesson.objective)
        types = ["c" if i in lesson.categorical else "q" for i in range(len(lesson.names))]
        base = None if lesson.base is None else self.load(lesson.base).booster
        watch = Watch(
            settings.metric,
            settings.metric,
            settings.whole("num_iterations"),
            len(lesson.train),
            lesson.progress,
        )
        try:
            train = _data(lesson.train, types, is_training=True)
            valid = [] if lesson.validation is None else [(_data(lesson.validation, types), "validation")]
            callbacks: list[Any] = [_Watching(watch, train, METRICS[settings.metric])]
            if settings.stopping and valid:
                callbacks.append(
                    xgb.callback.EarlyStopping(
                        rounds=settings.stopping, maximize=settings.metric in HIGHER_IS_BETTER, save_best=True
                    )
                )
            booster = xgb.train(
                _parameters(lesson, settings),
                train,
                num_boost_round=watch.rounds,
                evals=valid,
                verbose_eval=False,
                xgb_model=base,
                callbacks=callbacks,
            )
        except xgb.core.XGBoostError as error:
            raise refused("XGBoost", error) from error
        rounds = booster.num_boosted_rounds()
        kept = _reloaded(bytes(booster.save_raw("json")), lesson.threads)
        return Learned(
            estimator=XGBoostTrees(kept),
            curves=tuple(watch.curves),
            passes=watch.done,
            params={"trees": str(rounds * max(lesson.classes, 1)), "best_round": str(rounds)},
        )

    def load(self, folder: Path) -> XGBoostTrees:
        """The saved estimator; ``StateError`` SR521 for a damaged one."""
        try:
            return XGBoostTrees(_reloaded((folder / FILE).read_bytes(), free_cores()))
        except (OSError, ValueError, xgb.core.XGBoostError) as error:
            raise unreadable(folder, error) from error


def _reloaded(model: bytes, threads: int) -> xgb.Booster:
    """The booster of a model file, without what training attached to it; ``ValueError`` for no JSON."""
    json.loads(model)
    booster = xgb.Booster({"nthread": threads, "verbosity": 0})
    booster.load_model(bytearray(model))
    booster.set_attr(best_iteration=None, best_score=None)
    return booster


def _parameters(lesson: Lesson, settings: Settings) -> dict[str, Any]:
    return {
        "objective": OBJECTIVES[lesson.objective],
        "eval_metric": METRICS[settings.metric],
        **({"num_class": lesson.classes} if lesson.objective is Objective.MULTICLASS else {}),
        "eta": settings.number("learning_rate"),
        "max_depth": settings.whole("max_depth"),
        "min_child_weight": settings.number("min_child_weight"),
        "colsample_bytree": settings.number("feature_fraction"),
        "subsample": settings.number("bagging_fraction"),
        "reg_lambda": settings.number("l2_regularization"),
        "seed": settings.seed,
        "nthread": lesson.threads,
        "tree_method": "hist",
        "verbosity": 0,
    }


def _data(examples: Examples, types: list[str], *, is_training: bool = False) -> xgb.DMatrix:
    weights = examples.weights if is_training else None
    if weights is not None and examples.groups is not None:
        weights = group_weights(weights, examples.groups)
    make = xgb.QuantileDMatrix if is_training else xgb.DMatrix
    return make(
        examples.matrix,
        label=examples.labels,
        weight=weights,
        qid=examples.groups,
        feature_types=types,
        enable_categorical=True,
    )


def group_weights(weights: npt.NDArray[np.float32], groups: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """The mean weight of the rows of each group, in the order of the groups, which stand side by side."""
    starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    sizes = np.diff(np.append(starts, len(groups)))
    means: npt.NDArray[np.float32] = (np.add.reduceat(weights, starts) / sizes).astype(np.float32)
    return means


class _Watching(xgb.callback.TrainingCallback):
    def __init__(self, watch: Watch, train: xgb.DMatrix, metric: str) -> None:
        super().__init__()
        self.watch, self.train, self.metric, self.done = watch, train, metric, 0

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: Any) -> bool:
        self.done += 1
        scores = evals_log["validation"][self.metric] if evals_log else []
        self.watch(self.done, float(scores[-1]) if scores else None, lambda: self._on_train(model))
        return False

    def _on_train(self, model: xgb.Booster) -> float:
        return float(str(model.eval(self.train)).rpartition(":")[2])


LEARNER = XGBoost()
