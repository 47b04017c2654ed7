"""What a script asks for and TorchEasyRec's schema has no words for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlrec.models.controller import Problem
from sqlrec.models.deep.pipeline.architectures import Values, network_problems
from sqlrec.models.deep.pipeline.columns import Column, column_problems
from sqlrec.models.deep.training_options import training_options
from sqlrec.models.exporting.options import variant_options
from sqlrec.spec.options import Option, Parsed, Scope, canonical_key
from sqlrec.spec.schema import Kind

if TYPE_CHECKING:
    from sqlrec.models.deep.controller import DeepModel

SAID = frozenset(
    (
        "activation",
        "attention_activation",
        "attention_hidden_units",
        "batch_size",
        "bottom_hidden_units",
        "checkpoint_minutes",
        "checkpoint_steps",
        "cross_num",
        "cross_rank",
        "dense_lr",
        "dense_weight_decay",
        "dropout_ratio",
        "embedding_sharding",
        "expert_hidden_units",
        "feature_importance",
        "hidden_units",
        "item_features",
        "item_hidden_units",
        "item_id_column",
        "lr_decay",
        "normalization",
        "num_epochs",
        "num_expert",
        "num_workers",
        "output_dim",
        "sample_weight_column",
        "similarity",
        "sparse_lr",
        "structure",
        "temperature",
        "tower_hidden_units",
        "user_features",
        "user_hidden_units",
        "validation_fraction",
    )
)
"""Options that a file says, that say which rows are in its tables, or that matter to our trainer alone."""

SAID_VALUES: Mapping[str, frozenset[Parsed]] = {
    "lr_schedule": frozenset({"constant", "step"}),
    "mixed_precision": frozenset({None, "BF16", "FP16"}),
}


def problems(
    kind: DeepModel,
    scope: Scope,
    options: Mapping[str, Parsed],
    architecture: Values,
    columns: Sequence[Column],
) -> Iterator[Problem]:
    """All of it, for a statement of ``scope`` with these effective options."""
    for option in (*training_options(), *variant_options(), *kind.own):
        key = canonical_key(option.key)
        value = options.get(key, option.default)
        if {scope, Scope.MODEL} & option.scopes and not _is_said(option, value):
            yield _unsaid(option.key, value)
    yield from _lengths(kind, architecture, columns)
    yield from column_problems(columns)
    yield from network_problems(kind.type, architecture, columns)


def _is_said(option: Option, value: Parsed) -> bool:
    if "{f}" in option.key or option.key in SAID:
        return True
    if option.key in SAID_VALUES:
        return value in SAID_VALUES[option.key]
    return value == option.default


def _lengths(kind: DeepModel, architecture: Values, columns: Sequence[Column]) -> Iterator[Problem]:
    """Arrays that are pooled have no length in TorchEasyRec."""
    key = "max_array_length"
    longest, declared = architecture[key], kind.options.find(key)
    has_bags = any(c.is_embedded and not c.history and c.type.kind is Kind.ARRAY for c in columns)
    if has_bags and declared and longest != declared.default:
        yield _unsaid(key, longest)


def _unsaid(key: str, value: Parsed) -> Problem:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return Problem(
        code="SR380",
        message=f"TorchEasyRec has no {key} = {shown}",
        hint="leave the option out, or trainer = 'tzrec', so that sqlrec's own trainer does it",
        option=key,
    )
