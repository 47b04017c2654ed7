"""How the header ``X-Sqlrec-Model`` names what answered: ``rank@v1_export; version=3``."""

from __future__ import annotations

from urllib.parse import quote

from sqlrec.serving.lane import Lane


def label(lane: Lane) -> str:
    """Model, checkpoint and version of a lane, in ASCII."""
    model = lane.model
    return f"{quote(str(model.model.name))}@{quote(model.checkpoint)}; version={model.version}"
