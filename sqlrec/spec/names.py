"""Names of models, checkpoints, services and the identifiers derived from them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

DEFAULT_CATALOG = "sqlrec"
DEFAULT_DATABASE = "default"
EXPORT_SUFFIX = "_export"
MAX_FULL_NAME = 256


@dataclass(frozen=True, slots=True, order=True)
class ModelName:
    """``catalog.database.model``. Compared without regard to case, shown as written."""

    catalog: str
    database: str
    name: str

    @classmethod
    def of(cls, *parts: str) -> ModelName:
        """Name from one to three parts; missing leading parts take the defaults."""
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise ValueError(f"a model name has one to three parts, not {'.'.join(parts)!r}")
        return cls(
            *(DEFAULT_CATALOG, DEFAULT_DATABASE, *parts)[-3:]
            if len(parts) == 1
            else (DEFAULT_CATALOG, *parts)[-3:]
        )

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Name from its dotted form."""
        return cls.of(*text.split("."))

    @property
    def full(self) -> str:
        """All three parts with dots: the name in the registry."""
        return f"{self.catalog}.{self.database}.{self.name}"

    @property
    def key(self) -> str:
        """What two spellings of the same name share."""
        return self.full.casefold()

    def __str__(self) -> str:
        if (self.catalog, self.database) == (DEFAULT_CATALOG, DEFAULT_DATABASE):
            return self.name
        return self.full


def export_name(checkpoint: str, part: str = "") -> str:
    """Name of the export of a training checkpoint: ``v1`` gives ``v1_export`` or ``v1_export/part``."""
    return f"{checkpoint}{EXPORT_SUFFIX}" + (f"/{part}" if part else "")


def slug(text: str, limit: int = 63) -> str:
    """An RFC 1123 label for ``text``.

    Lower case letters, digits and ``-``. When anything had to be replaced or cut, eight hexadecimal
    digits of the text's SHA-256 follow, so that two texts never share a slug.
    """
    plain = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9]", "-", text.lower())).strip("-")
    if plain == text and len(plain) <= limit:
        return plain
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{plain[: limit - 9].rstrip('-')}-{tail}".lstrip("-")
