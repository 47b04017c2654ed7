"""``sqlrec demo``: what it shows at its end is true, and it leaves running only what it names."""

from __future__ import annotations

import re
import subprocess

import pytest

from sqlrec.data.behavior import BehaviorConfig, write_behavior
from tests.e2e.whole_project import Project, ask

pytestmark = pytest.mark.e2e


def test_the_demo(new_project: Project) -> None:
    """On less data than it would make itself."""
    project = new_project
    write_behavior(project.folder / "data" / "behavior", BehaviorConfig(rows=8_000))
    shown = project.run("demo", project.folder)
    scores = re.search(r"AUC +(0\.\d+) trained, (0\.\d+) is the best reachable", shown)
    assert scores is not None
    assert 0.5 < float(scores[1]) < float(scores[2]) < 1

    url = re.search(r"service rank +running at (\S+)", shown)
    assert url is not None
    assert ask(url[1], []) == {"probs": []}

    for command in ("checkpoints", "stop it with"):
        line = re.search(rf"{command} +(.*sqlrec.*)", shown)
        assert line is not None
        subprocess.run(line[1], shell=True, check=True, capture_output=True)
    assert project.service()["state"] == "stopped"
    assert project.family() == []
