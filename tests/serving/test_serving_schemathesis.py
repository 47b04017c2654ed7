"""The OpenAPI document as schemathesis reads it.

Every operation is asked with what its schema allows and with what it forbids; each answer has a status, a
media type and a schema that the document names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrec.spec.service import ServiceSpec

WHY = "pip install schemathesis: it is in no extra"
schemathesis = pytest.importorskip("schemathesis", reason=WHY)
documented = pytest.importorskip("schemathesis.specs.openapi.checks", reason=WHY)


@pytest.fixture(scope="module")
def schema(
    mixed_folder: Path, make_spec: Callable[..., ServiceSpec], serve: Callable[..., Any]
) -> Iterator[Any]:
    with serve(make_spec(mixed_folder)) as server:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")


def test_every_answer_is_documented(schema: Any) -> None:
    checks = [
        documented.content_type_conformance,
        documented.response_schema_conformance,
        documented.status_code_conformance,
    ]
    real = {"model": st.just("m") | st.just("ranker"), "version": st.just(3)}
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        modes = [mode for mode in schemathesis.GenerationMode if mode.value != "all"]
        cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

        @settings(max_examples=25, suppress_health_check=list(HealthCheck))
        @given(case=cases, data=st.data())
        def check(case: Any, data: st.DataObject) -> None:
            if data.draw(st.booleans()):
                case.path_parameters.update(
                    {name: data.draw(real[name]) for name in case.path_parameters or {}}
                )
            case.validate_response(case.call(), checks=checks)

        check()
