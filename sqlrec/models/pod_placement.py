"""What the options of a statement say of its pods: read, and checked as Kubernetes would check it.

The same rules speak when a script is compiled, each at the option it is about, and when a job or service gets
its options, whose templates are rendered only then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from sqlrec.errors import OptionError
from sqlrec.models.controller import Problem
from sqlrec.models.pod_names import (
    require_key,
    require_namespace,
    require_object,
    require_own_key,
    require_value,
    require_variable,
)
from sqlrec.models.pod_volumes import require_apart, volume
from sqlrec.spec.options import Effective
from sqlrec.spec.pod import Pod, Toleration, Volume
from sqlrec.spec.quantity import quantity

ENV = "kubernetes.env."
SELECTOR = "kubernetes.node.selector."
TOLERATION = "kubernetes.toleration."
VOLUME = "kubernetes.volume."
LABEL = "kubernetes.label."
ANNOTATION = "kubernetes.annotation."
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
LEAST_MEMORY = 1024 * 1024
"""Bytes under which a unit was forgotten: '2' is two bytes."""
MOST_CORES = 10_000

Options = Mapping[str, Effective]


def pod(options: Options) -> Pod:
    """What effective options ask of a pod; raises ``OptionError`` SR370 … SR374 for what cannot be."""
    for problem in pod_problems(options):
        raise OptionError(problem.code, problem.message, hint=problem.hint)
    return Pod(
        namespace=_text(options, "namespace"),
        service_account=_text(options, "kubernetes.service_account"),
        priority_class=_text(options, "kubernetes.priority_class"),
        image_pull_policy=_text(options, "kubernetes.image_pull_policy"),
        image_pull_secrets=_names(options, "kubernetes.image_pull_secrets"),
        gpus=int(_text(options, "pod_gpus") or 0),
        gpu_resource=_text(options, "pod_gpu_resource") or Pod().gpu_resource,
        shared_memory=_text(options, "pod_shared_memory"),
        node_selector=_under(options, SELECTOR),
        tolerations=tuple(toleration(key, text) for key, text in _under(options, TOLERATION).items()),
        volumes=tuple(volume(name, text) for name, text in _under(options, VOLUME).items()),
        labels=_under(options, LABEL),
        annotations=_under(options, ANNOTATION),
    )


def environment(options: Options) -> dict[str, str]:
    """Environment variables that the options set, by name as written."""
    return _under(options, ENV)


def toleration(key: str, text: str) -> Toleration:
    """What ``VALUE:EFFECT``, ``:EFFECT`` or ``*`` bears of a taint; raises ``OptionError`` SR372, SR371."""
    found = re.fullmatch(rf"([^:]*):({'|'.join(EFFECTS)})", text.strip())
    if text.strip() == "*":
        return Toleration(key=key)
    if found is None:
        raise OptionError(
            "SR372",
            f"toleration {key!r} cannot be {text!r}",
            hint=f"write '*', or 'VALUE:EFFECT' (no value: any) with one of {', '.join(EFFECTS)}",
        )
    return Toleration(key=key, value=require_value(TOLERATION + key, found[1]), effect=found[2])


def pod_problems(options: Options) -> Iterator[Problem]:
    """All that is wrong with the pod options among these, each with the option it is about."""
    for key, option in options.items():
        check, text = _check_of(key), _said(option)
        if check is not None and text:
            yield from _refused(key, check, text)
    yield from _resource_problems(options)
    yield from _mount_problems(options)


def _check_of(key: str) -> Callable[[str, str], object] | None:
    """The rule for the value of one option; of ``….{f}`` for its name, too."""
    if key in _PLAIN:
        return _PLAIN[key]
    prefix = next((prefix for prefix in _NAMED if key.startswith(prefix)), None)
    return _NAMED[prefix] if prefix else None


def _objects(key: str, text: str) -> None:
    for name in text.split(","):
        require_object(key, name)


def _memory(key: str, text: str) -> None:
    if quantity(text) < LEAST_MEMORY:
        raise OptionError(
            "SR370", f"option {key!r} is {text!r}, which is {text} bytes", hint=f"write '{text}Gi'"
        )


def _cores(key: str, text: str) -> None:
    if quantity(text) > MOST_CORES:
        raise OptionError(
            "SR370", f"option {key!r} is {text!r}, which no machine has", hint="write '2' or '500m'"
        )


_PLAIN: dict[str, Callable[[str, str], object]] = {
    "namespace": require_namespace,
    "kubernetes.service_account": require_object,
    "kubernetes.priority_class": require_object,
    "kubernetes.image_pull_secrets": _objects,
    "pod_gpu_resource": require_key,
    "pod_cpu_cores": _cores,
    "pod_cpu_limit": _cores,
    "pod_memory": _memory,
    "pod_memory_limit": _memory,
    "pod_shared_memory": _memory,
}


def _selector(key: str, text: str) -> None:
    require_key(key, key.removeprefix(SELECTOR))
    require_value(key, text)


def _label(key: str, text: str) -> None:
    require_own_key(key, key.removeprefix(LABEL))
    require_value(key, text)


def _toleration(key: str, text: str) -> None:
    toleration(require_key(key, key.removeprefix(TOLERATION)), text)


_NAMED: dict[str, Callable[[str, str], object]] = {
    ENV: lambda key, _: require_variable(key, key.removeprefix(ENV)),
    SELECTOR: _selector,
    LABEL: _label,
    ANNOTATION: lambda key, _: require_own_key(key, key.removeprefix(ANNOTATION)),
    TOLERATION: _toleration,
    VOLUME: lambda key, text: volume(key.removeprefix(VOLUME), text),
}


def _refused(key: str, check: Callable[[str, str], object], text: str) -> Iterator[Problem]:
    try:
        check(key, text)
    except OptionError as error:
        yield Problem(code=error.code, message=error.message, hint=error.hint, option=key)


def _resource_problems(options: Options) -> Iterator[Problem]:
    """A pod whose limit is less than its request is refused by the API."""
    for limit, request in (("pod_cpu_limit", "pod_cpu_cores"), ("pod_memory_limit", "pod_memory")):
        most, wanted = _text(options, limit), _text(options, request)
        if most and wanted and quantity(most) < quantity(wanted):
            default = " by default" if options[request].origin == "default" else ""
            yield Problem(
                code="SR370",
                message=f"option {limit!r} is {most}, less than {request!r}, which is {wanted}{default}",
                hint=f"write {limit} = '{wanted}' or more, or {request} = '{most}' or less",
                option=limit if options[limit].origin != "default" else request,
            )


def _mount_problems(options: Options) -> Iterator[Problem]:
    """Each volume is compared with those before it."""
    known: list[Volume] = []
    for name, text in _under(options, VOLUME).items():
        try:
            one = volume(name, text)
            require_apart(one, known)
            known.append(one)
        except OptionError as error:
            if error.code == "SR374":
                yield Problem(code=error.code, message=error.message, hint=error.hint, option=VOLUME + name)


def _under(options: Options, prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): _said(o) for key, o in options.items() if key.startswith(prefix)}


def _text(options: Options, key: str) -> str:
    return _said(options[key]) if key in options else ""


def _said(option: Effective) -> str:
    """The value as text; empty when there is none."""
    if isinstance(option.value, tuple):
        return ",".join(map(str, option.value))
    return "" if option.value is None else str(option.value).strip()


def _names(options: Options, key: str) -> tuple[str, ...]:
    return tuple(name for name in _text(options, key).split(",") if name)
