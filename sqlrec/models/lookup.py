"""Model types by name.

Built-in types are a table of dotted paths, resolved late; types of other packages come through the
entry-point group ``sqlrec.models`` (name = model type, value = a controller object). A plug-in that
cannot be loaded is an error that names its package, never a silent gap.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from sqlrec.errors import NameNotFoundError, SetupError, suggest
from sqlrec.models.controller import ModelController
from sqlrec.spec.options import OptionValue

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "sqlrec.models"

PROVIDER = "provider."
"""What the types of remote models begin with."""
TRAINING = "training."
"""What the types begin with that FLIP-437 trains on AS query."""

_CLASSIC = "sqlrec.models.classic.controllers"
_REMOTE = "sqlrec.models.remote.providers"

BUILT_IN = {
    "tzrec.wide_and_deep": "sqlrec.models.deep.controllers:WIDE_AND_DEEP",
    "tzrec.deepfm": "sqlrec.models.deep.controllers:DEEPFM",
    "tzrec.dcn_v2": "sqlrec.models.deep.controllers:DCN_V2",
    "tzrec.dlrm": "sqlrec.models.deep.controllers:DLRM",
    "tzrec.din": "sqlrec.models.deep.controllers:DIN",
    "tzrec.mmoe": "sqlrec.models.deep.controllers:MMOE",
    "tzrec.dssm": "sqlrec.models.deep.controllers:DSSM",
    "external": "sqlrec.models.external.controller:CONTROLLER",
    "gbdt.lightgbm": "sqlrec.models.gbdt.controllers:LIGHTGBM_TREES",
    "gbdt.xgboost": "sqlrec.models.gbdt.controllers:XGBOOST_TREES",
    "gbdt.catboost": "sqlrec.models.gbdt.controllers:CATBOOST_TREES",
    "import": "sqlrec.models.imported.controller:IMPORT",
    "training.kmeans": f"{_CLASSIC}:KMEANS",
    "training.linear_reg": f"{_CLASSIC}:LINEAR_REG",
    "training.logistic_reg": f"{_CLASSIC}:LOGISTIC_REG",
    "training.pca": f"{_CLASSIC}:PCA",
    "training.random_forest": f"{_CLASSIC}:RANDOM_FOREST",
    "provider.anthropic": f"{_REMOTE}:ANTHROPIC",
    "provider.azure": f"{_REMOTE}:AZURE",
    "provider.azureml": f"{_REMOTE}:AZUREML",
    "provider.azureopenai": f"{_REMOTE}:AZUREOPENAI",
    "provider.bedrock": f"{_REMOTE}:BEDROCK",
    "provider.deepseek": f"{_REMOTE}:DEEPSEEK",
    "provider.googleai": f"{_REMOTE}:GOOGLEAI",
    "provider.local": "sqlrec.models.imported.controller:LOCAL",
    "provider.openai": f"{_REMOTE}:OPENAI",
    "provider.openai-compat": f"{_REMOTE}:OPENAI_COMPAT",
    "provider.qwen": f"{_REMOTE}:QWEN",
    "provider.sagemaker": f"{_REMOTE}:SAGEMAKER",
    "provider.triton": f"{_REMOTE}:TRITON_SERVER",
    "provider.vertexai": f"{_REMOTE}:VERTEXAI",
}


def model_type(options: Mapping[str, OptionValue]) -> str:
    """The type that the options of CREATE MODEL (keys canonical) name; empty when they name none.

    With ``provider``, or ``type = 'remote'``, ``model`` is the name of the model at its provider; without,
    it is the type. ``type = 'training'`` names its trainer by ``algorithm``.
    """
    kind = str(options.get("type", "")).strip().casefold()
    if "provider" in options or kind == "remote":
        name = str(options.get("provider", "")).strip().casefold()
        return f"{PROVIDER}{name.replace('_', '-')}" if name else ""
    if kind == "training":
        algorithm = str(options.get("algorithm", "")).strip().casefold()
        return f"{TRAINING}{algorithm}" if algorithm else ""
    return "import" if kind == "import" else str(options.get("model", ""))


def type_key(options: Mapping[str, OptionValue]) -> str:
    """The option that names the type, or that is missing to name it."""
    kind = str(options.get("type", "")).strip().casefold()
    if "provider" in options or kind == "remote":
        return "provider"
    return {"training": "algorithm", "import": "type"}.get(kind, "model")


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
        raise _unknown(model_type)
    try:
        return cast(ModelController, entry.load())
    except Exception as error:
        package = entry.dist.name if entry.dist else entry.value
        raise SetupError(
            "SR702",
            f"model type {model_type!r} of package {package} cannot be loaded: {error!r}",
            hint=f"reinstall or remove {package}",
        ) from error


def _unknown(name: str) -> NameNotFoundError:
    """The error about a type, a provider or an algorithm that there is not."""
    prefix, what, plural = next(
        (row for row in _KINDS if name.casefold().startswith(row[0])), ("", "model type", "types")
    )
    known = [known.removeprefix(prefix) for known in model_types() if known.startswith(prefix)]
    if not prefix:
        known = [known for known in known if not known.startswith(tuple(row[0] for row in _KINDS))]
    shown = name[len(prefix) :]
    hint = suggest(shown, known) or f"known {plural}: {', '.join(known)}"
    return NameNotFoundError("SR204", f"unknown {what} {shown!r}", hint=hint)


_KINDS = ((PROVIDER, "model provider", "providers"), (TRAINING, "training algorithm", "algorithms"))
