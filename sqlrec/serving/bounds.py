"""What a small body may not become: tensors and texts are bounded where they outgrow what was sent.

One long list makes the rows of a matrix all as long, those of other requests in its batch too. And one long
text that holds for every row (a column of length 1, a dictionary of one word) is copied by ONNX Runtime row
by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from sqlrec.serving.errors import RequestError
from sqlrec.serving.frame import Array, Frame
from sqlrec.spec.signature import InputColumn

MATRIX_VALUES = 1 << 26
"""Values of one list column after its rows were filled to one length; more would not fit in memory."""
JOINED_VALUES = 1 << 17
"""Values of one list column of several requests that may always be joined: a megabyte."""
TEXT_LENGTH = 1 << 26
"""Characters of the texts of one call of the model; a body of the usual limit has fewer by itself."""


def check_matrix(column: InputColumn, rows: int, width: int) -> None:
    """Raise ``RequestError`` SR655 when ``rows`` lists cannot be filled to ``width`` values."""
    if rows * width > MATRIX_VALUES:
        raise RequestError(
            "SR655",
            f"column {column.name} has a list of {width} values, too many for all of {rows} rows",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            hint="send rows with long lists in requests of their own",
            column=column.name,
        )


def would_swell(frames: Sequence[Frame], lists: Sequence[str]) -> bool:
    """Whether these frames, joined, are far larger than apart: one has long lists, others have many rows."""
    for name in lists:
        shapes = [frame.tensors[name].shape for frame in frames]
        together = sum([shape[0] for shape in shapes]) * max([shape[1] for shape in shapes])
        if together > JOINED_VALUES and together > 2 * sum([shape[0] * shape[1] for shape in shapes]):
            return True
    return False


def check_texts(tensors: Iterable[Array]) -> None:
    """Raise ``RequestError`` SR655 when the texts of all these arrays are too long together."""
    length = sum(sum(map(len, texts.reshape(-1).tolist())) for texts in tensors)
    if length > TEXT_LENGTH:
        raise RequestError(
            "SR655",
            f"the texts of all rows are {length} characters long; the model is given at most {TEXT_LENGTH}",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            hint="send the rows in several requests",
        )
