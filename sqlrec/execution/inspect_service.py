"""DESCRIBE SERVICE: what is served, how it runs, what it was before, and what it has answered so far."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus

from sqlrec.errors import NameNotFoundError, RemoteError, SetupError, suggest
from sqlrec.execution.asking import ask
from sqlrec.execution.call import Call
from sqlrec.execution.inspect_describe import FACTS, SECTIONS, Pair, section, shown
from sqlrec.execution.inspect_rows import moment, table
from sqlrec.execution.masking import masked, masked_options
from sqlrec.execution.outcome import Preview
from sqlrec.execution.revisions import in_force
from sqlrec.plan.plan import InspectStep
from sqlrec.registry.registry import Deployment, DeployState, Pinned
from sqlrec.registry.tags import running_canary
from sqlrec.spec.access import Access, access_of
from sqlrec.spec.canary import CANARY
from sqlrec.spec.model import Checkpoint
from sqlrec.spec.service import Endpoint, ServiceState

PATIENCE = 2.0
"""Seconds that a service has to answer with its statistics."""

_SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")


def deployed(step: InspectStep, call: Call) -> tuple[Checkpoint, Deployment]:
    """What a service serves, and the deployment that put it into force; raises SR206 without a service."""
    registry = call.env.registry
    served = registry.service(step.name)
    entry = in_force(registry.history(step.name))
    if served is None or entry is None:
        known = registry.services()
        hint = suggest(step.name, known) or f"services: {', '.join(known) or 'none'}"
        raise NameNotFoundError("SR206", f"service {step.name} does not exist", hint=hint)
    return served, entry


def describe_service(step: InspectStep, call: Call) -> Preview:
    """The service in a few lines, or with FORMATTED all there is about it."""
    served, entry = deployed(step, call)
    endpoint = call.env.services.endpoint(entry.service)
    found = [*_facts(served, entry, endpoint), *_beside(entry.service, call)]
    if not step.formatted:
        return table(FACTS, [(name.lower(), value) for name, value in found])
    options = masked_options(entry.options)
    history = call.env.registry.history(entry.service)
    sections = [
        *section("Service Information", found),
        *section("Service Parameters", ((key, shown(value)) for key, value in options.items())),
        *section("History", (_revision(d) for d in history)),
        *section("Statistics", _statistics(endpoint, access_of(entry.options))),
    ]
    return table(SECTIONS, sections)


def _facts(served: Checkpoint, entry: Deployment, endpoint: Endpoint | None) -> Iterator[Pair]:
    yield "Service", entry.service
    yield "Model", str(served.model)
    yield "Checkpoint", served.name
    yield "Version", str(served.version)
    for pin in entry.others:
        yield "And model", f"{pin.model} {pin.checkpoint} (version {pin.version})"
    yield "URL", endpoint.url if endpoint else entry.url
    yield "State", endpoint.state.value if endpoint else "not running here"
    if endpoint and endpoint.detail:
        yield "Detail", masked(endpoint.detail)
    yield "Revision", str(entry.revision)
    yield "Deployed", moment(entry.finished_at)


def _beside(service: str, call: Call) -> Iterator[Pair]:
    """The canary, and what was changed by hand in what runs."""
    canary = running_canary(call.env.registry.history(service))
    if canary is not None:
        yield "Canary", f"{canary.checkpoint} (version {canary.version}), {canary.options.get(CANARY, '')}"
    for change in call.env.services.drift(service):
        yield "Changed by hand", masked(str(change))


def _revision(entry: Deployment) -> Pair:
    """One line of the history, with why it was made or why it failed."""
    why = entry.error.partition("\n")[0] if entry.state is DeployState.FAILED else ""
    told = f": {masked(why)}" if why else ""
    when = moment(entry.finished_at or entry.created_at)
    pins = (Pinned(model=entry.model, version=entry.version, checkpoint=entry.checkpoint), *entry.others)
    served = ", ".join(f"{pin.checkpoint} (version {pin.version} of {pin.model})" for pin in pins)
    what = f"{entry.action} {served}"
    return str(entry.revision), f"{when} {what}, {entry.state}{told}"


# Statistics


def _statistics(endpoint: Endpoint | None, access: Access) -> Iterator[Pair]:
    """What the service tells of itself; one that does not answer is said to be silent."""
    if endpoint is None or endpoint.state is not ServiceState.READY:
        yield "(none)", "the service does not run here"
        return
    try:
        figures = _json(_told(endpoint, "stats", access)) or _figures(_told(endpoint, "metrics", access))
    except SetupError as error:
        yield "(none)", error.message
        return
    if not figures:
        yield "(none)", "the service does not answer"
    yield from figures


def _told(endpoint: Endpoint, page: str, access: Access) -> str:
    """The body of an answer with status 200, or an empty text; raises SR621, SR622."""
    url = f"{endpoint.url.removesuffix('/predict')}/{page}"
    try:
        status, text = ask(endpoint.name, url, access, timeout=PATIENCE)
    except RemoteError:
        return ""
    return text if status == HTTPStatus.OK else ""


def _json(text: str) -> list[Pair]:
    """The values of a JSON object by their paths; a member of a list goes by its model, or its place."""
    try:
        data = json.loads(text)
    except ValueError:
        return []
    return list(_flat(data, "")) if isinstance(data, dict) else []


def _flat(data: object, path: str) -> Iterator[Pair]:
    match data:
        case dict():
            for key, value in data.items():
                name = f"{path}.{key}" if path else key
                if key == "since" and isinstance(value, float):
                    yield name, moment(value)
                elif key != "buckets":  # histograms are for machines
                    yield from _flat(value, name)
        case list():
            for place, value in enumerate(data):
                yield from _flat(value, f"{path}[{_title(value, place)}]")
        case float():
            yield path, f"{data:.6g}"
        case _:
            yield path, "" if data is None else str(data)


def _title(member: object, place: int) -> str:
    """A member's model and version, or its place."""
    if not isinstance(member, dict) or "version" not in member:
        return str(place)
    return f"{member.get('name') or member.get('model')} {member['version']}"


def _figures(text: str) -> list[Pair]:
    """Requests, failures, rows and mean time from the service's figures in Prometheus' format."""
    sums: dict[str, float] = defaultdict(float)
    for line in text.splitlines():
        if (sample := _SAMPLE.fullmatch(line)) is not None:
            name, code = sample["name"], re.search(r'code="(\d+)"', sample["labels"] or "")
            sums[name] += float(sample["value"])
            if code and code[1] != "200":
                sums[f"{name} failed"] += float(sample["value"])
    if "sqlrec_request_duration_seconds_count" not in sums:
        return []
    count = sums["sqlrec_request_duration_seconds_count"]
    mean = sums["sqlrec_request_duration_seconds_sum"] / count if count else 0.0
    return [
        ("requests", f"{sums['sqlrec_requests_total']:.0f}"),
        ("failed", f"{sums['sqlrec_requests_total failed']:.0f}"),
        ("in flight", f"{sums['sqlrec_requests_in_flight']:.0f}"),
        ("rows", f"{sums['sqlrec_request_rows_sum']:.0f}"),
        ("seconds in all", f"{sums['sqlrec_request_duration_seconds_sum']:.6g}"),
        ("mean milliseconds", f"{mean * 1000:.3f}"),
    ]
