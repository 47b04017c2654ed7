"""Names of models, checkpoints, services and the identifiers derived from them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

DEFAULT_CATALOG = "sqlrec"
DEFAULT_DATABASE = "default"
EXPORT_SUFFIX = "_export"
MAX_FULL_NAME = 256


@dataclass(frozen=True, slots=True, eq=False)
class ModelName:
    """``catalog.database.model``. Compared without regard to case, shown as written."""

    catalog: str
    database: str
    name: str

    @classmethod
    def of(cls, *parts: str) -> ModelName:
        """Name from one to three parts; missing leading parts take the defaults."""
        if not 1 <= len(parts) <= 3 or not all(part and "." not in part for part in parts):
            raise ValueError(f"a model name has one to three parts, not {'.'.join(parts)!r}")
        return cls(*(DEFAULT_CATALOG, DEFAULT_DATABASE)[: 3 - len(parts)], *parts)

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Name from its dotted form."""
        return cls.of(*text.split("."))

    @property
    def full(self) -> str:
        """All three parts with dots, as written."""
        return f"{self.catalog}.{self.database}.{self.name}"

    @property
    def key(self) -> str:
        """What two spellings of the same name share: the name in the registry."""
        return self.full.casefold()

    def __str__(self) -> str:
        if (self.catalog, self.database) == (DEFAULT_CATALOG, DEFAULT_DATABASE):
            return self.name
        return self.full

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelName) and self.key == other.key

    def __lt__(self, other: ModelName) -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)


def export_name(checkpoint: str, part: str = "") -> str:
    """Name of the export of a training checkpoint: ``v1`` gives ``v1_export`` or ``v1_export/part``."""
    return f"{checkpoint}{EXPORT_SUFFIX}" + (f"/{part}" if part else "")


def is_name(text: str) -> bool:
    """Whether ``text`` can name a model, service or parameter: letters, digits, ``_`` and ``-``."""
    return re.fullmatch(r"\w[\w-]*", text) is not None


def is_checkpoint_name(text: str) -> bool:
    """Whether ``text`` can name a checkpoint: as :func:`is_name`, with dots, and parts joined by ``/``.

    A name becomes a folder, so one that leads out of its folder (``..``) is none.
    """
    return all(re.fullmatch(r"\w[\w.-]*", part) for part in text.split("/"))


def alias_problem(text: str) -> str:
    """Why ``text`` can be no alias of a checkpoint, as a hint; empty when it can.

    An alias is one of MLflow's, which keeps some names for itself; ``svc-`` begins those of services.
    """
    if not re.fullmatch(r"[\w-]{1,255}", text):
        return "use letters, digits, _ and -"
    if re.fullmatch(r"latest|v\d+|svc-.*", text.casefold()):
        return "'latest', 'v1' and the like, and 'svc-…' have a meaning in MLflow: use another name"
    return ""


def slug(text: str, limit: int = 63) -> str:
    """An RFC 1123 label for ``text``.

    Lower case letters, digits and ``-``. When anything had to be replaced or cut, eight hexadecimal
    digits of the text's SHA-256 follow, so that two texts never share a slug.
    """
    plain = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9]", "-", text.lower())).strip("-")
    if plain and plain == text and len(plain) <= limit:
        return plain
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{plain[: limit - 9].rstrip('-')}-{tail}".lstrip("-")
