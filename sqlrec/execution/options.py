"""Options in force for a job or service, from the model type's declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlrec.models.controller import ModelController
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Effective, OptionValue, Parsed, Scope
from sqlrec.spec.secret import Lookup, resolved

ENVIRONMENT = "kubernetes.env."


def effective(
    controller: ModelController,
    model: ModelSpec,
    scope: Scope,
    statement: Mapping[str, OptionValue],
    secrets: Lookup,
) -> dict[str, Effective]:
    """Type defaults, overridden by the model's options, overridden by the statement's; secrets resolved.

    A statement about a model that is known only now has unchecked options: raises SR301 for an unknown one
    and SR304 for one of another statement.
    """
    for key in statement:
        controller.options.declared(key, scope)
    merged = controller.options.effective(scope, model=model.options, statement=statement)
    return {key: replace(option, value=resolved(option.value, secrets)) for key, option in merged.items()}


def values(options: Mapping[str, Effective]) -> dict[str, Parsed]:
    """The values alone, by canonical key."""
    return {key: option.value for key, option in options.items()}


def image(options: Mapping[str, Effective]) -> str:
    """Container image with its tag, as far as the options give them."""
    parts = (options[key].value for key in ("image", "version") if key in options)
    return ":".join(str(part) for part in parts if part)


def environment(options: Mapping[str, Effective]) -> dict[str, str]:
    """Environment variables that the options set."""
    return {
        key.removeprefix(ENVIRONMENT).upper(): str(option.value)
        for key, option in options.items()
        if key.startswith(ENVIRONMENT)
    }
