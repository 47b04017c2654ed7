"""Options in force for a job or service, from the model type's declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlrec.execution.key import RunKey
from sqlrec.models.controller import ModelController
from sqlrec.models.pod_placement import ENV, pod
from sqlrec.settings import Settings
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Effective, OptionValue, Parsed, Scope
from sqlrec.spec.pod import OURS, Pod
from sqlrec.spec.secret import Lookup, resolved


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
    """The values alone, by canonical key, but for variables of the environment.

    Those may be secrets, are no business of a program, and would be kept with the checkpoint it makes.
    """
    return {key: option.value for key, option in options.items() if not key.startswith(ENV)}


def job_image(options: Mapping[str, Effective], settings: Settings) -> str:
    """Container image of a job with its tag, as far as options and settings give them."""
    return _image(options, settings.kubernetes.job_image if _in_cluster(settings) else "")


def server_image(options: Mapping[str, Effective], settings: Settings) -> str:
    """Container image of a service with its tag, as far as options and settings give them."""
    return _image(options, settings.kubernetes.server_image if _in_cluster(settings) else "")


def api_image(options: Mapping[str, Effective], settings: Settings) -> str:
    """Container image of an API's server with its tag, as far as options and settings give them."""
    cluster = settings.kubernetes
    return _image(options, (cluster.api_image or cluster.server_image) if _in_cluster(settings) else "")


def _in_cluster(settings: Settings) -> bool:
    return settings.runtime == "kubernetes"


def _image(options: Mapping[str, Effective], of_cluster: str) -> str:
    """What the statement says goes before what the cluster has, and that before the type's default."""
    parts = [options[key] for key in ("image", "version") if key in options]
    if of_cluster and all(part.origin == "default" for part in parts):
        return of_cluster
    return ":".join(str(part.value) for part in parts if part.value)


def job_pod(options: Mapping[str, Effective], key: RunKey) -> Pod:
    """What the options ask of a job's pod, marked with the run; raises ``OptionError`` SR370 … SR374."""
    asked = pod(options)
    marks = {f"{OURS}dag": key.dag_id, f"{OURS}run": key.run_id, f"{OURS}task": key.task_id}
    return replace(asked, annotations={**asked.annotations, **marks})
