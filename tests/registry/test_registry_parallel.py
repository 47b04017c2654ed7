"""Eight processes at once on a registry that does not exist yet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlrec.registry.mlflow import MlflowRegistry
from tests.registries import RANK, uri

PROCESSES = 8
PROGRAM = """
import json, os, sys
from pathlib import Path
from sqlrec.registry.mlflow import MlflowRegistry
from sqlrec.registry.registry import DeployAction
from tests.registries import model, register

folder, database = Path(sys.argv[1]), sys.argv[2]


def work(number):
    registry = MlflowRegistry(database, str(folder / "models"))
    registry.put_model(model())
    shared = register(registry, folder / number, "shared", key="dag/run/train")
    own = register(registry, folder / number, "own", key=f"dag/run/train/{number}")
    ids = []
    for service, key in (("one", "dag/run/deploy"), ("many", f"dag/run/deploy/{number}")):
        entry = registry.begin(
            service=service, action=DeployAction.DEPLOY, checkpoint=shared, key=key, options={}
        )
        ids.append(registry.finish(entry, url="u").id)
    (folder / f"{number}.json").write_text(json.dumps([shared.version, own.version, *ids]))


children = []
for number in range(int(sys.argv[3])):
    child = os.fork()
    if child == 0:
        work(str(number))
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def test_eight_processes_on_a_new_registry(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path), uri(tmp_path), str(PROCESSES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    told = [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(PROCESSES)]
    shared, own, entry, own_entries = zip(*told, strict=True)
    assert len(set(shared)) == 1, "one key, one version"
    assert len(set(own)) == PROCESSES
    assert len(set(entry)) == 1
    assert len(set(own_entries)) == PROCESSES
    registry = MlflowRegistry(uri(tmp_path), str(tmp_path / "models"))
    assert {c.version for c in registry.checkpoints(RANK)} == {*shared, *own}
    assert [d.revision for d in registry.history("one")] == [1]
    assert [d.revision for d in registry.history("many")] == list(range(1, PROCESSES + 1))
    assert len(registry.models()) == 1
    folders = list((tmp_path / "models").glob("sqlrec/default/rank_model/models/*/artifacts"))
    assert len(folders) == PROCESSES + 1, "the files of those who lost are gone"
