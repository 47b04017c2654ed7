"""``sqlrec rollout``: what a service serves, what it served before, the way back, and its scale."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json, positive
from sqlrec.cli.console import print_fact, print_json, print_table
from sqlrec.cli.project import settings
from sqlrec.errors import EXIT_FAILED, EXIT_OK, StateError
from sqlrec.spec import codec
from sqlrec.spec.service import ServiceState

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.execution.call import Call
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.outcome import Outcome
    from sqlrec.registry.registry import Deployment

COLUMNS = ("revision", "when", "action", "checkpoint", "version", "state", "options", "error")


def add_to(commands: Commands) -> None:
    """Declare ``rollout`` with its own commands."""
    parser = add_command(
        commands, "rollout", lambda a: parser.print_help(), "show and take back changes of a service"
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    showing = add_command(
        actions,
        "status",
        lambda a: status(a.service, as_json=a.as_json),
        "show what a service serves since when; exit 1 unless it is ready",
    )
    listing = add_command(
        actions,
        "history",
        lambda a: history(a.service, as_json=a.as_json),
        "list all changes of a service, failed ones too",
    )
    undoing = add_command(
        actions,
        "undo",
        lambda a: undo(a.service, a.checkpoint, as_json=a.as_json),
        "go back to what the service served before, as ROLLBACK SERVICE does",
    )
    undoing.add_argument(
        "--to", dest="checkpoint", default="", metavar="CHECKPOINT", help="a checkpoint it served once"
    )
    aborting = add_command(
        actions,
        "abort",
        lambda a: abort(a.service, as_json=a.as_json),
        "remove the canary of a service",
    )
    scaling = add_command(
        actions,
        "scale",
        lambda a: scale(a.service, a.replicas, as_json=a.as_json),
        "change how many copies of a service run, as ALTER SERVICE … SET (replicas = …) does",
    )
    scaling.add_argument(
        "--replicas", type=positive, required=True, metavar="N", help="copies that are to run"
    )
    for each in (showing, listing, undoing, aborting, scaling):
        each.add_argument("service", help="the service")
        add_json(each)


def _encoded(entry: Deployment | None) -> object:
    """An entry as JSON data, secrets as asterisks."""
    return codec.encode(replace(entry, options=_masked(entry)) if entry else None)


def _environment() -> Environment:
    from sqlrec.execution.environment import Environment

    return Environment(settings=settings())


def _history(env: Environment, service: str) -> tuple[Deployment, ...]:
    """All entries of a service; raises SR206 when there are none."""
    from sqlrec.execution.service_changes import no_service

    found = env.registry.history(service)
    if not found:
        raise no_service(service, env.registry.services())
    return found


def status(service: str, *, as_json: bool) -> int:
    """Show the revision in force and how the service is; gives the exit status."""
    from sqlrec.execution.revisions import in_force
    from sqlrec.registry.tags import running_canary

    env = _environment()
    entries = _history(env, service)
    current, endpoint = in_force(entries), env.services.endpoint(service)
    canary, drift = running_canary(entries), env.services.drift(service)
    state = endpoint.state if endpoint else ServiceState.STOPPED
    latest = max(entries, key=lambda entry: entry.revision)
    open_change = latest if current is None or latest.revision > current.revision else None
    if as_json:
        print_json(
            {
                "service": service,
                "state": state,
                "url": endpoint.url if endpoint else "",
                "revision": _encoded(current),
                "latest": _encoded(latest),
                "canary": _encoded(canary),
                "detail": endpoint.detail if endpoint else "",
                "drift": [codec.encode(change) for change in drift],
            }
        )
    else:
        where = f" at {endpoint.url}" if endpoint and state is ServiceState.READY else ""
        print_fact("service", f"{service} is {state}{where}")
        if current is None:
            print_fact("serves", "nothing: it was dropped")
        else:
            print_fact("serves", f"{current.model} {current.checkpoint}, version {current.version}")
            print_fact("revision", f"{current.revision}, {current.action} of {_when(current)}")
            print_fact("options", _options(current) or "defaults")
        if canary is not None:
            asked = canary.options.get("canary", "")
            print_fact("canary", f"{canary.model} {canary.checkpoint}, version {canary.version}, {asked}")
        if endpoint and endpoint.detail:
            print_fact("detail", endpoint.detail)
        for change in drift:
            print_fact("changed by hand", str(change))
        if open_change is not None and open_change.error:
            print_fact(
                "last change", f"revision {open_change.revision} {open_change.state}: {_line(open_change)}"
            )
    return EXIT_OK if state is ServiceState.READY else EXIT_FAILED


def history(service: str, *, as_json: bool) -> None:
    """List all entries, oldest first."""
    found = _history(_environment(), service)
    if as_json:
        print_json([_encoded(entry) for entry in found])
        return
    rows = [
        (e.revision, _when(e), e.action, e.checkpoint, e.version, e.state, _options(e), _line(e))
        for e in found
    ]
    print_table(f"Changes of service {service}", COLUMNS, rows)


def undo(service: str, checkpoint: str, *, as_json: bool) -> None:
    """Go back; raises what ROLLBACK SERVICE raises."""
    from sqlrec.execution.service_changes import rollback_service
    from sqlrec.plan.plan import RollbackStep

    step = RollbackStep(id="undo", line=0, sql="sqlrec rollout undo", service=service, checkpoint=checkpoint)
    _tell(rollback_service(step, _call("undo")), as_json=as_json)


def abort(service: str, *, as_json: bool) -> None:
    """Remove the canary; raises SR206 without such a service and SR275 without a canary."""
    from sqlrec.execution.canary import abort as end_canary
    from sqlrec.execution.locks import service_lock

    call = _call("abort")
    _history(call.env, service)
    with service_lock(call.env, service):
        outcome = end_canary(service, call, "sqlrec rollout abort")
    if outcome is None:
        hint = f"sqlrec rollout undo {service} goes back to what it served before"
        raise StateError("SR275", f"service {service} has no canary to abort", hint=hint)
    _tell(outcome, as_json=as_json)


def scale(service: str, replicas: int, *, as_json: bool) -> None:
    """Change the number of copies; raises what ALTER SERVICE raises."""
    from sqlrec.execution.service_changes import alter_service
    from sqlrec.plan.changes import SetOptions
    from sqlrec.plan.plan import AlterServiceStep

    sql = f"sqlrec rollout scale --replicas {replicas}"
    change = SetOptions(options={"replicas": replicas})
    step = AlterServiceStep(id="scale", line=0, sql=sql, service=service, change=change)
    _tell(alter_service(step, _call("scale")), as_json=as_json)


def _call(task: str) -> Call:
    from sqlrec.execution.call import Call
    from sqlrec.execution.key import RunKey

    key = RunKey(dag_id="rollout", run_id=f"manual__{datetime.now(UTC).isoformat()}", task_id=task)
    return Call(env=_environment(), key=key, report=lambda line: print(line, file=sys.stderr))


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(codec.encode(outcome))
    else:
        print(outcome.message)


def _when(entry: Deployment) -> str:
    moment = entry.finished_at or entry.created_at
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M:%S")


def _options(entry: Deployment) -> str:
    return ", ".join(f"{key} = {value}" for key, value in _masked(entry).items())


def _masked(entry: Deployment) -> dict[str, str]:
    from sqlrec.execution.masking import masked_options

    return {key: str(value) for key, value in masked_options(entry.options).items()}


def _line(entry: Deployment) -> str:
    return entry.error.partition("\n")[0]
