"""What a job or service asks of the pod that it runs in, beyond its image and resources.

Facts only, in Kubernetes' own terms; what becomes of them is the business of the runtime that has pods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

OURS = "sqlrec.io/"
"""What keys of our own labels and annotations begin with; such an annotation is made a label, too."""


class VolumeKind(StrEnum):
    """Where the files of a volume are."""

    CLAIM = "pvc"
    HOST = "host"
    EMPTY = "empty"
    CONFIG_MAP = "configmap"
    SECRET = "secret"  # noqa: S105  (the name of a kind of volume)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume and where it is mounted. ``source`` is a claim, path, size or name, as ``kind`` has it."""

    name: str
    kind: VolumeKind
    source: str
    mount: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A taint that the pod bears; empty ``value``: any value, empty ``effect``: any effect."""

    key: str
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """Placement and surroundings of a pod; empty values are left to the runtime's settings.

    ``gpus`` counts units of the extended resource ``gpu_resource``; ``shared_memory`` is the size of
    ``/dev/shm``, which several processes of one job share.
    """

    namespace: str = ""
    service_account: str = ""
    priority_class: str = ""
    image_pull_policy: str = ""
    image_pull_secrets: tuple[str, ...] = ()
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    shared_memory: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    volumes: tuple[Volume, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
