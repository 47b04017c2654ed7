"""Metrics of ML_EVALUATE: actual and predicted columns → numbers under Flink's names.

Definitions are those of the code proposed for Flink (FLINK-37938); a row with a NULL label or prediction is
left out, and no rows give no metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import DataError, SchemaError
from sqlrec.scoring import quality
from sqlrec.spec.task import Task

Vector = npt.NDArray[np.float64]
Metrics = dict[str, float]


def evaluate(task: Task, actual: pa.Array, predicted: pa.Array) -> Metrics | None:
    """The metrics of ``task`` over rows of a label and a prediction; None when no row has both.

    For clustering ``actual`` are vectors, the inputs of the model. Raises ``SchemaError`` SR432 for columns
    of types that the task cannot compare, and ``DataError`` SR436 for vectors of unequal length.
    """
    both = pc.and_(actual.is_valid(), predicted.is_valid())
    if not pc.any(both).as_py():
        return None
    return MEASURES[task](actual.filter(both), predicted.filter(both))


def classification(actual: pa.Array, predicted: pa.Array) -> Metrics:
    """Accuracy, and precision and recall averaged over the classes that occur as labels.

    F1 is the harmonic mean of these two averages. Text is compared without regard to case, numbers by
    value; a prediction that is a fraction is the probability of class 1.
    """
    return quality.classification(*_classes(actual, predicted))


def _classes(actual: pa.Array, predicted: pa.Array) -> tuple[npt.ArrayLike, npt.ArrayLike]:
    """Labels and predictions in a form in which equal classes are equal."""
    if not (_is_number(actual.type) and _is_number(predicted.type)):
        return [_text(v) for v in actual.to_pylist()], [_text(v) for v in predicted.to_pylist()]
    labels, answers = _numbers(actual), _numbers(predicted)
    if pa.types.is_floating(predicted.type) and ((answers >= 0) & (answers <= 1)).all():
        answers = np.where(answers >= 0.5, 1.0, 0.0)
    return labels, answers


def _text(value: object) -> str:
    return str(value).casefold()


def regression(actual: pa.Array, predicted: pa.Array) -> Metrics:
    """Errors of numbers. A row with the actual value 0 adds nothing to MAPE but counts; R2 may be NaN."""
    return quality.regression(_numbers(actual), _numbers(predicted))


def embedding(actual: pa.Array, predicted: pa.Array) -> Metrics:
    """Means over rows of how near two vectors are to each other."""
    pairs = list(zip(_vectors(actual), _vectors(predicted), strict=True))
    for row, (truth, guess) in enumerate(pairs):
        if len(truth) != len(guess):
            raise DataError("SR436", f"row {row}: vectors of {len(truth)} and {len(guess)} values")
    return {
        "Mean Cosine Similarity": _mean(pairs, _cosine),
        "Mean Jaccard Similarity": _mean(pairs, _jaccard),
        "Mean Euclidean Distance": _mean(pairs, lambda a, b: float(np.linalg.norm(a - b))),
    }


def _cosine(a: Vector, b: Vector) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else 0.0


def _jaccard(a: Vector, b: Vector) -> float:
    """Σ min / Σ max, both shifted so that no value is negative."""
    shift = min(0.0, float(min(a.min(initial=0.0), b.min(initial=0.0))))
    largest = float(np.maximum(a - shift, b - shift).sum())
    return float(np.minimum(a - shift, b - shift).sum()) / largest if largest else 1.0


def text_generation(actual: pa.Array, predicted: pa.Array) -> Metrics:
    """Means over rows of how much of two texts' words is shared."""
    pairs = [
        (str(a).split(), str(b).split())
        for a, b in zip(actual.to_pylist(), predicted.to_pylist(), strict=True)
    ]
    return {
        "Mean BLEU": _mean(pairs, _bleu),
        "Mean ROUGE": _mean(pairs, _rouge),
        "Mean Semantic Similarity": _mean(pairs, _word_overlap),
    }


def _bleu(reference: list[str], answer: list[str]) -> float:
    """Share of the answer's words that the reference has, less a penalty for an answer that is shorter."""
    if not answer:
        return 0.0
    penalty = float(np.exp(1 - max(len(reference) / len(answer), 1.0)))
    return _shared(reference, answer) / len(answer) * penalty


def _rouge(reference: list[str], answer: list[str]) -> float:
    """Share of the reference's words that the answer has (ROUGE-1 recall)."""
    return _shared(reference, answer) / len(reference) if reference else 0.0


def _shared(a: list[str], b: list[str]) -> int:
    return (Counter(a) & Counter(b)).total()


def _word_overlap(reference: list[str], answer: list[str]) -> float:
    a, b = ({word.lower() for word in words} for words in (reference, answer))
    return len(a & b) / len(a | b) if a | b else 1.0


def clustering(actual: pa.Array, predicted: pa.Array) -> Metrics:
    """The Davies-Bouldin index of the clusters that the predictions make of the inputs; lower is better.

    D. Davies and D. Bouldin, "A cluster separation measure", 1979. NaN for a single cluster.
    """
    points = np.stack(_vectors(actual))
    names = np.array([str(name) for name in predicted.to_pylist()])
    clusters = [points[names == name] for name in np.unique(names)]
    centers = np.stack([cluster.mean(axis=0) for cluster in clusters])
    spread = np.array(
        [
            np.linalg.norm(cluster - center, axis=1).mean()
            for cluster, center in zip(clusters, centers, strict=True)
        ]
    )
    if len(clusters) < 2:
        return {"Mean Davies-Bouldin Index": float("nan")}
    distance = np.linalg.norm(centers[:, None] - centers[None, :], axis=2)
    np.fill_diagonal(distance, np.inf)
    with np.errstate(divide="ignore"):
        ratios = (spread[:, None] + spread[None, :]) / distance
    return {"Mean Davies-Bouldin Index": float(ratios.max(axis=1).mean())}


def _mean(pairs: Sequence[tuple[Any, Any]], measure: Callable[[Any, Any], float]) -> float:
    return sum(measure(a, b) for a, b in pairs) / len(pairs)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def _numbers(column: pa.Array) -> Vector:
    if not _is_number(column.type):
        raise SchemaError("SR432", f"a column of type {column.type} holds no numbers to compare")
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))


def _vectors(column: pa.Array) -> list[Vector]:
    if not (pa.types.is_list(column.type) and _is_number(column.type.value_type)):
        raise SchemaError("SR432", f"a column of type {column.type} holds no vectors to compare")
    return [np.asarray(value, np.float64) for value in column.to_pylist()]


MEASURES: dict[Task, Callable[[pa.Array, pa.Array], Metrics]] = {
    Task.CLASSIFICATION: classification,
    Task.REGRESSION: regression,
    Task.EMBEDDING: embedding,
    Task.TEXT_GENERATION: text_generation,
    Task.CLUSTERING: clustering,
}
"""What each task measures."""
