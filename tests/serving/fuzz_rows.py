"""Fuzzes the compiled scanner under the address and undefined-behaviour sanitizers.

    python tests/serving/fuzz_rows.py [examples]

Compiles sqlrec/serving/_rows.c anew with both, puts that in the place of the installed module and runs the
tests that compare it with the long way, with so many examples each. Says why where it cannot.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
)
QUIET = ("-Wno-missing-field-initializers", "-Wno-cast-function-type")
"""What Python's own way to declare types and methods is warned for."""


def compile_with_sanitizers(folder: Path) -> Path:
    """The module in ``folder``; raises ``OSError`` or ``CalledProcessError`` where it cannot be compiled."""
    sys.path.insert(0, str(ROOT))
    from hatch_build import command, target

    output = folder / target().name
    subprocess.run(command(output, *SANITIZERS, *QUIET), cwd=ROOT, check=True, capture_output=True)
    return output


def runtime() -> str:
    """The sanitizer's library, which must be there before Python; raises ``OSError`` without one."""
    found = subprocess.run(["gcc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True)
    library = found.stdout.strip()
    if not Path(library).is_absolute():
        raise OSError("gcc has no libasan.so")
    return library


class Examples:
    """A plugin of pytest: how hard hypothesis tries. It is imported when pytest has begun."""

    def __init__(self, number: int) -> None:
        self._number = number

    def pytest_configure(self) -> None:
        """Called by pytest."""
        from hypothesis import settings

        settings.register_profile("fuzz", max_examples=self._number, deadline=None)
        settings.load_profile("fuzz")


def fuzz(module: Path, examples: int) -> int:
    """Run the tests over a compiled module; pytest's exit status."""
    name = "sqlrec.serving._rows"
    spec = importlib.util.spec_from_file_location(name, module)
    assert spec is not None
    assert spec.loader is not None
    import sqlrec.serving

    rows = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rows)
    sys.modules[name] = rows
    vars(sqlrec.serving)["_rows"] = rows
    tests = [str(ROOT / "tests/serving/test_json_scan.py")]
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:randomly"]
    return pytest.main([*tests, *options], plugins=[Examples(examples)])


def main(arguments: list[str]) -> int:
    """Compile, then run again with the sanitizer's library loaded first."""
    if arguments[:1] == ["under"]:
        return fuzz(Path(arguments[1]), int(arguments[2]))
    with tempfile.TemporaryDirectory() as folder:
        try:
            module, library = compile_with_sanitizers(Path(folder)), runtime()
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", b"") or str(error).encode()
            print(f"skipped: the scanner cannot be compiled with sanitizers here: {reason.decode()}")
            return 0
        environment = os.environ | {
            "LD_PRELOAD": library,
            "ASAN_OPTIONS": "detect_leaks=0",  # Python's own; the tests count what the scanner allocates
            "PYTHONMALLOC": "malloc",  # or the sanitizer would see one arena
        }
        examples = arguments[0] if arguments else "1000"
        return subprocess.call([sys.executable, __file__, "under", str(module), examples], env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
