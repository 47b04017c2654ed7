"""What a model is trained for. Light: controllers say it, jobs read it.

It decides which labels a table must have, what the outputs mean and which metrics are measured.
"""

from __future__ import annotations

from enum import StrEnum


class Objective(StrEnum):
    """What the outputs of a trained model are, one array per output column, rows first.

    ``BINARY`` probability of label 1 (``[rows]``; one output a label column); ``MULTICLASS`` probabilities
    ``[rows, classes]``; ``REGRESSION`` a number; ``RANKING`` a relevance score, comparable within a group;
    ``RETRIEVAL`` embeddings ``[rows, dim]`` of two towers; ``CLUSTERING`` cluster number and distance;
    ``TRANSFORM`` a vector.
    """

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    RANKING = "ranking"
    RETRIEVAL = "retrieval"
    CLUSTERING = "clustering"
    TRANSFORM = "transform"

    @property
    def has_label(self) -> bool:
        """Whether training rows need a label column."""
        return self not in (Objective.CLUSTERING, Objective.TRANSFORM)
