"""Declared options: one object holds an option's name, type, range, scope, default and meaning.

The checks of ``WITH (…)``, the effective values of a job and the reference documentation are all read
from here, so a default has one home.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlrec.errors import OptionError, suggest
from sqlrec.spec.quantity import quantity

OptionValue = str | int | float | bool
Parsed = OptionValue | tuple[str, ...] | tuple[int, ...] | None


class Scope(StrEnum):
    """Statements an option may stand in."""

    MODEL = "CREATE MODEL"
    TRAIN = "TRAIN MODEL"
    EXPORT = "EXPORT MODEL"
    EVALUATE = "EVALUATE MODEL"
    SERVICE = "CREATE SERVICE"
    API = "CREATE API"
    TABLE = "CREATE TABLE"
    SCRIPT = "SET"


class OptionKind(StrEnum):
    """How the text of an option is read."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    STRING_LIST = "string list"
    INT_LIST = "int list"
    DURATION = "duration"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. ``{f}`` in the key stands for a column name (``column.{f}.bucket_size``).

    ``aliases`` are other keys that scripts use for it. ``choices`` are compared as keys are: without case,
    ``-`` equal to ``_``.
    """

    key: str
    kind: OptionKind
    doc: str
    scopes: frozenset[Scope]
    default: Parsed = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    sensitive: bool = False
    aliases: tuple[str, ...] = ()

    def parse(self, raw: OptionValue) -> Parsed:
        """The typed value of what was written; raises ``OptionError`` (SR302, SR303).

        One of ``choices`` is returned as declared, however it was spelt; a list holds any of them.
        """
        text = ("true" if raw else "false") if isinstance(raw, bool) else str(raw)
        try:
            value = _READERS[self.kind](text)
        except ValueError:
            article = "an" if self.kind.startswith("int") else "a"
            raise OptionError(
                "SR302",
                f"option {self.key!r} takes {article} {self.kind}, not {text!r}",
                hint=f"write it like {_EXAMPLES[self.kind]}",
            ) from None
        if self.choices:
            return (
                tuple(map(self._choice, _strings(text))) if isinstance(value, tuple) else self._choice(text)
            )
        self._check_range(value, text)
        return value

    def _choice(self, text: str) -> str:
        folded = {canonical_key(choice): choice for choice in self.choices}
        if canonical_key(text.strip()) not in folded:
            raise OptionError(
                "SR303",
                f"option {self.key!r} is one of {', '.join(self.choices)}, not {text!r}",
                hint=suggest(text, self.choices) or f"write {self.choices[0]!r}, or another of them",
            )
        return folded[canonical_key(text.strip())]

    def _check_range(self, value: Parsed, text: str) -> None:
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            low = self.minimum is not None and number < self.minimum
            high = self.maximum is not None and number > self.maximum
            if low or high:
                raise OptionError(
                    "SR303",
                    f"option {self.key!r} is {self.range_text}, not {text}",
                    hint=f"write {self.minimum if low else self.maximum:g}, or another value in that range",
                )

    @property
    def range_text(self) -> str:
        """The allowed range in words."""
        if self.minimum is not None and self.maximum is not None:
            return f"between {self.minimum:g} and {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else "any number"


def _boolean(text: str) -> bool:
    if text.strip().casefold() not in ("true", "false"):
        raise ValueError(text)
    return text.strip().casefold() == "true"


def _int(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        raise ValueError(text)
    return int(text)


def _double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _strings(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _seconds(text: str) -> float:
    """Seconds from ``30``, ``150ms``, ``30s``, ``5min``, ``2h``, ``1d``."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|m|h|d)?\s*", text)
    if not match:
        raise ValueError(text)
    unit = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}[match[2] or "s"]
    return float(match[1]) * unit


def _quantity(text: str) -> str:
    """A quantity of Kubernetes that is more than nothing, as it was written."""
    if quantity(text.strip()) <= 0:
        raise ValueError(text)
    return text.strip()


_READERS: dict[OptionKind, Callable[[str], Parsed]] = {
    OptionKind.STRING: str,
    OptionKind.INT: _int,
    OptionKind.DOUBLE: _double,
    OptionKind.BOOLEAN: _boolean,
    OptionKind.STRING_LIST: _strings,
    OptionKind.INT_LIST: lambda text: tuple(_int(part) for part in _strings(text)),
    OptionKind.DURATION: _seconds,
    OptionKind.QUANTITY: _quantity,
}


