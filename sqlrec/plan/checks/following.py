"""``WITH (follow = '@prod')``: what a service follows is what it serves, and it serves one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlrec.errors import Diagnostic
from sqlrec.plan.refs import checkpoint_name
from sqlrec.plan.resolve import Acting
from sqlrec.plan.scope import ScriptScope
from sqlrec.plan.templates import is_templated
from sqlrec.spec.following import FOLLOW, as_alias
from sqlrec.spec.options import canonical_key
from sqlrec.sql.statements import AlterService, CreateService, OptionItem, ServeCheckpoint, Text


def check_following(statement: Acting, scope: ScriptScope) -> Iterator[Diagnostic]:
    """CHECKPOINT beside the option names the same alias."""
    match statement:
        case CreateService(checkpoint=text, options=options, others=others):
            yield from _one_model(options, 1 + len(others))
            yield from _agreed(text, options)
        case AlterService(change=ServeCheckpoint(checkpoint=text, options=options)):
            yield from _agreed(text, options)
        case _:
            pass


def followed_text(options: Sequence[OptionItem]) -> Text | None:
    """The alias to follow as if CHECKPOINT named it; None without the option."""
    item = _option(options)
    return Text(as_alias(str(item.value)), item.value_span) if item else None


def _option(options: Sequence[OptionItem]) -> OptionItem | None:
    return next((item for item in options if canonical_key(item.key.value) == FOLLOW), None)


def _one_model(options: Sequence[OptionItem], models: int) -> Iterator[Diagnostic]:
    item = _option(options)
    if item is not None and models > 1:
        yield Diagnostic(
            code="SR368",
            message=f"a service of {models} models cannot follow {as_alias(str(item.value))}",
            span=item.key.span,
            hint="leave the option out; ALTER SERVICE moves such a service",
        )


def _agreed(checkpoint: Text | None, options: Sequence[OptionItem]) -> Iterator[Diagnostic]:
    alias = followed_text(options)
    if alias is None or checkpoint is None or is_templated(alias.value) or is_templated(checkpoint.value):
        return
    if checkpoint_name(checkpoint).casefold() != alias.value:
        yield Diagnostic(
            code="SR368",
            message=f"a service that follows {alias.value} cannot be told to serve {checkpoint.value}",
            span=checkpoint.span,
            hint=f"leave CHECKPOINT out, or write CHECKPOINT = '{alias.value}'",
        )
