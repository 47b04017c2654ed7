"""Written options: what a step keeps of them, and what is wrong with them, each at its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlrec.errors import Diagnostic, OptionError, Span
from sqlrec.plan.templates import canonical, is_templated, secret_reference
from sqlrec.spec.options import Option, OptionSet, OptionValue, Scope, canonical_key
from sqlrec.sql.statements import OptionItem


def stored_options(items: Iterable[OptionItem]) -> dict[str, OptionValue]:
    """Options by canonical key as a plan holds them: templates canonical, secrets by reference."""
    return {canonical_key(item.key.value): stored_value(item.value) for item in items}


def stored_value(value: OptionValue) -> OptionValue:
    """One value as a plan holds it."""
    if not isinstance(value, str):
        return value
    return secret_reference(value) or canonical(value)


def check_options(
    items: tuple[OptionItem, ...], declared: OptionSet, scope: Scope, owner: Span
) -> Iterator[Diagnostic]:
    """Findings about the options of one statement; ``owner`` is where a missing one is reported."""
    given: dict[str, OptionItem] = {}
    for item in items:
        yield from check_option(item, declared, scope)
        first = given.setdefault(declared.canonical(item.key.value), item)
        if canonical_key(first.key.value) != canonical_key(item.key.value):
            yield Diagnostic(
                code="SR305",
                message=f"option {item.key.value!r} is given twice: {first.key.value!r} is the same option",
                span=item.key.span,
                hint="keep one of them",
            )
    for option in declared.options:
        if option.required and scope in option.scopes and canonical_key(option.key) not in given:
            yield missing_option(option, scope, owner)


def missing_option(option: Option, scope: Scope, owner: Span) -> Diagnostic:
    """The finding that a required option is not there."""
    return Diagnostic(
        code="SR307",
        message=f"{scope} needs the option {option.key!r}",
        span=owner,
        hint=f"add WITH ({option.key} = …): {option.doc[0].lower()}{option.doc[1:].rstrip('.')}",
    )


def check_option(item: OptionItem, declared: OptionSet, scope: Scope) -> Iterator[Diagnostic]:
    """Findings about one option. The value of a sensitive one is never shown."""
    try:
        option = declared.declared(item.key.value, scope)
    except OptionError as error:
        yield _finding(error, item.key.span)
        return
    reference = isinstance(item.value, str) and secret_reference(item.value)
    if option.sensitive and not reference:
        yield Diagnostic(
            code="SR306",
            message=f"option {option.key!r} is a secret and may not stand in a script",
            span=item.value_span,
            hint="name it: '{{ secret.NAME }}' or '{{ conn.ID.FIELD }}', and give the value to the process",
        )
    if reference or option.sensitive or is_templated(item.value):
        return
    try:
        option.parse(item.value)
    except OptionError as error:
        yield _finding(error, item.value_span)


def _finding(error: OptionError, span: Span) -> Diagnostic:
    return Diagnostic(code=error.code, message=error.message, span=span, hint=error.hint)
