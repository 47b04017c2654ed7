"""The JSON of ``/predict``, SQLRec's protocol: rows or columns in, ``{"probs": […]}`` out."""

from __future__ import annotations

from typing import cast

import orjson

from sqlrec.serving.frame import Array, Outputs
from sqlrec.serving.json_payload import PayloadReader
from sqlrec.serving.json_scan import scanner_of
from sqlrec.serving.json_values import Decoder
from sqlrec.serving.wire import Header, Reading
from sqlrec.spec.signature import Signature


class JsonWire:
    """See :class:`sqlrec.serving.wire.Wire`."""

    def __init__(self, signature: Signature, *, missing_as_null: bool, max_rows: int) -> None:
        names = tuple(column.name for column in signature.inputs)
        self._reader = PayloadReader(names, missing_as_null=missing_as_null, max_rows=max_rows)
        self._decoder = Decoder(signature.inputs)
        self._scanner = scanner_of(signature.inputs, missing_as_null=missing_as_null, max_rows=max_rows)
        self._names = [output.name for output in signature.outputs]

    def read(self, body: bytes, header: Header) -> Reading:
        """Raises ``RequestError`` SR650 … SR655."""
        frame = self._scanner and self._scanner.read(body)
        return Reading(frame or self._decoder.decode(self._reader.read(body)), self.write)

    def write(self, outputs: Outputs) -> bytes:
        """``{"probs": […]}``; a NaN becomes null, for JSON has no other word for it."""
        answer = dict(zip(self._names, outputs, strict=True))
        return orjson.dumps(answer, default=_texts, option=orjson.OPT_SERIALIZE_NUMPY)


def _texts(array: object) -> list[object]:
    """An output of text, which orjson does not know as an array."""
    return list(cast(Array, array))
