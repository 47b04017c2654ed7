from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sqlrec.errors import NameNotFoundError
from sqlrec.models.lookup import get_controller, model_types

PLUGIN = {
    "plugin_models.py": "class Controller:\n    type = 'Own.Type'\n\nCONTROLLER = Controller()\n",
    "plugin_models-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: plugin-models\nVersion: 1\n",
    "plugin_models-1.dist-info/entry_points.txt": (
        "[sqlrec.models]\nOwn.Type = plugin_models:CONTROLLER\nbroken.type = plugin_gone:CONTROLLER\n"
    ),
}
PROGRAM = """
from sqlrec.errors import SetupError
from sqlrec.models.lookup import get_controller, model_types
assert {"Own.Type", "broken.type", "tzrec.wide_and_deep"} <= set(model_types())
print(get_controller("own.TYPE").type)
try:
    get_controller("broken.type")
except SetupError as error:
    print(error)
"""


def test_built_in_types_are_found_without_case() -> None:
    assert get_controller("TZREC.Wide_and_Deep").type == "tzrec.wide_and_deep"
    assert "tzrec.wide_and_deep" in model_types()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("tzrec.wide_and_dep", "Did you mean 'tzrec.wide_and_deep'?"), ("prophet", "known types: ")],
)
def test_an_unknown_type_names_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(NameNotFoundError, match=f"unknown model type '{name}'") as caught:
        get_controller(name)
    assert caught.value.code == "SR204"
    assert caught.value.hint.startswith(hint)


def test_types_of_other_packages_are_found_and_a_broken_one_names_its_package(tmp_path: Path) -> None:
    for name, content in PLUGIN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    first, second = done.stdout.splitlines()
    assert first == "Own.Type"
    assert "[SR702] model type 'broken.type' of package plugin-models cannot be loaded" in second
    assert "reinstall or remove plugin-models" in second
