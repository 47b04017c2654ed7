"""Trees of LightGBM over an ordinal matrix; its model file is ``model.txt``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.errors import DataError
from sqlrec.features.matrix import Encoding
from sqlrec.models.cores import free_cores
from sqlrec.models.gbdt.lightgbm_text import read_trees
from sqlrec.models.gbdt.metrics import CUT
from sqlrec.models.gbdt.settings import Settings
from sqlrec.models.gbdt.watch import Watch
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.checkpoint import unreadable
from sqlrec.models.tabular.estimator import Examples, Floats, Learned, Lesson
from sqlrec.models.tabular.trees import Branch, Link, ensemble

FILE = "model.txt"
OBJECTIVES = {
    Objective.BINARY: "binary",
    Objective.MULTICLASS: "multiclass",
    Objective.REGRESSION: "regression",
    Objective.RANKING: "lambdarank",
}
METRICS = {
    "auc": "auc",
    "logloss": "binary_logloss",
    "rmse": "rmse",
    "multi_logloss": "multi_logloss",
    "ndcg": "ndcg",
}
LINKS = {"binary": Link.SIGMOID, "multiclass": Link.SOFTMAX}
QUIET = {"verbosity": -1}


@dataclass(frozen=True, slots=True)
class LightGBMTrees:
    """A trained booster."""

    booster: lgb.Booster

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """Probabilities, a number or a score: float32 ``[rows]`` or ``[rows, classes]``."""
        answers = self.booster.predict(matrix, num_threads=free_cores())
        return (np.asarray(answers, np.float32),)

    def save(self, folder: Path) -> None:
        """Write ``model.txt``."""
        (folder / FILE).write_text(self.booster.model_to_string(), encoding="utf-8")

    def graph(self, outputs: tuple[str, ...]) -> ModelProto:
        """The trees as ONNX."""
        objective, trees = read_trees(self.booster.model_to_string())
        sums = self.booster.num_model_per_iteration()
        link = LINKS.get(objective, Link.IDENTITY)
        return ensemble(trees, Branch.AT_MOST, [0.0] * sums, link, outputs[0])

    def importance(self) -> Mapping[int, float]:
        """Total gain of the splits by column."""
        return dict(enumerate(self.booster.feature_importance("gain").tolist()))


@dataclass(frozen=True, slots=True)
class LightGBM:
    """Learner of ``gbdt.lightgbm``."""

    encoding: Encoding | None = Encoding.ORDINAL

    def fit(self, lesson: Lesson) -> Learned:
        """Boost for ``num_iterations`` rounds, or until early stopping; raises ``DataError`` SR545."""
        settings = Settings(lesson.options, lesson.objective)
        parameters = _parameters(lesson, settings)
        train = _dataset(lesson, lesson.train, parameters)
        valid = [] if lesson.validation is None else [_dataset(lesson, lesson.validation, parameters, train)]
        rounds, before = settings.whole("num_iterations"), 0
        base = None if lesson.base is None else self.load(lesson.base).booster
        if base is not None:
            before = base.current_iteration()
        watch = Watch(settings.metric, settings.metric, rounds, len(lesson.train), lesson.progress)
        callbacks: list[Any] = [_watching(watch, before)]
        if settings.stopping and valid:
            callbacks.append(lgb.early_stopping(settings.stopping, first_metric_only=True, verbose=False))
        try:
            booster = lgb.train(
                parameters,
                train,
                num_boost_round=rounds,
                valid_sets=valid,
                valid_names=["validation"][: len(valid)],
                init_model=base,
                callbacks=callbacks,
            )
        except lgb.basic.LightGBMError as error:
            raise refused("LightGBM", error) from error
        best = booster.best_iteration if settings.stopping and booster.best_iteration > 0 else -1
        kept = _reloaded(booster.model_to_string(num_iteration=best))
        return Learned(
            estimator=LightGBMTrees(kept),
            curves=tuple(watch.curves),
            passes=watch.done,
            params={"trees": str(kept.num_trees()), "best_round": str(kept.current_iteration())},
        )

    def load(self, folder: Path) -> LightGBMTrees:
        """The saved estimator; ``StateError`` SR521 for a damaged one."""
        try:
            return LightGBMTrees(_reloaded((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, lgb.basic.LightGBMError) as error:
            raise unreadable(folder, error) from error


def refused(library: str, error: Exception) -> DataError:
    """SR545: the library does not train on these rows with these options."""
    return DataError(
        "SR545",
        f"{library} refuses to train: {str(error).strip().splitlines()[-1][:300]}",
        hint="check the options of the statement and the values of the table",
    )


def _reloaded(text: str) -> lgb.Booster:
    """The booster of a model file, without its training data."""
    if not text.startswith("tree\n") or "end of trees" not in text:
        raise lgb.basic.LightGBMError(f"{FILE} is not whole")
    return lgb.Booster(model_str=text)


def _parameters(lesson: Lesson, settings: Settings) -> dict[str, Any]:
    return {
        **QUIET,
        "objective": OBJECTIVES[lesson.objective],
        "metric": METRICS[settings.metric],
        "eval_at": [CUT],
        **({"num_class": lesson.classes} if lesson.objective is Objective.MULTICLASS else {}),
        "learning_rate": settings.number("learning_rate"),
        "max_depth": settings.whole("max_depth"),
        "num_leaves": settings.whole("num_leaves"),
        "min_data_in_leaf": settings.whole("min_data_in_leaf"),
        "feature_fraction": settings.number("feature_fraction"),
        "bagging_fraction": settings.number("bagging_fraction"),
        "bagging_freq": settings.whole("bagging_freq"),
        "lambda_l2": settings.number("l2_regularization"),
        "seed": settings.seed,
        "num_threads": lesson.threads,
        "deterministic": True,
        "force_row_wise": True,
    }


def _dataset(
    lesson: Lesson, examples: Examples, parameters: Mapping[str, Any], reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    return lgb.Dataset(
        examples.matrix,
        label=examples.labels,
        weight=examples.weights if reference is None else None,
        group=group_sizes(examples.groups),
        feature_name=[f"c{i}" for i in range(len(lesson.names))],
        categorical_feature=list(lesson.categorical),
        params=dict(parameters),
        reference=reference,
    )


def group_sizes(groups: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int64] | None:
    """Rows of each group, for rows that stand side by side."""
    if groups is None:
        return None
    starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    return np.diff(np.append(starts, len(groups)))


def _watching(watch: Watch, before: int) -> Any:
    def after_round(env: lgb.callback.CallbackEnv) -> None:
        booster: Any = env.model
        validation = env.evaluation_result_list[0][2] if env.evaluation_result_list else None
        watch(env.iteration + 1 - before, validation, lambda: booster.eval_train()[0][2])

    return after_round


LEARNER = LightGBM()
