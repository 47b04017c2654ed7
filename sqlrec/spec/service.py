"""Services: an exported checkpoint behind a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlrec.spec.access import Access
from sqlrec.spec.group import Group
from sqlrec.spec.job import Resources
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed
from sqlrec.spec.pod import Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One exported checkpoint as a server loads it.

    ``model`` is its definition at that checkpoint, ``version`` pins it, ``variant`` names one file of it
    (``fp32``, ``int8``) and ``digest`` is that of the checkpoint.
    """

    model: ModelSpec
    checkpoint: str
    version: int
    model_uri: str
    variant: str = "fp32"
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """What a service runtime makes true: ``models`` behind one URL; the first is the service's own.

    ``group`` says how several work together; without one, requests go to the first.
    """

    name: str
    models: tuple[ServedModel, ...]
    group: Group | None = None
    replicas: int = 1
    resources: Resources = Resources()
    options: Mapping[str, Parsed] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    pod: Pod = Pod()

    @property
    def own(self) -> ServedModel:
        """The model that the service is named after in its history."""
        return self.models[0]

    @property
    def checkpoint(self) -> str:
        """The own model's checkpoint."""
        return self.own.checkpoint

    @property
    def version(self) -> int:
        """The own model's version."""
        return self.own.version

    @property
    def path(self) -> str:
        """Where requests go."""
        return "/predict"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalServiceSpec:
    """A service that somebody else runs at ``url``: a runtime keeps its name, and starts nothing.

    ``headers`` go with each request; their secrets are references. ``access`` is None where the public
    authorities are trusted.
    """

    name: str
    url: str
    model: ModelSpec
    checkpoint: str
    version: int
    headers: Mapping[str, str] = field(default_factory=dict)
    access: Access | None = None


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
