from __future__ import annotations

import pytest

from sqlrec.spec.task import Task, task_of


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("REGRESSION", Task.REGRESSION),
        ("text-generation", Task.TEXT_GENERATION),
        ("chat-completion", Task.TEXT_GENERATION),
        (" messages ", Task.TEXT_GENERATION),
        ("embeddings", Task.EMBEDDING),
        ("ranking", None),
        ("", None),
    ],
)
def test_tasks_by_the_names_that_dialects_give_them(name: str, task: Task | None) -> None:
    assert task_of(name) is task
