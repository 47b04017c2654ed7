"""Two towers: the item that a user took among all items, by an inner product of their embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from sqlrec.features.columns import Bag
from sqlrec.features.encoder import Encoder
from sqlrec.models.cores import free_cores
from sqlrec.models.deep.controllers import deep_model
from sqlrec.models.deep.dssm import EXCLUDE_SEEN, TEMPERATURES, sides_of
from sqlrec.models.deep.encoding import encode
from sqlrec.models.deep.goal import Answers, Predict
from sqlrec.models.deep.group import Group
from sqlrec.models.deep.layout import layout_of
from sqlrec.models.deep.rows import Rows
from sqlrec.models.deep.towers.items import Catalogue, beside, identity_of, read_catalogue, save_items
from sqlrec.models.deep.towers.loss import Batch, sampled_softmax
from sqlrec.models.deep.towers.places import ItemColumns, places
from sqlrec.models.measuring.measures import DEFAULTS, PRIMARY
from sqlrec.models.measuring.objectives import Report, retrieval_report
from sqlrec.models.objective import Objective
from sqlrec.models.tables.source import Source
from sqlrec.spec.job import TrainWork
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Scope
from sqlrec.spec.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What one training knows of its items: the candidates as a table and encoded, and their columns."""

    catalogue: Catalogue
    rows: Rows
    columns: ItemColumns
    temperature: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Outputs are [batch, 2, dim], users and items; the loss is a softmax over the items of the batch.

    Rows with label 1, and all rows where there is no label, are what users took. Of a row with label 0 only
    the item counts, as one that could have been taken.
    """

    metric: str = PRIMARY[Objective.RETRIEVAL]
    training: Training | None = None

    def started(self, work: TrainWork, encoder: Encoder) -> Retrieval:
        """With the items of the tables of ``work``; raises what :func:`read_catalogue` does."""
        model, sides = work.model, sides_of(work.model)
        columns, others = item_columns(model, encoder)
        identity = identity_of(encoder, sides.item_id)
        catalogue = read_catalogue(work.data, work.validation, columns, identity, str(model.name))
        offered = Source(
            name="the items", table=beside(catalogue.table, others), labels=torch.empty(0).numpy()
        )
        training = Training(
            catalogue=catalogue,
            rows=encode(encoder, offered, free_cores()),
            columns=_places(encoder, model, set(columns.names), sides.item_id),
            temperature=_temperature(model),
        )
        return Retrieval(training=training)

    @property
    def _started(self) -> Training:
        assert self.training is not None, "a goal is started before it is worked towards"
        return self.training

    def loss(self, outputs: Tensor, batch: Rows, group: Group) -> Tensor:
        """Negative logarithm of the softmax, in nats; see :mod:`sqlrec.models.deep.towers.loss`."""
        training, taken = self._started, batch.labels[:, 0]
        return sampled_softmax(
            outputs,
            Batch(
                items=training.columns.numbers(batch),
                seen=training.columns.seen_numbers(batch),
                shares=training.catalogue.shares,
                weights=taken if batch.weights is None else taken * batch.weights,
                temperature=training.temperature,
                group=group,
            ),
        )

    def answers(self, outputs: Tensor) -> Tensor:
        """The embeddings themselves, [batch, 2, dim]."""
        return outputs

    def measure(self, answers: Answers, validation: Rows, predict: Predict) -> dict[str, float]:
        """recall@k, NDCG@k and MRR among all items."""
        numbers = self.report_of(answers, validation, predict).numbers
        return {
            name: numbers.get(name, float("nan")) for name in (*DEFAULTS[Objective.RETRIEVAL], self.metric)
        }

    def report(self, model: ModelSpec, answers: Answers, validation: Rows, predict: Predict) -> Report:
        """The same figures for more k, and recall by k."""
        return self.report_of(answers, validation, predict)

    def report_of(self, answers: Answers, validation: Rows, predict: Predict) -> Report:
        """What is measured of the users of the validation rows and all items."""
        training = self._started
        candidates = predict(training.rows)
        found = places(answers, validation, candidates, training.rows, training.columns)
        return retrieval_report(found, len(candidates))

    def save(self, folder: Path) -> None:
        """Keep the items beside the weights."""
        save_items(self._started.catalogue.table, folder)


def _temperature(model: ModelSpec) -> float:
    effective = deep_model(model.type).options.effective(Scope.MODEL, model=model.options)
    given = effective["temperature"].value
    return TEMPERATURES[str(effective["similarity"].value)] if given is None else float(cast(float, given))


def item_columns(model: ModelSpec, encoder: Encoder) -> tuple[Schema, Schema]:
    """The encoder's columns of the item tower, and the others."""
    known, item = {column.name for column in encoder.inputs}, sides_of(model).item
    columns = [field for field in model.features if field.name in known]
    mine, others = ([f for f in columns if (f.name in item) is is_mine] for is_mine in (True, False))
    return Schema(tuple(mine)), Schema(tuple(others))


def seen_bags(encoder: Encoder, model: ModelSpec) -> tuple[Bag, ...]:
    """The arrays of items that are not looked for again; none unless the model says so."""
    effective = deep_model(model.type).options.effective(Scope.MODEL, model=model.options)
    if not effective[EXCLUDE_SEEN].value:
        return ()
    identity = sides_of(model).item_id
    return tuple(bag for bag in encoder.sequences if bag.config.shared_with == identity)


def _places(encoder: Encoder, model: ModelSpec, item: set[str], identity: str) -> ItemColumns:
    dense, slots, bags = layout_of(encoder, model).dense, encoder.slots, encoder.bags
    place = next(place for place, slot in enumerate(slots) if slot.name == identity)
    own = slots[place]
    return ItemColumns(
        slots=tuple(place for place, slot in enumerate(slots) if slot.name in item),
        bags=tuple(place for place, slot in enumerate(bags) if slot.name in item),
        dense=tuple(place for place, name in enumerate(dense) if name in item),
        identity=place,
        first=own.offset,
        last=own.offset + own.rows - 1,
        seen=tuple(encoder.sequences.index(bag) for bag in seen_bags(encoder, model)),
    )


GOAL = Retrieval()