_EXAMPLES = {
    OptionKind.STRING: "'text'",
    OptionKind.INT: "5",
    OptionKind.DOUBLE: "0.5",
    OptionKind.BOOLEAN: "TRUE",
    OptionKind.STRING_LIST: "'a, b'",
    OptionKind.INT_LIST: "'64, 32'",
    OptionKind.DURATION: "'30s'",
    OptionKind.QUANTITY: "'2Gi' or '500m'",
}

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a word begins inside a key in camel case."""


_NAMED = re.compile(r"kubernetes\.(env|label|annotation|toleration|node\.selector)\.", re.IGNORECASE)
"""What the name of a variable, label or the like follows, for which every character counts."""


def canonical_key(key: str) -> str:
    """The key two spellings share: ``-`` and ``_`` are equal and case does not count.

    The names after ``kubernetes.env.``, ``kubernetes.label.`` and their kin stay as they are written.
    """
    found = _NAMED.match(key)
    begin = found.end() if found else len(key)
    return key[:begin].replace("-", "_").casefold() + key[begin:]


@dataclass(frozen=True, slots=True)
class Effective:
    """A value in force and where it comes from: ``default``, ``model`` or ``statement``."""

    value: Parsed
    origin: str


@dataclass(frozen=True, slots=True)
class OptionSet:
    """The options a model type, table connector or script knows.

    ``prefixes`` may stand before a plain key and mean nothing (``openai.api_key`` is ``api_key``).
    """

    options: tuple[Option, ...]
    prefixes: tuple[str, ...] = ()
    _plain: dict[str, Option] = field(init=False, repr=False, compare=False)
    _patterns: tuple[tuple[re.Pattern[str], Option], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plain = {
            canonical_key(key): o for o in self.options for key in (o.key, *o.aliases) if "{f}" not in o.key
        }
        patterns = tuple(
            (re.compile(re.escape(canonical_key(o.key)).replace(r"\{f\}", "(.+)")), o)
            for o in self.options
            if "{f}" in o.key
        )
        object.__setattr__(self, "_plain", plain)
        object.__setattr__(self, "_patterns", patterns)

    def find(self, key: str) -> Option | None:
        """The option a key names, or None. ``apiKey`` is read as ``api_key`` where that is an option."""
        for spelling in (canonical_key(key), canonical_key(_HUMP.sub("_", key))):
            if spelling in self._plain:
                return self._plain[spelling]
            for prefix in self.prefixes:
                spelling = spelling.removeprefix(prefix)
            if spelling in self._plain:
                return self._plain[spelling]
        return next((o for pattern, o in self._patterns if pattern.fullmatch(canonical_key(key))), None)

    def canonical(self, key: str) -> str:
        """The canonical key of the option that a written key names, or of the key itself."""
        option = self.find(key)
        return canonical_key(key if option is None or "{f}" in option.key else option.key)

    def check(self, key: str, raw: OptionValue, scope: Scope) -> Parsed:
        """Typed value of one written option; raises ``OptionError`` (SR301 … SR304)."""
        return self.declared(key, scope).parse(raw)

    def declared(self, key: str, scope: Scope) -> Option:
        """The option of a written key; raises ``OptionError`` SR301 (unknown) or SR304 (wrong statement)."""
        option = self.find(key)
        if option is None:
            known = [o.key for o in self.options if scope in o.scopes]
            hint = suggest(key, known) or f"{scope} takes {', '.join(sorted(known)) or 'no options'}"
            raise OptionError("SR301", f"unknown option {key!r}", hint=hint)
        if scope not in option.scopes:
            where = " or ".join(sorted(option.scopes))
            raise OptionError(
                "SR304",
                f"option {key!r} belongs to {where}, not to {scope}",
                hint=f"move it to {where}, or leave it out",
            )
        return option

    def effective(self, scope: Scope, **layers: Mapping[str, OptionValue]) -> dict[str, Effective]:
        """Values in force for a statement of ``scope``: its own options and those of the model.

        ``layers`` go from weak to strong, by origin name (``model={…}, statement={…}``). Keys of the
        result are canonical; a layer's keys that are unknown or belong to other scopes are passed over
        (they are reported where they are written, by :meth:`check`).
        """
        wanted = {scope, Scope.MODEL}
        result = {
            canonical_key(o.key): Effective(o.default, "default")
            for o in self.options
            if wanted & o.scopes and "{f}" not in o.key
        }
        for origin, layer in layers.items():
            for key, raw in layer.items():
                option = self.find(key)
                if option is not None and wanted & option.scopes:
                    result[self.canonical(key)] = Effective(option.parse(raw), origin)
        return result
