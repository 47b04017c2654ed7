"""``sqlrec models`` and ``sqlrec checkpoints``: what is registered."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.compiling import catalog
from sqlrec.cli.console import print_json, print_table
from sqlrec.errors import NameNotFoundError, suggest
from sqlrec.spec import codec
from sqlrec.spec.names import ModelName

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands


def add_to(commands: Commands) -> None:
    """Declare ``models`` and ``checkpoints``."""
    parser = add_command(
        commands, "models", lambda a: models(as_json=a.as_json), "list the registered models"
    )
    add_json(parser)
    parser = add_command(
        commands,
        "checkpoints",
        lambda a: checkpoints(a.model, as_json=a.as_json),
        "list the checkpoints of a model, with their metrics and who serves them",
    )
    parser.add_argument("model", type=_model_name, help="model name")
    add_json(parser)


def models(*, as_json: bool) -> None:
    """List the registered models."""
    world = catalog()
    specs = [s for name in world.models() if (s := world.model(ModelName.parse(name)))]
    if as_json:
        print_json([codec.encode(spec) for spec in specs])
        return
    rows = [
        (s.name, s.type, len(s.features), ", ".join(s.labels), len(world.checkpoints(s.name))) for s in specs
    ]
    print_table("Models", ("model", "type", "features", "labels", "checkpoints"), rows)


def _model_name(text: str) -> ModelName:
    try:
        return ModelName.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def checkpoints(name: ModelName, *, as_json: bool) -> None:
    """List the checkpoints of a model, oldest first, with their metrics and who serves them."""
    world = catalog()
    if world.model(name) is None:
        known = [str(ModelName.parse(full)) for full in world.models()]
        hint = suggest(str(name), known) or f"models: {', '.join(known) or 'none'}"
        raise NameNotFoundError("SR205", f"model {name} does not exist", hint=hint)
    found = world.checkpoints(name)
    if as_json:
        print_json([codec.encode(checkpoint) for checkpoint in found])
        return
    serving: dict[int, list[str]] = {}
    for service in world.services():
        served = world.service(service)
        if served and served.model.key == name.key:
            serving.setdefault(served.version, []).append(service)
    rows = [
        (
            c.version,
            c.name,
            c.kind,
            c.status,
            c.metrics.get("auc", c.metrics.get("fp32.auc")),
            datetime.fromtimestamp(c.created_at).strftime("%Y-%m-%d %H:%M"),
            ", ".join(serving.get(c.version, ())),
        )
        for c in found
    ]
    columns = ("version", "checkpoint", "type", "status", "auc", "created", "served by")
    print_table(f"Checkpoints of {name}", columns, rows)
