"""``sqlrec services sync``: services catch up with the aliases they follow.

ALTER MODEL … SET ALIAS moves the services itself; this is for aliases that were moved in MLflow, and can be
run by a timer.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlrec.cli.arguments import add_command, add_json
from sqlrec.cli.console import print_json
from sqlrec.cli.project import settings
from sqlrec.errors import EXIT_FAILED, EXIT_OK, NameNotFoundError, SqlRecError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlrec.cli.arguments import Commands
    from sqlrec.execution.environment import Environment
    from sqlrec.execution.following import Follower


def add_to(actions: Commands) -> None:
    """Declare ``services sync``."""
    parser = add_command(actions, "sync", _sync, "make services that follow an alias serve what it names now")
    parser.add_argument("names", nargs="*", metavar="NAME", help="services; without any, all that follow")
    add_json(parser)


def _sync(given: argparse.Namespace) -> int:
    return sync(given.names, as_json=given.as_json)


def sync(names: Sequence[str], *, as_json: bool) -> int:
    """Move each service; one that fails keeps none from being moved. Exit 1 when one failed."""
    from sqlrec.execution.environment import Environment

    env = Environment(settings=settings())
    run = f"manual__{datetime.now(UTC).isoformat()}"
    results = [_one(follower, env, run) for follower in _chosen(names, env)]
    if as_json:
        print_json(results)
    else:
        for result in results:
            print(f"{result['service']}: {result['told']}")
    return EXIT_FAILED if any(result["state"] == "failed" for result in results) else EXIT_OK


def _one(follower: Follower, env: Environment, run: str) -> dict[str, str]:
    from sqlrec.execution.call import Call
    from sqlrec.execution.following import catch_up
    from sqlrec.execution.key import RunKey

    key = RunKey(dag_id="services", run_id=run, task_id=f"sync_{follower.service}")
    call = Call(env=env, key=key, report=lambda line: print(line, file=sys.stderr))
    try:
        target = catch_up(follower, call, "sqlrec services sync")
    except SqlRecError as error:
        state, told = "failed", str(error)
    else:
        state = "moved" if target else "current"
        now = target or follower.served
        told = f"{'moved to' if target else 'serves'} {now.name} (version {now.version}), {follower.alias}"
    return {"service": follower.service, "alias": follower.alias, "state": state, "told": told}


def _chosen(names: Sequence[str], env: Environment) -> list[Follower]:
    """The services named, or all that follow; raises SR206 for one that does not."""
    from sqlrec.execution.following import followers

    found = {follower.service.casefold(): follower for follower in followers(env.registry)}
    for name in names:
        if name.casefold() not in found:
            known = [follower.service for follower in found.values()]
            hint = suggest(name, known) or f"services that follow an alias: {', '.join(known) or 'none'}"
            raise NameNotFoundError("SR206", f"no service {name} follows an alias", hint=hint)
    return [found[name.casefold()] for name in names] if names else list(found.values())
