"""A training checkpoint on disk: model definition, fitted encoder, weights, optimiser state, options.

``weights.pt`` is read with ``weights_only``, so a checkpoint cannot run code; the same training gives
the same bytes.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor, nn

from sqlrec.errors import StateError
from sqlrec.features.encoder import Encoder
from sqlrec.models.deep.embedding import EmbeddingTable
from sqlrec.models.deep.goal import goal_of
from sqlrec.models.deep.head import new_head
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.network import Network
from sqlrec.models.deep.rows import Rows
from sqlrec.spec import codec
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed

MODEL, ENCODER, WEIGHTS, OPTIONS = "model.json", "encoder.json", "weights.pt", "options.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model.

    ``table`` float32 [rows, width] holds the fused embedding rows, ``accumulator`` [rows] their optimiser
    state and ``adam`` that of the head; ``options`` are those of its training.
    """

    model: ModelSpec
    encoder: Encoder
    table: Tensor
    head: nn.Module
    options: Mapping[str, Parsed]
    accumulator: Tensor
    adam: dict[str, Any]

    @property
    def network(self) -> Network:
        """Table, head and goal, sharing their storage with this object."""
        return Network(EmbeddingTable(self.table, self.accumulator), self.head, goal_of(self.model))

    def predict(self, table: pa.Table) -> tuple[npt.NDArray[np.float32], ...]:
        """What the model answers for a table with its feature columns: an array [rows, …] an output."""
        encoded = self.encoder.transform(table)
        answers = self.network.predict(
            Rows(
                ids=torch.from_numpy(encoded.ids),
                bags=tuple(map(torch.from_numpy, encoded.bags)),
                dense=torch.from_numpy(encoded.dense),
                labels=torch.zeros(table.num_rows, 1),
                histories=tuple(map(torch.from_numpy, encoded.histories)),
            )
        )
        return tuple(answers[:, i] for i in range(answers.shape[1]))


def save(trained: Trained, folder: Path) -> None:
    """Write the files of a checkpoint into an existing folder."""
    _write(folder / MODEL, codec.dumps(trained.model, indent=2))
    _write(folder / ENCODER, json.dumps(trained.encoder.to_json(), ensure_ascii=False))
    _write(folder / OPTIONS, json.dumps(dict(sorted(trained.options.items())), indent=2))
    state = {  # the table and its accumulators first: see filling
        "table": trained.table,
        "accumulator": trained.accumulator,
        "head": trained.head.state_dict(),
        "adam": trained.adam,
    }
    with (folder / WEIGHTS).open("wb") as file:
        torch.save(state, file)


def load(folder: Path, *, mapped: bool = False) -> Trained:
    """The checkpoint in ``folder``; ``StateError`` SR521 when its files are missing or damaged.

    With ``mapped`` its weights are read from the file as they are used.
    """
    try:
        state = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True, mmap=mapped)
        encoder = Encoder.from_json(json.loads((folder / ENCODER).read_text(encoding="utf-8")))
        options = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
        model = cast(ModelSpec, codec.loads(ModelSpec, (folder / MODEL).read_bytes()))
        head = new_head(model, layout_of(encoder, model), seed=0)
        head.load_state_dict(state["head"])
        return Trained(
            model=model,
            encoder=encoder,
            table=state["table"],
            head=head,
            options={k: tuple(v) if isinstance(v, list) else v for k, v in options.items()},
            accumulator=state["accumulator"],
            adam=state["adam"],
        )
    except (OSError, KeyError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise StateError(
            "SR521", f"{folder} holds no readable training checkpoint: {error}", hint="train the model again"
        ) from error


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
