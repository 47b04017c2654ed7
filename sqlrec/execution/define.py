"""CREATE MODEL, DROP MODEL and DROP SERVICE."""

from __future__ import annotations

from dataclasses import replace

from sqlrec.errors import NameNotFoundError, SchemaError, suggest
from sqlrec.execution.call import Call
from sqlrec.execution.find import find_model
from sqlrec.execution.locks import service_lock
from sqlrec.execution.outcome import GONE_MODEL, GONE_SERVICE, Outcome
from sqlrec.execution.tables import concrete
from sqlrec.models.lookup import get_controller
from sqlrec.plan.plan import DefineModelStep, DropModelStep, DropServiceStep
from sqlrec.plan.resolve_models import answers
from sqlrec.registry.registry import DeployAction
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.table import Relation


def define_model(step: DefineModelStep, call: Call) -> Outcome:
    """Register a model's definition; one that is temporary is known to the script or session alone.

    Raises what the registry and the query raise, and ``SchemaError`` for a query whose columns the model's
    type cannot take, with the code of what is wrong with them.
    """
    model, data = step.model, step.data
    if step.temporary:
        return Outcome(message=f"defined temporary model {model.name}")
    if data is not None and not _stays(step, call):
        model = _with_columns(model, data, call)
    changed = call.env.registry.put_model(model, replace=step.replace, if_not_exists=step.if_not_exists)
    what = "defined" if changed else "kept"
    return Outcome(message=f"{what} model {model.name}", facts={"model": str(model.name)})


def _stays(step: DefineModelStep, call: Call) -> bool:
    """Whether the definition is registered already and is kept, whatever its tables have become."""
    known = call.env.registry.model(step.model.name)
    same = known is not None and (step.if_not_exists or known.digest == step.model.digest)
    return same and not step.replace


def _with_columns(model: ModelSpec, data: Relation, call: Call) -> ModelSpec:
    """The model with the columns of its query, judged by its type."""
    from sqlrec.data.engine import Engine
    from sqlrec.data.types import declared

    relation = concrete(data, call)
    with Engine() as engine:
        columns = declared(engine.schema(relation))
    controller = get_controller(model.type)
    model = replace(model, columns=columns, outputs=answers(controller, columns, dict(model.options)))
    missing = [label for label in model.labels if columns.get(label) is None]
    if missing:
        hint = suggest(missing[0], columns.names) or f"its columns: {', '.join(columns.names)}"
        raise SchemaError("SR450", f"the query has no label column {missing[0]!r}", hint=hint)
    clash = next((f.name for f in columns if model.outputs.get(f.name)), "")
    if clash:
        message = f"column {clash!r} of the query has the name of an answer of model {model.name}"
        raise SchemaError("SR424", message, hint=f"rename it in the query: {clash} AS …")
    problems = tuple(controller.check(model))
    for problem in problems:
        if not problem.warning:
            raise SchemaError(problem.code, f"model {model.name}: {problem.message}", hint=problem.hint)
    for problem in problems:
        call.report(f"warning: {problem.message}")
    call.report(f"the query has columns {', '.join(f'{f.name} {f.type}' for f in columns)}")
    return model


def drop_model(step: DropModelStep, call: Call) -> Outcome:
    """Remove a model with its checkpoints."""
    if step.temporary:
        name = f"temporary model {step.model}"
        return Outcome(message=f"no {name} to drop" if step.absent else f"dropped {name}")
    registry = call.env.registry
    if not step.if_exists and not call.journal.begun(call.key.task_id):
        find_model(registry, step.model)
    call.journal.begin(call.key.task_id)
    dropped = registry.drop_model(step.model, if_exists=True)
    message = f"dropped model {step.model}" if dropped else f"no model {step.model} to drop"
    return Outcome(message=message, facts={GONE_MODEL: str(step.model)})


def drop_service(step: DropServiceStep, call: Call) -> Outcome:
    """Stop a service and take its name back."""
    env = call.env
    gone = {GONE_SERVICE: step.service}
    with service_lock(env, step.service):
        current = env.registry.service(step.service)
        if current is None and env.services.endpoint(step.service) is None:
            if not step.if_exists and not call.journal.begun(call.key.task_id):
                raise _no_service(step.service, env.registry.services())
            return Outcome(message=f"no service {step.service} to drop", facts=gone)
        call.journal.begin(call.key.task_id)
        env.services.remove(step.service)
        if current is not None:
            entry = env.registry.begin(
                service=step.service,
                action=DeployAction.DROP,
                checkpoint=current,
                key=call.key.text,
                options={},
            )
            env.registry.finish(entry, url="")
    return Outcome(message=f"dropped service {step.service}", facts=gone)


def _no_service(name: str, known: tuple[str, ...]) -> NameNotFoundError:
    hint = suggest(name, known) or f"services: {', '.join(known) or 'none'}"
    return NameNotFoundError("SR206", f"service {name} does not exist", hint=hint)
