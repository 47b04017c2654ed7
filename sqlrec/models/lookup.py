"""Model types by name.

Built-in types are a table of dotted paths, resolved late; types of other packages come through the
entry-point group ``sqlrec.models`` (name = model type, value = a controller object). A plug-in that
cannot be loaded is an error that names its package, never a silent gap.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, cast

from sqlrec.errors import NameNotFoundError, SetupError, suggest
from sqlrec.models.controller import ModelController

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "sqlrec.models"

BUILT_IN = {
    "tzrec.wide_and_deep": "sqlrec.models.deep.wide_and_deep:CONTROLLER",
}


def load(path: str) -> object:
    """The object at ``package.module:name``."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@functools.cache
def _plugins() -> dict[str, EntryPoint]:
    """Types of other packages; looked for only when a type is not built in, since that costs 40 ms."""
    from importlib.metadata import entry_points

    return {entry.name.casefold(): entry for entry in entry_points(group=GROUP)}


def model_types() -> tuple[str, ...]:
    """Names of all known model types."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in _plugins().values())}))


def get_controller(model_type: str) -> ModelController:
    """The controller of a model type; raises SR204 for an unknown one, SR702 for a broken plug-in."""
    folded = model_type.casefold()
    if folded in BUILT_IN:
        return cast(ModelController, load(BUILT_IN[folded]))
    entry = _plugins().get(folded)
    if entry is None:
        known = model_types()
        hint = suggest(model_type, known) or f"known types: {', '.join(known)}"
        raise NameNotFoundError("SR204", f"unknown model type {model_type!r}", hint=hint)
    try:
        return cast(ModelController, entry.load())
    except Exception as error:
        package = entry.dist.name if entry.dist else entry.value
        raise SetupError(
            "SR702",
            f"model type {model_type!r} of package {package} cannot be loaded: {error!r}",
            hint=f"reinstall or remove {package}",
        ) from error
