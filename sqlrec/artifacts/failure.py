"""``<output>.error.json``: why a job failed, told by its program to whoever started it."""

from __future__ import annotations

import json

from sqlrec.artifacts import store
from sqlrec.artifacts.store import Place

ENDING = ".error.json"


def write_failure(output: Place, *, code: str, message: str, hint: str) -> None:
    """Leave the reason beside the output; raises ``SetupError`` SR703, SR75x."""
    told = {"code": code, "message": message, "hint": hint}
    store.write(store.beside(output, ENDING), json.dumps(told, ensure_ascii=False).encode())


def read_failure(output: Place) -> dict[str, str]:
    """The reason: ``code``, ``message``, ``hint``; empty when the program could not leave one."""
    try:
        told = json.loads(store.read(store.beside(output, ENDING)))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}


def clear_failure(output: Place) -> None:
    """Remove the reason of an earlier try."""
    store.remove(store.beside(output, ENDING))
