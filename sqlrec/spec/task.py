"""What a model is for, under the names that dialects give it."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """Tasks of FLIP-437 and Flink; each has its own metrics."""

    REGRESSION = "regression"
    CLUSTERING = "clustering"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    TEXT_GENERATION = "text_generation"


ALIASES = {
    "chat_completion": Task.TEXT_GENERATION,
    "messages": Task.TEXT_GENERATION,
    "generation": Task.TEXT_GENERATION,
    "embeddings": Task.EMBEDDING,
}
"""Names that providers use."""


def task_of(text: str) -> Task | None:
    """The task of a name, without regard to case and with ``-`` equal to ``_``; None for an unknown one."""
    folded = text.strip().replace("-", "_").casefold()
    return ALIASES.get(folded) or next((task for task in Task if task == folded), None)
