"""Quality of class probabilities against class numbers: one label out of several.

scikit-learn gives the same values (tested); here everything is a few passes of NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlrec.models.measuring.measures import CLASS_CUTS
from sqlrec.models.measuring.metrics import SMALLEST_PROBABILITY, auc
from sqlrec.scoring.quality import classification

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

SHOWN_CLASSES = 30
"""Most classes of a confusion matrix: more of them would be no picture."""


def numbers(labels: Ints, probabilities: Floats) -> dict[str, float]:
    """Metrics of ``probabilities`` [rows, classes] against class numbers [rows], below 0 where unknown.

    ``auc`` is the mean over the classes that occur of their AUC against the rest, ``precision``, ``recall``
    and ``f1`` are Flink's. A class that the model does not know is a wrong answer of probability 0.
    """
    found = classification(labels, np.argmax(probabilities, axis=1))
    return {
        "logloss": logloss(labels, probabilities),
        **{name.casefold(): value for name, value in found.items()},
        "auc": one_against_rest(labels, probabilities),
        **{f"accuracy_{k}": top(labels, probabilities, k) for k in CLASS_CUTS if k < probabilities.shape[1]},
    }


def logloss(labels: Ints, probabilities: Floats) -> float:
    """Mean negative log-likelihood in nats of the true class, bounded away from 0."""
    given = np.where(labels >= 0, probabilities[np.arange(len(labels)), np.maximum(labels, 0)], 0.0)
    return float(-np.mean(np.log(np.clip(given.astype(np.float64), SMALLEST_PROBABILITY, 1.0))))


def one_against_rest(labels: Ints, probabilities: Floats) -> float:
    """Mean AUC of the classes that occur, each against all others; NaN when there is only one."""
    occur = np.unique(labels[labels >= 0])
    found = [auc(labels == c, probabilities[:, c]) for c in occur.tolist()]
    return float(np.mean(found)) if found else float("nan")


def top(labels: Ints, probabilities: Floats, k: int) -> float:
    """Share of the rows whose class is among the ``k`` likeliest; a tie at the k-th place counts in part."""
    rows = np.arange(len(labels))
    given = probabilities[rows, np.maximum(labels, 0)][:, None]
    above = np.sum(probabilities > given, axis=1)
    equal = np.sum(probabilities == given, axis=1)
    within = np.clip((k - above) / equal, 0.0, 1.0)
    return float(np.mean(np.where(labels >= 0, within, 0.0)))


def confusion(labels: Ints, probabilities: Floats, names: Sequence[str]) -> dict[str, list[Any]]:
    """``classes`` and ``counts``: rows by true class, columns by predicted class.

    The most frequent :data:`SHOWN_CLASSES` classes in their order; the others, and true classes that the
    model does not know, are one class ``other``.
    """
    width = probabilities.shape[1]
    guess = np.argmax(probabilities, axis=1)
    frequent = np.argsort(-np.bincount(labels[labels >= 0], minlength=width), kind="stable")
    kept = np.sort(frequent[: SHOWN_CLASSES if width <= SHOWN_CLASSES else SHOWN_CLASSES - 1])
    place = np.full(width + 1, len(kept))
    place[kept] = np.arange(len(kept))
    truth = place[np.where(labels >= 0, labels, width)]
    counts = np.zeros((len(kept) + 1, len(kept) + 1), np.int64)
    np.add.at(counts, (truth, place[guess]), 1)
    shown = [names[c] if c < len(names) else str(c) for c in kept.tolist()]
    if counts[-1].any() or counts[:, -1].any():
        return {"classes": [*shown, "other"], "counts": counts.tolist()}
    return {"classes": list(shown), "counts": counts[:-1, :-1].tolist()}
