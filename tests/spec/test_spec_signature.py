from __future__ import annotations

import pytest

from sqlrec.spec.signature import Signature, Variant


@pytest.mark.parametrize(
    ("kept", "wanted", "served"),
    [
        (("fp32", "fp16", "int8"), "auto", "int8"),
        (("fp32", "fp16"), "auto", "fp32"),
        (("fp32", "int8"), "fp32", "fp32"),
        (("fp32",), "int8", "int8"),
    ],
)
def test_auto_is_the_fastest_variant_that_was_kept(kept: tuple[str, ...], wanted: str, served: str) -> None:
    variants = {name: Variant(file=f"{name}.onnx", bytes=1) for name in kept}
    signature = Signature(model="m", type="t", checkpoint="c", inputs=(), outputs=(), variants=variants)
    assert signature.variant_for(wanted) == served
