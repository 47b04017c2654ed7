"""Whether an Arrow IPC stream has compressed record batches: pyarrow does not tell, it just unpacks them.

Read from the messages' metadata, which are FlatBuffers (``Message.fbs`` of the Arrow format): a table
begins with the distance back to its vtable, whose 16-bit entries say where in the table each field is.
"""

from __future__ import annotations

HEADER = 2
"""Field of a Message: its record batch or dictionary batch."""
DATA = 1
"""Field of a DictionaryBatch: its record batch."""
COMPRESSION = 3
"""Field of a RecordBatch, absent unless its buffers are compressed."""


def is_compressed(body: bytes) -> bool:
    """Whether any batch of a stream is compressed. Raises what pyarrow does for bytes that are no stream."""
    import pyarrow as pa

    return any(_has_compression(m) for m in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)))


def _has_compression(message: object) -> bool:
    kind = getattr(message, "type", "")
    if kind not in ("record batch", "dictionary"):
        return False
    metadata = memoryview(getattr(message, "metadata", b""))
    table = _target(metadata, _field(metadata, _target(metadata, 0), HEADER))
    if kind == "dictionary":
        table = _target(metadata, _field(metadata, table, DATA))
    return _field(metadata, table, COMPRESSION) != 0


def _field(metadata: memoryview, table: int, number: int) -> int:
    """Where a field of a table is; 0 when it is absent."""
    vtable = table - _number(metadata, table, 4, signed=True)
    entry = 4 + 2 * number
    if entry >= _number(metadata, vtable, 2):
        return 0
    distance = _number(metadata, vtable + entry, 2)
    return table + distance if distance else 0


def _target(metadata: memoryview, place: int) -> int:
    """Where an offset kept at a place leads."""
    return place + _number(metadata, place, 4)


def _number(metadata: memoryview, place: int, size: int, *, signed: bool = False) -> int:
    return int.from_bytes(metadata[place : place + size], "little", signed=signed)
