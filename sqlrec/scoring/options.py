"""Options of batch scoring, with their defaults. Light: nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlrec.spec.options import Option, OptionKind, OptionSet, OptionValue, Parsed, Scope, canonical_key

_SCOPES = frozenset({Scope.SCRIPT})

SCORE_OPTIONS = OptionSet(
    (
        Option(
            key="batch_size",
            kind=OptionKind.INT,
            doc="Rows of a request.",
            scopes=_SCOPES,
            default=5000,
            minimum=1,
        ),
        Option(
            key="concurrency",
            kind=OptionKind.INT,
            doc="Requests in flight at a time.",
            scopes=_SCOPES,
            default=4,
            minimum=1,
            maximum=256,
        ),
        Option(
            key="shard_rows",
            kind=OptionKind.INT,
            doc="Rows of a shard: what is scored again at most when scoring is cut off.",
            scopes=_SCOPES,
            default=100_000,
            minimum=1,
        ),
        Option(
            key="missing_features",
            kind=OptionKind.STRING,
            doc="What a feature without a column is: an error, or NULL on every row.",
            scopes=_SCOPES,
            default="error",
            choices=("error", "null"),
        ),
        Option(
            key="timeout",
            kind=OptionKind.DURATION,
            doc="Longest wait for a connection, and for each read and write.",
            scopes=_SCOPES,
            default=30.0,
            minimum=0.001,
        ),
        Option(
            key="attempts",
            kind=OptionKind.INT,
            doc="Times a request is sent while it fails in a way that asking again can help.",
            scopes=_SCOPES,
            default=6,
            minimum=1,
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """Effective options; see :data:`SCORE_OPTIONS`."""

    batch_size: int
    concurrency: int
    shard_rows: int
    missing_features: str
    timeout: float
    attempts: int


def effective(given: Mapping[str, Parsed]) -> ScoreOptions:
    """The options of a piece of work over the defaults; ``OptionError`` SR302, SR303 for a wrong value."""
    values: dict[str, Parsed] = {option.key: option.default for option in SCORE_OPTIONS.options}
    for key, raw in given.items():
        option = SCORE_OPTIONS.find(key)
        if option is not None and raw is not None:
            values[canonical_key(key)] = option.parse(cast(OptionValue, raw))
    return ScoreOptions(
        batch_size=cast(int, values["batch_size"]),
        concurrency=cast(int, values["concurrency"]),
        shard_rows=cast(int, values["shard_rows"]),
        missing_features=str(values["missing_features"]).casefold(),
        timeout=cast(float, values["timeout"]),
        attempts=cast(int, values["attempts"]),
    )
