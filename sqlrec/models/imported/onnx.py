"""``type = 'import'``: a model that is brought as a file (FLIP-437)."""

from __future__ import annotations

from sqlrec.models.described import (
    MODEL,
    DescribedModel,
    choice,
    common_options,
    needs_signature,
)
from sqlrec.spec.options import Option, OptionKind, OptionSet

CONTROLLER = DescribedModel(
    type="import",
    doc="A model file that was made elsewhere; INPUT and OUTPUT state its columns.",
    options=OptionSet(
        (
            choice("type", "Kind of model.", "import", required=True),
            choice("format", "Format of the file.", "ONNX", required=True),
            Option(
                key="path",
                kind=OptionKind.STRING,
                doc="The file, a path or a URI.",
                scopes=MODEL,
                required=True,
            ),
            *common_options(),
        ),
        prefixes=("onnx.",),
    ),
    rules=(needs_signature,),
)
