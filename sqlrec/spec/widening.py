"""Which column types widen into which: the casts that need not be written."""

from __future__ import annotations

from sqlrec.spec.schema import DataType, Kind

_WIDENS_TO = {
    Kind.TINYINT: (Kind.SMALLINT, Kind.INT, Kind.BIGINT, Kind.DECIMAL, Kind.FLOAT, Kind.DOUBLE),
    Kind.SMALLINT: (Kind.INT, Kind.BIGINT, Kind.DECIMAL, Kind.FLOAT, Kind.DOUBLE),
    Kind.INT: (Kind.BIGINT, Kind.DECIMAL, Kind.FLOAT, Kind.DOUBLE),
    Kind.BIGINT: (Kind.DECIMAL, Kind.FLOAT, Kind.DOUBLE),
    Kind.DECIMAL: (Kind.FLOAT, Kind.DOUBLE),
    Kind.FLOAT: (Kind.DOUBLE,),
    Kind.DATE: (Kind.TIMESTAMP,),
}
"""Casts that need not be written, as Flink SQL draws them (its implicit casts, less the narrowing ones)."""


def decimal_size(data_type: DataType) -> tuple[int, int]:
    """Precision and scale of a DECIMAL; ``DECIMAL`` alone is ``DECIMAL(10, 0)``."""
    precision, scale = (*data_type.parameters, 10, 0)[:2] if data_type.parameters else (10, 0)
    return precision, scale if len(data_type.parameters) > 1 else 0


def widens(source: DataType, target: DataType) -> bool:
    """Whether a value of ``source`` may stand where ``target`` is wanted without a written CAST."""
    if source.kind is not target.kind:
        return target.kind in _WIDENS_TO.get(source.kind, ())
    if source.kind is Kind.DECIMAL:
        (p1, s1), (p2, s2) = decimal_size(source), decimal_size(target)
        return s1 <= s2 and p1 - s1 <= p2 - s2
    if len(source.arguments) != len(target.arguments) or source.names != target.names:
        return False
    return all(widens(s, t) for s, t in zip(source.arguments, target.arguments, strict=True))
