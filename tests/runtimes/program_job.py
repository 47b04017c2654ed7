"""A real job program for the runtime's tests: does what the variable BEHAVE of its environment says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def publish(output: Path) -> None:
    draft = output.with_name(output.name + ".draft")
    draft.mkdir(parents=True, exist_ok=True)
    (draft / "result.json").write_text(json.dumps({"pid": os.getpid()}))
    draft.rename(output)


def fail(output: Path) -> None:
    print("Traceback: ran out of luck", file=sys.stderr)
    sys.exit(3)


def explain(output: Path) -> None:
    told = {"code": "SR402", "message": "label clicked holds one class only", "hint": "check the WHERE"}
    output.with_name(output.name + ".error.json").write_text(json.dumps(told))
    sys.exit(1)


def forget(output: Path) -> None:
    print("done, but nothing written")


def die(output: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait(output: Path) -> None:
    while not output.with_name("gate").exists():
        time.sleep(0.02)
    publish(output)


def nest(output: Path) -> None:
    """Start a child in a session of its own that ignores a polite request, as a stuck loader would."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    child = subprocess.Popen([sys.executable, "-c", f"{code}\ntime.sleep(600)"], start_new_session=True)
    print(f"child {child.pid}", flush=True)
    child.wait()


def ranks(output: Path) -> None:
    folder = output.with_name("ranks")
    folder.mkdir(exist_ok=True)
    (folder / os.environ["RANK"]).write_text(os.environ["WORLD_SIZE"])
    if os.environ["RANK"] == "0":
        publish(output)


BEHAVIOURS = {
    "succeed": publish,
    "fail": fail,
    "explain": explain,
    "forget": forget,
    "die": die,
    "wait": wait,
    "nest": nest,
    "ranks": ranks,
}


def main() -> None:
    spec = json.loads(Path(sys.argv[sys.argv.index("--spec") + 1]).read_text())["value"]
    behave = os.environ["BEHAVE"]
    print(f"{behave}: started", flush=True)
    BEHAVIOURS[behave](Path(spec["output_uri"]))


if __name__ == "__main__":
    main()
