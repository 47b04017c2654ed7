"""Services that follow an alias of their model: ``WITH (follow = '@prod')``.

Such a service serves what the alias names, and when the alias moves, the service moves with it. Whoever tells
it to serve something else, by name or by a rollback, ends that.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlrec.spec.options import OptionValue

FOLLOW = "follow"
ALIAS = "@"


def followed(options: Mapping[str, OptionValue]) -> str:
    """The alias that a service with these options, by canonical key, follows, as ``@prod``; empty: none."""
    return as_alias(str(options.get(FOLLOW, "")))


def as_alias(text: str) -> str:
    """An alias, written with its ``@`` or without, as what two spellings share: ``@prod``."""
    name = text.strip().removeprefix(ALIAS).casefold()
    return f"{ALIAS}{name}" if name else ""


def told_to_serve(options: Mapping[str, OptionValue], checkpoint: str) -> dict[str, OptionValue]:
    """Options of a service told to serve a checkpoint: it follows its alias on only if told that one."""
    if checkpoint.strip().casefold() == followed(options):
        return dict(options)
    return unbound(options)


def unbound(options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Options of a service that follows no alias any more."""
    return {key: value for key, value in options.items() if key != FOLLOW}
