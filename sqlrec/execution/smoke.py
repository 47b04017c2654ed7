"""The proof of a new service: its own URL answers the sample rows of its model with every output."""

from __future__ import annotations

import asyncio
import json

from sqlrec.errors import RemoteError, StateError
from sqlrec.execution.call import Report
from sqlrec.execution.served import outputs_of
from sqlrec.runtimes.runtime import Verify
from sqlrec.spec.access import Access
from sqlrec.spec.schema import Schema
from sqlrec.spec.service import Endpoint
from sqlrec.spec.signature import Signature

TIMEOUT = 10.0


def smoke_test(signature: Signature, report: Report, access: Access) -> Verify:
    """A check that predicts the signature's sample rows and looks at every declared output.

    ``access`` is what the service asks of its callers. Raises ``StateError`` SR636 for a signature
    without sample rows. The check raises ``RemoteError``:
    SR610 … SR614 as any call of a service does, SR637 for an output that is missing or is no number.
    """
    if not signature.sample:
        raise StateError(
            "SR636",
            f"export {signature.checkpoint} of {signature.model} keeps no sample rows",
            hint="export it again",
        )
    rows = [dict(row) for row in signature.sample]

    def verify(endpoint: Endpoint) -> None:
        answer = asyncio.run(_ask(endpoint, json.dumps(rows).encode(), access))
        _check(endpoint.name, outputs_of(signature), answer, len(rows))
        report(f"{endpoint.url} answers {len(rows)} sample rows")

    return verify


async def _ask(endpoint: Endpoint, payload: bytes, access: Access) -> object:
    from sqlrec.scoring.client import ServiceClient

    client = ServiceClient(endpoint.name, endpoint.url, timeout=TIMEOUT, attempts=3, access=access)
    async with client:
        return await client.predict(payload)


def _check(service: str, declared: Schema, answer: object, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    from sqlrec.data.types import arrow_schema
    from sqlrec.scoring.merge import merge

    outputs = arrow_schema(declared)
    columns = merge(service, answer, outputs, rows=rows, asked=rows)
    for field, column in zip(outputs, columns, strict=True):
        if column is None or column.null_count:
            raise _failed(service, f"leaves out {field.name!r}")
        if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(column)).as_py():
            raise _failed(service, f"gives {field.name!r} that is no finite number")


def _failed(service: str, what: str) -> RemoteError:
    return RemoteError("SR637", f"service {service} {what} for a sample row", retriable=False)
