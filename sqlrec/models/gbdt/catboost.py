"""Trees of CatBoost over numbers and whole texts; its model file is ``model.cbm``, served as it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import catboost
import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from sqlrec.errors import DataError
from sqlrec.features.matrix import Encoding
from sqlrec.models.gbdt.catboost_file import (
    MAPPING_FILE,
    MODEL_FILE,
    Answer,
    Mapped,
    RawModel,
    answers,
    opened,
    pool,
)
from sqlrec.models.gbdt.lightgbm import refused
from sqlrec.models.gbdt.metrics import CUT
from sqlrec.models.gbdt.options import catboost_value
from sqlrec.models.gbdt.settings import Settings
from sqlrec.models.gbdt.watch import Watch
from sqlrec.models.gbdt.xgboost import group_weights
from sqlrec.models.objective import Objective
from sqlrec.models.tabular.checkpoint import ENCODER, unreadable
from sqlrec.models.tabular.estimator import Examples, Floats, Learned, Lesson, NativeFile
from sqlrec.models.tabular.native import NativeEncoder

LOSSES = {
    Objective.BINARY: "Logloss",
    Objective.MULTICLASS: "MultiClass",
    Objective.REGRESSION: "RMSE",
    Objective.RANKING: "YetiRank",
}
ANSWERS = {
    Objective.BINARY: Answer.PROBABILITY,
    Objective.MULTICLASS: Answer.PROBABILITIES,
    Objective.REGRESSION: Answer.VALUE,
    Objective.RANKING: Answer.VALUE,
}
METRICS = {
    "auc": "AUC",
    "logloss": "Logloss",
    "rmse": "RMSE",
    "multi_logloss": "MultiClass",
    "ndcg": f"NDCG:top={CUT};type=Exp",
}
LEARNT = {
    Objective.BINARY: "logloss",
    Objective.MULTICLASS: "multi_logloss",
    Objective.REGRESSION: "rmse",
    Objective.RANKING: "pfound",
}
"""What CatBoost measures on the training rows: its loss, or what it stands for."""
KEPT = frozenset({"params", "class_params"})
"""Facts that stay in a model file; the others tell when and where it was made."""

Texts = Mapping[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class CatBoostTrees:
    """A trained model: the bytes of its file, the model read from them, and the texts of codes by column."""

    content: bytes
    model: catboost.CatBoost
    texts: Texts
    answer: Answer

    @classmethod
    def read(cls, content: bytes, texts: Texts, answer: Answer) -> CatBoostTrees:
        """From the bytes of a file; raises ``catboost.CatBoostError``."""
        return cls(content, opened(content), texts, answer)

    def predict(self, matrix: Floats) -> tuple[npt.NDArray[Any], ...]:
        """Probabilities, a number or a score: float32 ``[rows]`` or ``[rows, classes]``."""
        return (answers(self.model, _rows(matrix, self.texts), self.answer),)

    def save(self, folder: Path) -> None:
        """Write ``model.cbm``."""
        (folder / MODEL_FILE).write_bytes(self.content)

    def graph(self, outputs: tuple[str, ...]) -> ModelProto | None:
        """None: ONNX has nothing for statistics of the label."""
        return None

    def file(self, encoder: NativeEncoder, output: str) -> NativeFile:
        """``model.cbm`` and ``catboost.json``."""
        mapped = Mapped.of(encoder, self.answer, output)
        return NativeFile(
            content=self.content,
            suffix=Path(MODEL_FILE).suffix,
            opener=lambda content: RawModel(opened(content), mapped),
            files={MAPPING_FILE: mapped.dumps()},
        )

    def importance(self) -> Mapping[int, float]:
        """Mean change of the prediction by column."""
        changes = self.model.get_feature_importance(type="PredictionValuesChange")
        return dict(enumerate(np.asarray(changes, np.float64).tolist()))


@dataclass(frozen=True, slots=True)
class CatBoost:
    """Learner of ``gbdt.catboost``."""

    encoding: Encoding | None = None

    def fit(self, lesson: Lesson) -> Learned:
        """Boost for ``cb_iterations`` rounds, or until early stopping; raises ``DataError`` SR545."""
        settings = Settings(lesson.options, lesson.objective)
        parameters = _parameters(lesson, settings)
        stops = bool(settings.stopping and lesson.validation)
        watch = Watch(
            settings.metric,
            LEARNT[lesson.objective],
            parameters["iterations"],
            len(lesson.train),
            lesson.progress,
        )
        base = None if lesson.base is None else self.load(lesson.base).model
        model = catboost.CatBoost(parameters)
        try:
            model.fit(
                _pool(lesson.train, lesson.texts, is_training=True),
                eval_set=None if lesson.validation is None else _pool(lesson.validation, lesson.texts),
                use_best_model=stops,
                early_stopping_rounds=settings.stopping if stops else None,
                init_model=base,
                callbacks=[_Watching(watch, METRICS[settings.metric])],
            )
        except catboost.CatBoostError as error:
            raise _refused(error) from error
        trees = CatBoostTrees.read(_content(model), lesson.texts, ANSWERS[lesson.objective])
        count = str(trees.model.tree_count_)
        return Learned(
            estimator=trees,
            curves=tuple(watch.curves),
            passes=watch.done,
            params={"trees": count, "best_round": count},
        )

    def load(self, folder: Path) -> CatBoostTrees:
        """The saved estimator; ``StateError`` SR521 for a damaged one."""
        try:
            encoder = NativeEncoder.from_json(json.loads((folder / ENCODER).read_text(encoding="utf-8")))
            content = (folder / MODEL_FILE).read_bytes()
            loss = json.loads(opened(content).get_metadata()["params"])["metrics"]["objective_metric"]["type"]
            objective = next(objective for objective, name in LOSSES.items() if name == loss)
            return CatBoostTrees.read(content, encoder.texts, ANSWERS[objective])
        except (OSError, ValueError, KeyError, StopIteration, DataError, catboost.CatBoostError) as error:
            raise unreadable(folder, error) from error


def _refused(error: Exception) -> DataError:
    """SR545, without the place in CatBoost's source."""
    return refused("CatBoost", Exception(str(error).partition(": ")[2] or str(error)))


