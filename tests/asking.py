"""Clients that ask a service all the time, while a test changes what answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Answer = TypeVar("Answer")


@contextmanager
def asking(ask: Callable[[], Answer], *, clients: int = 4, pause: float = 0.0) -> Iterator[list[Answer]]:
    """Threads that call ``ask`` again and again until the block is left; their answers so far.

    Each waits ``pause`` seconds before it asks. A call that raises fails the test at the end of the block.
    """
    answers: list[Answer] = []
    problems: list[BaseException] = []
    done = threading.Event()

    def client() -> None:
        while not done.wait(pause):
            try:
                answers.append(ask())
            except BaseException as error:
                problems.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert problems == []
