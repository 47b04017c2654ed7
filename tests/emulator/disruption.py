"""Evictions over the API, held back by PodDisruptionBudgets."""

from __future__ import annotations

import math

from tests.emulator.deletion import Deletion
from tests.emulator.errors import ApiError
from tests.emulator.kinds import BUDGETS, PODS
from tests.emulator.objects import Object, is_deleting, is_finished, is_ready, name_of, namespace_of
from tests.emulator.pod_status import disruption
from tests.emulator.selectors import by_selector
from tests.emulator.store import Store


def evict(store: Store, deletion: Deletion, pod: Object, options: Object | None) -> None:
    """Delete a pod unless a budget forbids it; raises 429 then."""
    for budget in store.find(BUDGETS, namespace_of(pod)):
        chosen = by_selector(budget["spec"].get("selector") or {})
        if chosen(pod) and is_ready(pod) and _allowed(store, budget) < 1:
            why = "Cannot evict pod as it would violate the pod's disruption budget."
            cause = {
                "reason": "DisruptionBudget",
                "message": f"The disruption budget {name_of(budget)} needs it",
            }
            raise ApiError(429, "TooManyRequests", why, {"causes": [cause]})
    told = disruption(pod, "EvictionByEvictionAPI", "Eviction API: evicting")
    marked = store.set_status(PODS, pod, conditions=told)
    if marked is not None:
        deletion.delete(PODS, marked, options)


def _allowed(store: Store, budget: Object) -> int:
    """How many pods may go now."""
    spec, chosen = budget["spec"], by_selector(budget["spec"].get("selector") or {})
    pods = [p for p in store.find(PODS, namespace_of(budget), chosen) if not is_finished(p)]
    healthy = sum(is_ready(p) and not is_deleting(p) for p in pods)
    if "maxUnavailable" in spec:
        return healthy - (len(pods) - _share(spec["maxUnavailable"], len(pods)))
    return healthy - _share(spec.get("minAvailable", 1), len(pods))


def _share(value: int | str, of: int) -> int:
    return value if isinstance(value, int) else math.ceil(int(value.rstrip("%")) * of / 100)
