"""``sqlrec models`` and ``sqlrec checkpoints``: what is registered."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.comparing import COMPARE, FEWEST, compare
from sqlrec.cli.console import print_json, print_table
from sqlrec.cli.project import settings
from sqlrec.spec import codec
from sqlrec.spec.names import ModelName

if TYPE_CHECKING:
    from sqlrec.cli.arguments import Commands
    from sqlrec.plan.catalog import Catalog


def add_to(commands: Commands) -> None:
    """Declare ``models`` and ``checkpoints``."""
    parser = add_command(
        commands, "models", lambda a: models(as_json=a.as_json), "list the registered models"
    )
    add_json(parser)
    listing = add_command(
        commands,
        "checkpoints",
        lambda a: _checkpoints(listing, a),
        "list the checkpoints of a model, with their metrics and who serves them, or compare some of them",
    )
    listing.usage = (
        f"%(prog)s [--json] MODEL\n       %(prog)s {COMPARE} MODEL A B … [--json] [--plot FILE.png]"
    )
    listing.add_argument(
        "words", nargs="+", metavar="MODEL", help=f"model name; after {COMPARE}, a model and its checkpoints"
    )
    listing.add_argument(
        "--plot", type=Path, metavar="FILE.png", help=f"of {COMPARE}: a picture of their curves"
    )
    add_json(listing)


def _checkpoints(parser: ArgumentParser, given: Namespace) -> None:
    """List, or compare: a model, then checkpoints by name, ``@alias`` or version."""
    comparing = given.words[0] == COMPARE and len(given.words) > 1
    name, *names = given.words[1:] if comparing else given.words
    if comparing and len(names) < FEWEST:
        parser.error(f"{COMPARE} takes a model and {FEWEST} of its checkpoints or more")
    if not comparing and (names or given.plot):
        parser.error(f"checkpoints are compared by: sqlrec checkpoints {COMPARE} {' '.join(given.words)}")
    try:
        model = ModelName.parse(name)
    except ValueError as error:
        parser.error(str(error))
    if comparing:
        compare(model, names, as_json=given.as_json, plot=given.plot)
    else:
        checkpoints(model, as_json=given.as_json)


def _world() -> Catalog:
    """What is registered in the project now."""
    from sqlrec.execution.environment import Environment

    return Environment(settings=settings()).catalog


def models(*, as_json: bool) -> None:
    """List the registered models."""
    from sqlrec.execution.inspect_rows import model_rows
    from sqlrec.execution.masking import masked, masked_options

    world = _world()
    specs = model_rows(world)
    if as_json:
        shown = (replace(s, options=masked_options(s.options), ddl=masked(s.ddl)) for s in specs)
        print_json([codec.encode(spec) for spec in shown])
        return
    if not specs:
        print(f"no models in the project {settings().project}")
        return
    rows = [
        (s.name, s.type, len(s.features), ", ".join(s.labels), len(world.checkpoints(s.name))) for s in specs
    ]
    print_table("Models", ("model", "type", "features", "labels", "checkpoints"), rows)


def checkpoints(name: ModelName, *, as_json: bool) -> None:
    """List the checkpoints of a model, oldest first, with their metrics and who serves them."""
    from sqlrec.execution.inspect_rows import checkpoint_rows, known_model, moment
    from sqlrec.execution.masking import masked
    from sqlrec.models.measuring.measures import told

    world = _world()
    known_model(world, name)
    if as_json:
        shown = (replace(c, statement=masked(c.statement)) for c in world.checkpoints(name))
        print_json([codec.encode(checkpoint) for checkpoint in shown])
        return
    rows = [
        (
            row.checkpoint.version,
            row.checkpoint.name,
            row.checkpoint.kind,
            row.checkpoint.status,
            told(row.checkpoint.metrics, limit=1),
            moment(row.checkpoint.created_at),
            ", ".join(f"@{alias}" for alias in row.aliases),
            ", ".join(row.services),
        )
        for row in checkpoint_rows(world, name)
    ]
    columns = ("version", "checkpoint", "type", "status", "metric", "created", "aliases", "served by")
    print_table(f"Checkpoints of {name}", columns, rows)
