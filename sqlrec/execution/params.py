"""Values for the parameters a script declares, from text or typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time

from sqlrec.errors import OptionError, suggest
from sqlrec.plan.plan import Param
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import FLOATS, INTEGERS, DataType, Kind

READERS = {
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
}


def bind_params(declared: Iterable[Param], given: Mapping[str, str]) -> dict[str, OptionValue]:
    """All parameters with their values; raises SR321 for an unknown, missing or unreadable one."""
    known = {param.name: param for param in declared}
    for name in given:
        if name not in known:
            listed = f"parameters: {', '.join(known)}" if known else "the script declares none"
            raise OptionError("SR321", f"unknown parameter {name!r}", hint=suggest(name, known) or listed)
    return {
        name: _read(param, given[name]) if name in given else _default(param) for name, param in known.items()
    }


def _default(param: Param) -> OptionValue:
    if param.default is None:
        raise OptionError(
            "SR321", f"parameter {param.name!r} has no value", hint=f"give --param {param.name}=…"
        )
    return param.default


def _read(param: Param, text: str) -> OptionValue:
    kind = DataType.parse(param.type).kind
    try:
        if kind in INTEGERS:
            return int(text)
        if kind in FLOATS:
            return float(text)
        if kind is Kind.BOOLEAN:
            return {"true": True, "false": False}[text.casefold()]
        if kind in READERS:
            READERS[kind](text)
    except (ValueError, KeyError):
        raise OptionError("SR321", f"parameter {param.name!r} is {param.type}, not {text!r}") from None
    return text
