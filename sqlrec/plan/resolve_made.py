"""What CREATE MODEL makes besides a definition: the checkpoints of AS query, or of a file.

They are steps like those of TRAIN and EXPORT, so that each is a task with tries of its own. Their names are
fixed, so that a script can name them: ``initial`` and its exports of AS query, ``imported`` of a file.
"""

from __future__ import annotations

from sqlrec.models.controller import ModelController
from sqlrec.plan.plan import DefineModelStep, ExportStep, ImportStep, Step, TrainStep
from sqlrec.plan.refs import checkpoint_ref, model_ref, table_refs
from sqlrec.plan.scope import ScriptScope
from sqlrec.spec.model import ModelSpec

INITIAL = "initial"
"""The training checkpoint of AS query."""
IMPORTED = "imported"
"""The export that a file becomes."""


def made(define: DefineModelStep, scope: ScriptScope) -> tuple[Step, ...]:
    """The steps after the definition. Without OR REPLACE what an earlier run made is kept."""
    controller = scope.controller_of(define.model.type)
    if controller is None or define.temporary:
        return ()
    if define.data is not None:
        return _trained(define, controller)
    return (_imported(define),) if controller.programs.bring else ()


def _trained(define: DefineModelStep, controller: ModelController) -> tuple[Step, ...]:
    name, data, kept = define.model.name, define.data, not define.replace
    assert data is not None, "AS query"
    origin, exports = checkpoint_ref(name, INITIAL), controller.exports(INITIAL)
    train = TrainStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=INITIAL,
        data=data,
        if_absent=kept,
        reads=(model_ref(name), *table_refs(data)),
        writes=(origin,),
    )
    export = ExportStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=INITIAL,
        exports=exports,
        sample=data,
        if_absent=kept,
        reads=(model_ref(name), origin, *table_refs(data)),
        writes=tuple(checkpoint_ref(name, export) for export in exports),
    )
    return (train, export) if controller.programs.export else (train,)


def _imported(define: DefineModelStep) -> ImportStep:
    name = define.model.name
    return ImportStep(
        id="",
        line=0,
        sql="",
        model=name,
        checkpoint=IMPORTED,
        if_absent=not define.replace,
        reads=(model_ref(name),),
        writes=(checkpoint_ref(name, IMPORTED),),
    )


def is_ready_made(model: ModelSpec, controller: ModelController) -> bool:
    """Whether creating the model makes an export, which a service then needs not name."""
    programs = controller.programs
    return bool(programs.bring) or bool(model.query and programs.export)
