"""The images' build files: hadolint finds nothing, and the rules of the house hold."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.tools import tool

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docker").glob("*/Dockerfile"))
HADOLINT = tool("hadolint")
each_image = pytest.mark.parametrize("file", FILES, ids=[file.parent.name for file in FILES])


def instructions(file: Path) -> list[tuple[str, str]]:
    """Instructions and their arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(word.upper(), rest) for word, rest in pairs]


def arguments(file: Path, word: str) -> list[str]:
    return [rest for name, rest in instructions(file) if name == word]


def ignored() -> list[str]:
    """Patterns of .dockerignore that let something into the context."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_there_are_three_images() -> None:
    assert [file.parent.name for file in FILES] == ["airflow", "job", "server"]


@pytest.mark.skipif(not HADOLINT, reason="hadolint is not here: make tools")
@each_image
def test_hadolint_finds_nothing(file: Path) -> None:
    done = subprocess.run(
        [HADOLINT, "--failure-threshold", "style", str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_image
def test_bases_have_versions(file: Path) -> None:
    defaults = dict(pair.split("=", 1) for pair in arguments(file, "ARG") if "=" in pair)
    stages = set()
    for base in arguments(file, "FROM"):
        image, _, stage = base.partition(" AS ")
        name = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], image)
        repository, _, tag = name.rpartition(":")
        assert repository in {"docker.io/library/python", "docker.io/apache/airflow"}
        assert re.match(r"\d+\.\d+", tag)
        stages.add(stage)
    assert "build" in stages


@each_image
def test_the_last_user_is_airflows_and_no_root(file: Path) -> None:
    assert arguments(file, "USER")[-1] == "50000:0"
    assert instructions(file).index(("USER", "50000:0")) > [n for n, _ in instructions(file)].index("FROM")


@each_image
def test_what_is_copied_is_in_the_repository_and_in_the_context(file: Path) -> None:
    copies = [rest for rest in arguments(file, "COPY") if "--from=" not in rest]
    assert copies
    assert not arguments(file, "ADD")
    for rest in copies:
        *sources, _ = (part for part in rest.split() if not part.startswith("--"))
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) for pattern in ignored()), source


@each_image
def test_packages_have_tested_versions_and_come_from_public_defaults(file: Path) -> None:
    text = file.read_text()
    installs = [part for rest in arguments(file, "RUN") for part in rest.split("&&") if "pip install" in part]
    assert installs
    for install in installs:
        assert re.search(r"-c \S*constraints\.txt", install), install
        assert "--index-url" not in install
        assert "--no-cache-dir" in install or "PIP_NO_CACHE_DIR=1" in text
    hosts = set(re.findall(r"https?://([^/\s\"]+)", text)) - {"127.0.0.1:8080"}
    assert hosts <= {"download.pytorch.org"}


@each_image
def test_labels_signals_and_health(file: Path) -> None:
    labels = " ".join(arguments(file, "LABEL"))
    for name in ("title", "description", "licenses", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels
    assert arguments(file, "STOPSIGNAL") == ["SIGTERM"]
    assert len(arguments(file, "HEALTHCHECK")) == 1


def test_the_context_holds_no_state() -> None:
    """All is left out but what is named, so that no key or data set of a checkout gets into a build."""
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert not [pattern for pattern in ignored() if pattern in {".", "**", "demo", ".git"}]
