"""Services: an exported checkpoint behind a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlrec.spec.job import Resources
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """What a service runtime makes true.

    The service keeps the model definition of its checkpoint (``model``), pins one ``version`` and
    serves one file of it (``variant``: ``fp32`` or ``int8``). ``digest`` is that of the checkpoint.
    """

    name: str
    model: ModelSpec
    checkpoint: str
    version: int
    model_uri: str
    variant: str = "fp32"
    replicas: int = 1
    resources: Resources = Resources()
    options: Mapping[str, Parsed] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    digest: str = ""

    @property
    def path(self) -> str:
        """Where requests go."""
        return "/predict"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalServiceSpec:
    """A service that somebody else runs at ``url``: a runtime keeps its name, and starts nothing."""

    name: str
    url: str
    model: ModelSpec
    checkpoint: str
    version: int


class ServiceState(StrEnum):
    """State of a service as its runtime sees it."""

    STARTING = "starting"
    READY = "ready"
    DEAD = "dead"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A running service. ``url`` is where requests go: ``…/predict`` of a model, ``…/api/v1/<name>``."""

    name: str
    url: str
    state: ServiceState
    checkpoint: str = ""
    version: int = 0
    detail: str = ""
