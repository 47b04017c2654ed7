"""Options of EXPORT MODEL that all exported models share. Light: controllers declare them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlrec.spec.options import Option, OptionKind, Parsed, Scope

FP32, FP16, INT8 = "fp32", "fp16", "int8"
VARIANTS = (FP32, FP16, INT8)
_EXPORT = frozenset({Scope.EXPORT})


def variant_options() -> tuple[Option, ...]:
    """``variants`` and the loss of quality that a smaller one may have."""
    return (
        Option(
            key="variants",
            kind=OptionKind.STRING_LIST,
            scopes=_EXPORT,
            default=VARIANTS,
            choices=VARIANTS,
            doc="Files to make, fp32 always: fp16 has half the bytes, int8 (static) is small and fast.",
        ),
        Option(
            key="max_metric_loss",
            kind=OptionKind.DOUBLE,
            scopes=_EXPORT,
            default=0.005,
            minimum=0,
            doc="A variant that loses more of the main metric on the sample than this is not kept.",
        ),
    )


def wanted_variants(options: Mapping[str, Parsed]) -> tuple[str, ...]:
    """The variants to make, ``fp32`` first and always."""
    asked = options.get("variants")
    names = asked if isinstance(asked, tuple) else VARIANTS
    return (FP32, *(name for name in VARIANTS if name != FP32 and name in names))


def metric_budget(options: Mapping[str, Parsed]) -> float:
    """``max_metric_loss``."""
    value = options.get("max_metric_loss")
    return float(value) if isinstance(value, int | float) else 0.005
