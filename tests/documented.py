"""Whether a server answers as its own OpenAPI document says, asked by schemathesis.

Every operation is asked with what its schema allows and with what it forbids; each answer has a status, a
media type and a schema that the document names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WHY = "schemathesis is not installed: make conformance"
EXAMPLES = 25


def answers_as_documented(port: int, real: Mapping[str, st.SearchStrategy[Any]]) -> int:
    """How many operations were asked; half the cases have the ``real`` path parameters, by name."""
    schemathesis = pytest.importorskip("schemathesis", reason=WHY)
    documented = pytest.importorskip("schemathesis.specs.openapi.checks", reason=WHY)
    checks = [
        documented.content_type_conformance,
        documented.response_schema_conformance,
        documented.status_code_conformance,
    ]
    modes = [mode for mode in schemathesis.GenerationMode if mode.value != "all"]
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        @given(case=cases, data=st.data())
        def check(case: Any, data: st.DataObject) -> None:
            if data.draw(st.booleans()):
                case.path_parameters.update(
                    {name: data.draw(real[name]) for name in case.path_parameters or {}}
                )
            case.validate_response(case.call(), checks=checks)

        check()
    return len(operations)
