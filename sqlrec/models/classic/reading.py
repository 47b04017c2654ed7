"""Effective options of a lesson as the types their declarations promise."""

from __future__ import annotations

from typing import cast

from sqlrec.models.tabular.estimator import Lesson


def whole(lesson: Lesson, key: str) -> int:
    """An integer option that has a value."""
    return cast(int, lesson.options[key])


def number(lesson: Lesson, key: str) -> float:
    """A number option that has a value."""
    return float(cast(float, lesson.options[key]))


def flag(lesson: Lesson, key: str) -> bool:
    """A boolean option that has a value."""
    return cast(bool, lesson.options[key])


def text(lesson: Lesson, key: str) -> str:
    """A string option; empty when it has no value."""
    return str(lesson.options.get(key) or "")