def _content(model: catboost.CatBoost) -> bytes:
    """The bytes of the model's file, the same for the same training."""
    facts = model.get_metadata()
    for key in [key for key in facts.keys() if key not in KEPT]:  # noqa: SIM118 - it is no mapping
        del facts[key]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL_FILE
        model.save_model(str(path))
        return path.read_bytes()


def _parameters(lesson: Lesson, settings: Settings) -> dict[str, Any]:
    options = lesson.options
    return {
        "loss_function": LOSSES[lesson.objective],
        "eval_metric": METRICS[settings.metric],
        **({"classes_count": lesson.classes} if lesson.objective is Objective.MULTICLASS else {}),
        "iterations": int(catboost_value(options, "cb_iterations")),
        "depth": int(catboost_value(options, "cb_depth")),
        "l2_leaf_reg": catboost_value(options, "cb_l2_leaf_reg"),
        "learning_rate": settings.number("learning_rate"),
        "random_seed": settings.seed,
        "thread_count": lesson.threads,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }


def _rows(matrix: Floats, texts: Texts, **more: Any) -> catboost.Pool:
    """The rows of a matrix: columns without texts are numbers."""
    floats = [matrix[:, i] for i in range(matrix.shape[1]) if i not in texts]
    return pool(floats, [_words(matrix[:, i], known) for i, known in texts.items()], **more)


def _words(codes: Floats, known: Sequence[str]) -> npt.NDArray[np.object_]:
    """The texts of codes, in UTF-8: 0 is missing, beyond the known ones is a text that training had not."""
    unseen = max(known, key=len, default="") + "?"
    words = np.array([text.encode() for text in ("", *known, unseen)], dtype=object)
    found: npt.NDArray[np.object_] = words[codes.astype(np.int64)]
    return found


def _pool(examples: Examples, texts: Texts, *, is_training: bool = False) -> catboost.Pool:
    weights = examples.weights if is_training else None
    more: dict[str, Any] = {"label": examples.labels}
    if examples.groups is not None:
        more["group_id"] = examples.groups
        if weights is not None:
            more["group_weight"] = group_weights(weights, examples.groups)[_places(examples.groups)]
    elif weights is not None:
        more["weight"] = weights
    return _rows(examples.matrix, texts, **more)


def _places(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The position of each row's group among groups that stand side by side."""
    return np.cumsum(np.diff(groups, prepend=groups[0]) != 0)


class _Watching:
    def __init__(self, watch: Watch, metric: str) -> None:
        self.watch, self.metric = watch, metric

    def after_iteration(self, info: Any) -> bool:
        validation = info.metrics.get("validation", {}).get(self.metric)
        learnt = next(iter(info.metrics.get("learn", {}).values()), [float("nan")])
        self.watch(len(learnt), validation[-1] if validation else None, lambda: float(learnt[-1]))
        return True


LEARNER = CatBoost()
