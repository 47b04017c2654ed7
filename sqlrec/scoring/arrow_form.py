"""Rows as Arrow streams, and the answers to them: what JSON means, without a Python object a cell."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from sqlrec.errors import RemoteError

MEDIA_TYPE = "application/vnd.apache.arrow.stream"


def stream(batch: pa.RecordBatch) -> bytes:
    """An Arrow IPC stream of one batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def read_batch(service: str, body: bytes) -> pa.RecordBatch:
    """The one batch of a service's answer; raises ``RemoteError`` SR612 for anything else."""
    try:
        with pa.ipc.open_stream(body) as reader:
            batch = reader.read_next_batch()
            batch.validate(full=True)
            return batch
    except (pa.ArrowException, OSError, ValueError, StopIteration) as error:
        reason = (str(error).splitlines() or ["no rows"])[0][:200]
        raise RemoteError(
            "SR612",
            f"service {service} returned no valid Arrow stream: {reason}",
            hint="the URL may be that of another server",
            retriable=False,
        ) from None


def fitted(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """An answer's column in its declared type; raises ``ArrowInvalid`` where it does not fit.

    Fractions are rounded to the declared precision; nothing else may be lost.
    """
    if array.type.equals(wanted):
        return array
    loose = pc.CastOptions(target_type=wanted, allow_float_truncate=pa.types.is_floating(wanted))
    return pc.cast(array, options=loose)
