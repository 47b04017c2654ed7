"""The places of a server's models by name, which deployments and servers both go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlrec.spec.names import ModelName
from sqlrec.spec.service import ServedModel


def by_slot(models: Sequence[ServedModel]) -> Mapping[str, ServedModel]:
    """Models by the name of their slot, in order: the model's, from its second on with a number: ``m:2``."""
    seen: Counter[ModelName] = Counter()
    slots = {}
    for served in models:
        name = served.model.name
        seen[name] += 1
        slots[str(name) if seen[name] == 1 else f"{name}:{seen[name]}"] = served
    return slots
