"""SHOW, DESCRIBE and SHOW CREATE: what there is at the moment the step runs, as rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from sqlrec.execution.call import Call
from sqlrec.execution.ddl import api_ddl, function_ddl, model_ddl, service_ddl
from sqlrec.execution.inspect_describe import (
    describe_api,
    describe_function,
    describe_model,
    named_api,
    named_function,
    named_model,
)
from sqlrec.execution.inspect_rows import table
from sqlrec.execution.inspect_service import deployed, describe_service
from sqlrec.execution.inspect_show import show
from sqlrec.execution.inspect_tables import describe_table, table_ddl_of
from sqlrec.execution.outcome import Outcome, Preview
from sqlrec.plan.plan import Inspection, InspectStep
from sqlrec.sql.statements import ObjectKind


def inspect(step: InspectStep, call: Call) -> Outcome:
    """The rows that a statement shows, all of them; raises what says that a thing it names is not there."""
    match step.action:
        case Inspection.SHOW:
            shown = show(step, call)
        case Inspection.DESCRIBE:
            shown = DESCRIBE[step.kind](step, call)
        case Inspection.SHOW_CREATE:
            shown = table(("create sql",), ((SHOW_CREATE[step.kind](step, call),),))
        case _:
            assert_never(step.action)
    rows = f"{shown.total} row{'' if shown.total == 1 else 's'}"
    return Outcome(message=f"showed {rows}", rows=shown.total, preview=shown)


def _model_ddl(step: InspectStep, call: Call) -> str:
    described = named_model(step, call)
    return model_ddl(described.model, temporary=described.temporary)


def _service_ddl(step: InspectStep, call: Call) -> str:
    return service_ddl(deployed(step, call)[1])


def _api_ddl(step: InspectStep, call: Call) -> str:
    return api_ddl(named_api(step, call))


def _function_ddl(step: InspectStep, call: Call) -> str:
    return function_ddl(named_function(step, call))


DESCRIBE: dict[ObjectKind, Callable[[InspectStep, Call], Preview]] = {
    ObjectKind.MODEL: describe_model,
    ObjectKind.SERVICE: describe_service,
    ObjectKind.API: describe_api,
    ObjectKind.FUNCTION: describe_function,
    ObjectKind.TABLE: describe_table,
}
"""What the kinds after DESCRIBE show."""

SHOW_CREATE: dict[ObjectKind, Callable[[InspectStep, Call], str]] = {
    ObjectKind.MODEL: _model_ddl,
    ObjectKind.SERVICE: _service_ddl,
    ObjectKind.API: _api_ddl,
    ObjectKind.FUNCTION: _function_ddl,
    ObjectKind.TABLE: table_ddl_of,
    ObjectKind.VIEW: table_ddl_of,
}
"""What the kinds after SHOW CREATE show."""
