"""``python -m sqlrec.jobs --spec spec.json``: the command line of every job container and process.

Exit status: 0 published, 1 an error a user can act on (one message on standard error), 70 an unexpected
error (traceback), 143 stopped by SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlrec.errors import EXIT_FAILED, EXIT_OK, SetupError, SqlRecError
from sqlrec.jobs.harness import Stopped, run, stop_on_sigterm
from sqlrec.models.lookup import get_controller
from sqlrec.process import whole_process
from sqlrec.spec import codec
from sqlrec.spec.job import ExportWork, JobSpec, TrainWork
from sqlrec.spec.options import Scope
from sqlrec.spec.secret import given_by, resolved

EXIT_UNEXPECTED = 70
EXIT_STOPPED = 128 + 15


def main(arguments: list[str] | None = None) -> int:
    """Run the job of a spec file; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sqlrec.jobs", description="Run one job.")
    parser.add_argument("--spec", type=Path, required=True, help="the JobSpec, as JSON")
    parser.add_argument(
        "--pipeline-config", type=Path, help="TorchEasyRec's file, followed instead of options"
    )
    given = parser.parse_args(arguments)
    stop_on_sigterm()
    _suit_the_machine()
    try:
        run(with_config(with_secrets(read_spec(given.spec), os.environ), given.pipeline_config))
    except SqlRecError as error:
        if os.environ.get("RANK", "0") == "0":
            print(f"error: {error}", file=sys.stderr, flush=True)
        return EXIT_FAILED
    except Stopped:
        print("stopped by SIGTERM; nothing was published", file=sys.stderr, flush=True)
        return EXIT_STOPPED
    except Exception:
        traceback.print_exc()
        return EXIT_UNEXPECTED
    return EXIT_OK


def read_spec(path: Path) -> JobSpec:
    """The job of a spec file. Raises ``SetupError`` SR523 (unreadable) and ``DataError`` SR490 (no spec)."""
    try:
        return cast(JobSpec, codec.loads(JobSpec, path.read_bytes()))
    except OSError as error:
        raise SetupError("SR523", f"cannot read the job spec {path}: {error.strerror or error}") from error


def with_config(job: JobSpec, path: Path | None) -> JobSpec:
    """The job with a file to follow, unless its own options name one; raises ``OptionError`` SR301.

    That is for a model whose type knows no such file.
    """
    if path is None or not isinstance(job.work, TrainWork | ExportWork):
        return job
    scope = Scope.TRAIN if isinstance(job.work, TrainWork) else Scope.EXPORT
    key = get_controller(job.work.model.type).options.declared("pipeline_config", scope).key
    options = {**job.work.options, key: job.work.options.get(key) or str(path)}
    return replace(job, work=replace(job.work, options=options))


def with_secrets(job: JobSpec, environ: Mapping[str, str]) -> JobSpec:
    """The job with the secrets that its work refers to; raises ``NameNotFoundError`` SR320."""
    return replace(job, work=resolved(job.work, given_by(environ)))


def _suit_the_machine() -> None:
    """Let idle OpenMP threads sleep, and torch use huge pages; both are read when the libraries are loaded.

    Spinning threads make a shared machine many times slower. Reading and updating random rows of an embedding
    table of gigabytes is a quarter faster where one entry of the TLB covers 2 MiB.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


if __name__ == "__main__":
    sys.exit(whole_process(main))
