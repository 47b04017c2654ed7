"""A training checkpoint of a tabular model on disk: definition, encoder, options, and the estimator's files.

The same training gives the same bytes; nothing that is read can run code, as far as the estimator's own
format allows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
import pyarrow as pa

from sqlrec.errors import StateError
from sqlrec.models.lookup import load as load_object
from sqlrec.models.objective import Objective
from sqlrec.models.tables.labels import ClassValue
from sqlrec.models.tables.roles import Roles, roles_of
from sqlrec.models.tabular.encoding import TableEncoder, encoder_from_json
from sqlrec.models.tabular.estimator import Estimator, Learner
from sqlrec.models.tabular.kind import tabular_controller
from sqlrec.spec import codec
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import Parsed

MODEL, ENCODER, OPTIONS = "model.json", "encoder.json", "options.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model. ``options`` are the effective ones of its training; ``classes`` are for MULTICLASS."""

    model: ModelSpec
    encoder: TableEncoder
    estimator: Estimator
    objective: Objective
    classes: tuple[ClassValue, ...]
    options: Mapping[str, Parsed]

    @property
    def roles(self) -> Roles:
        """The roles of the columns in the training."""
        return roles_of(self.model, self.options)

    def predict(self, table: pa.Table) -> tuple[npt.NDArray[Any], ...]:
        """What the model answers for a table with its feature columns: an array ``[rows, …]`` an output."""
        return self.estimator.predict(self.encoder.transform(table))


def learner_of(model: ModelSpec) -> Learner:
    """The learner of a model's type."""
    found = load_object(tabular_controller(model).learner)
    return cast(Learner, found() if isinstance(found, type) else found)


def save(trained: Trained, folder: Path) -> None:
    """Write the files of a checkpoint into an existing folder."""
    _write(folder / MODEL, codec.dumps(trained.model, indent=2))
    _write(folder / ENCODER, json.dumps(trained.encoder.to_json(), ensure_ascii=False))
    facts = {
        "objective": str(trained.objective),
        "classes": list(trained.classes),
        "options": dict(sorted(trained.options.items())),
    }
    _write(folder / OPTIONS, json.dumps(facts, indent=2, ensure_ascii=False))
    trained.estimator.save(folder)


def load(folder: Path) -> Trained:
    """The checkpoint in ``folder``; ``StateError`` SR521 when its files are missing or damaged."""
    try:
        model = cast(ModelSpec, codec.loads(ModelSpec, (folder / MODEL).read_bytes()))
        encoder = encoder_from_json(json.loads((folder / ENCODER).read_text(encoding="utf-8")))
        facts = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in facts["options"].items()}
        return Trained(
            model=model,
            encoder=encoder,
            estimator=learner_of(model).load(folder),
            objective=Objective(facts["objective"]),
            classes=tuple(facts["classes"]),
            options=options,
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise unreadable(folder, error) from error


def unreadable(folder: Path, error: object) -> StateError:
    """SR521: the files in ``folder`` are missing or damaged."""
    return StateError(
        "SR521", f"{folder} holds no readable training checkpoint: {error}", hint="train the model again"
    )


def told(classes: tuple[ClassValue, ...]) -> dict[str, str]:
    """The parameter that names the classes of a checkpoint in the order of the probabilities."""
    return {"classes": ", ".join(map(str, classes))} if classes else {}


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
