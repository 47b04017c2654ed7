"""``sqlrec models`` and ``sqlrec checkpoints``: what is registered."""

from __future__ import annotations

from argparse import ArgumentTypeError
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
    from sqlrec.execution.inspect_rows import model_rows

    world = catalog()
    specs = model_rows(world)
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
    from sqlrec.execution.inspect_rows import checkpoint_rows, moment

    world = catalog()
    if world.model(name) is None:
        known = [str(ModelName.parse(full)) for full in world.models()]
        hint = suggest(str(name), known) or f"models: {', '.join(known) or 'none'}"
        raise NameNotFoundError("SR205", f"model {name} does not exist", hint=hint)
    if as_json:
        print_json([codec.encode(checkpoint) for checkpoint in world.checkpoints(name)])
        return
    rows = [
        (
            row.checkpoint.version,
            row.checkpoint.name,
            row.checkpoint.kind,
            row.checkpoint.status,
            row.checkpoint.metrics.get("auc", row.checkpoint.metrics.get("fp32.auc")),
            moment(row.checkpoint.created_at),
            ", ".join(f"@{alias}" for alias in row.aliases),
            ", ".join(row.services),
        )
        for row in checkpoint_rows(world, name)
    ]
    columns = ("version", "checkpoint", "type", "status", "auc", "created", "aliases", "served by")
    print_table(f"Checkpoints of {name}", columns, rows)
