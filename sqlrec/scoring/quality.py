"""How good predicted classes and numbers are, under Flink's names: for ML_EVALUATE and EVALUATE MODEL.

Whole columns at once, since EVALUATE MODEL measures tables of any size.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def classification(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> dict[str, float]:
    """Accuracy, precision, recall and F1 of predicted classes, both ``[rows]``, rows > 0.

    As Flink's task: precision and recall are means over the classes that occur in ``actual``, 0 where a
    denominator is 0, and F1 is the harmonic mean of the two.
    """
    both = np.concatenate([np.asarray(actual), np.asarray(predicted)])
    classes, codes = np.unique(both, return_inverse=True)
    truth, guess = np.split(codes, 2)
    hits = np.bincount(truth[truth == guess], minlength=len(classes)).astype(np.float64)
    guesses = np.bincount(guess, minlength=len(classes))
    rows = np.bincount(truth, minlength=len(classes))
    occurs = rows > 0
    precision = float(np.mean((hits / np.maximum(guesses, 1))[occurs]))
    recall = float(np.mean((hits / np.maximum(rows, 1))[occurs]))
    total = precision + recall
    return {
        "Accuracy": float(hits.sum() / len(truth)),
        "Precision": precision,
        "Recall": recall,
        "F1": 2 * precision * recall / total if total else 0.0,
    }


def regression(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> dict[str, float]:
    """MAE, MSE, RMSE, MAPE (per cent) and R2 of predicted numbers, both ``[rows]``, rows > 0.

    As Flink's task: a row with the actual value 0 adds 0 to MAPE but is counted, and R2 is NaN when all
    actual values are equal.
    """
    actual, predicted = np.asarray(actual, np.float64), np.asarray(predicted, np.float64)
    error = actual - predicted
    squares, spread = error @ error, np.square(actual - actual.mean()).sum()
    share = np.divide(np.abs(error), np.abs(actual), out=np.zeros_like(error), where=actual != 0)
    mse = float(squares / len(error))
    return {
        "MAE": float(np.abs(error).mean()),
        "MSE": mse,
        "RMSE": math.sqrt(mse),
        "MAPE": float(share.mean() * 100),
        "R2": float(1 - squares / spread) if spread > 0 else math.nan,
    }
