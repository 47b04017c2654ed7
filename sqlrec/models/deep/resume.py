"""Continue a training (``FROM 'base'``): the base's weights and vocabulary, extended by new values.

A value keeps its embedding row across trainings. A new value starts as a copy of its column's row for
unseen values, so the extended model scores every row exactly as the base did until it has learnt more.
Numeric buckets and scales stay those of the base: the dense layers were trained on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sqlrec.errors import SchemaError
from sqlrec.features.blocks import Blocks
from sqlrec.features.columns import FeatureConfig, Slot
from sqlrec.features.encoder import Encoder, fit
from sqlrec.models.deep.checkpoint import Trained
from sqlrec.models.deep.controllers import deep_model
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed, Scope, canonical_key


def require_same_shape(base: Trained, model: ModelSpec, configs: Sequence[FeatureConfig]) -> None:
    """Raise ``SchemaError`` SR455 when the base's weights do not fit the model as it is defined now."""
    differences = []
    if base.model.type.casefold() != model.type.casefold():
        differences.append(f"its type is {base.model.type}")
    before = {f.config.name.casefold(): f.config for f in base.encoder.features}
    now = {config.name.casefold(): config for config in configs}
    differences += [f"it has no column {now[name].name!r}" for name in now if name not in before]
    differences += [f"it has a column {before[name].name!r}" for name in before if name not in now]
    for name in now.keys() & before.keys():
        for field in ("type", "embedding_dim", "shared_with", "history"):
            old, new = (getattr(config, field) or "none" for config in (before[name], now[name]))
            if old != new:
                differences.append(f"column {now[name].name!r} has {field} {old} in it, {new} in the model")
    kind = deep_model(model.type)
    if kind.has_tasks and base.model.labels != model.labels:
        differences.append(f"its labels are {', '.join(base.model.labels)}")
    then, today = (kind.options.effective(Scope.MODEL, model=m.options) for m in (base.model, model))
    for key in (canonical_key(option.key) for option in kind.own if "{f}" not in option.key):
        if then[key].value != today[key].value:
            differences.append(f"its {key} is {_shown(then[key].value)}")
    if differences:
        raise SchemaError(
            "SR455",
            f"the base checkpoint does not fit model {model.name}: {'; '.join(sorted(differences))}",
            hint="train without FROM, or restore the definition the checkpoint was trained with",
        )


def _shown(value: Parsed) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def extended_encoder(base: Encoder, rows: pa.Table | Blocks, configs: Sequence[FeatureConfig]) -> Encoder:
    """``base`` with the new values of ``rows`` after its own in each vocabulary, up to the bucket size."""
    data, fresh = base.to_json(), fit(rows, configs).to_json()
    added = {feature["config"]["name"].casefold(): feature for feature in fresh["features"]}
    return Encoder.from_json({**data, "features": [_merged(f, added) for f in data["features"]]})


def _merged(feature: dict[str, Any], added: dict[str, dict[str, Any]]) -> dict[str, Any]:
    new = added[feature["config"]["name"].casefold()]
    merged = {**feature, "config": {**feature["config"], "bucket_size": new["config"]["bucket_size"]}}
    if "values" in feature:
        known = set(feature["values"])
        special = 2 if feature["kind"] == "category" else 1
        room = max(new["config"]["bucket_size"] - special - len(known), 0)
        merged["values"] = feature["values"] + [v for v in new["values"] if v not in known][:room]
    if "length" in feature:
        merged["length"] = max(feature["length"], new["length"])
    return merged


def row_origin(base: Encoder, grown: Encoder) -> tuple[Tensor, Tensor]:
    """For each row of ``grown``'s table: the row of ``base``'s it starts from, and whether it is new."""
    origin = np.zeros(grown.table_rows, np.int64)
    is_new = np.zeros(grown.table_rows, bool)
    for old, new in zip((*base.slots, *base.bags), (*grown.slots, *grown.bags), strict=True):
        _place(old, new, origin, is_new)
    return torch.from_numpy(origin), torch.from_numpy(is_new)


def _place(old: Slot, new: Slot, origin: np.ndarray[Any, Any], is_new: np.ndarray[Any, Any]) -> None:
    """Known rows stay in order; the last row of a slot is the one for unseen values, which new ones copy."""
    rows = np.arange(new.rows)
    known = old.rows - 1
    origin[new.offset : new.offset + new.rows] = old.offset + np.minimum(rows, known)
    is_new[new.offset : new.offset + new.rows] = (rows >= known) & (rows < new.rows - 1)
