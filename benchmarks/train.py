"""Training speed and quality against DeepCTR-Torch and RecBole: same rows, threads, batch size and epochs.

python benchmarks/train.py [--data ctr.parquet] [--model deepfm] [--batch 1024] [--threads 1] [--epochs 1]

Each framework runs in a process and an environment of its own (made under .venv-bench), reads the same two
parquet files, trains and saves its model. Without --data the rows are made, as those of `sqlrec demo`. A file
has the columns user_id, item_id, gender, age, occupation, zip3, genre, release_year, label and split
('train' or 'test'), which is MovieLens-1M with one sampled negative a positive in the published figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEERS = HERE / "peers"
ENVIRONMENTS = HERE.parent / ".venv-bench"
WITHOUT_DEPENDENCIES = {
    "deepctr": ["deepctr-torch==0.3.0"],
    "recbole": ["recbole==1.2.1", "colorlog==4.7.2", "thop"],
}
MOVIELENS = ("user_id", "item_id", "gender", "age", "occupation", "zip3", "genre", "release_year")
DEMO = ("user_id", "item_id", "country", "age", "gender", "device", "hour", "category")
SIDE = 1 << 20
"""Different values of a column under --wide."""


@dataclass(frozen=True)
class Peer:
    """A framework to run: which program, and the options that only ours has."""

    title: str
    program: str
    options: dict[str, Any]


OURS = Peer("sqlrec, BF16", "sqlrec", {"mixed_precision": "BF16"})
ALL = (
    OURS,
    Peer("sqlrec, FP32", "sqlrec", {}),
    Peer("DeepCTR-Torch 0.3.0", "deepctr", {}),
    Peer("RecBole 1.2.1", "recbole", {}),
)


def python_of(program: str) -> str:
    """The interpreter of a framework's environment, made when it is not there."""
    if program == "sqlrec":
        return sys.executable
    folder = ENVIRONMENTS / program
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        print(f"installing {program} into {folder} (first time only)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", PEERS / f"{program}.txt"], check=True)
        subprocess.run([*pip, "--no-deps", *WITHOUT_DEPENDENCIES[program]], check=True)
        (folder / "installed").touch()
    return str(python)


def write_rows(arguments: argparse.Namespace, folder: Path) -> tuple[str, ...]:
    """Write train.parquet and test.parquet; gives the feature columns."""
    import duckdb

    if arguments.data:
        features = MOVIELENS
        duckdb.sql(f"CREATE VIEW b AS FROM read_parquet('{arguments.data}')")
    else:
        from sqlrec.data.behavior import BehaviorConfig, write_behavior

        features, made = DEMO, folder / "behavior"
        write_behavior(made, BehaviorConfig(rows=arguments.rows, days=5, users=20_000, items=5_000))
        duckdb.sql(
            "CREATE VIEW b AS "
            "SELECT *, is_click AS label, if(dt = max(dt) OVER (), 'test', 'train') AS split "
            f"FROM read_parquet('{made}/*/*.parquet', hive_partitioning = 1)"
        )
    chosen = [f"hash({k}, rowid) % {SIDE} AS {name}" for k, name in enumerate(features)]
    for part in ("train", "test"):
        duckdb.sql(
            f"COPY (SELECT {', '.join(chosen if arguments.wide else features)}, label::INT AS label "
            f"FROM (SELECT *, row_number() OVER () AS rowid FROM b WHERE split = '{part}')) "
            f"TO '{folder / part}.parquet'"
        )
    return features


def run(peer: Peer, job: dict[str, Any], folder: Path) -> dict[str, Any] | str:
    """What a framework's program prints, or why it could not run."""
    path = folder / "job.json"
    path.write_text(json.dumps({**job, "options": peer.options, "output": str(folder / "model.pt")}))
    threads = str(job["threads"])
    environ = {
        **os.environ,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "PYTHONWARNINGS": "ignore",
    }
    try:
        python = python_of(peer.program)
    except subprocess.CalledProcessError as error:
        return f"cannot be installed: {error}"
    command = [python, PEERS / f"with_{peer.program}.py", path]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=folder)
    if done.returncode:
        return f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def median(results: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Medians over the rounds."""
    middle = len(results) // 2
    figures = {
        "loop": [r["loop"][0] for r in results],
        "whole": [r["whole"][0] for r in results],
        "cpu": [r["whole"][1] for r in results],
        "auc": [r["auc"] for r in results],
    }
    return {name: sorted(values)[middle] for name, values in figures.items()}


def table(found: dict[str, dict[str, float] | str]) -> str:
    """The results as a Markdown table, with ratios of ours to each.

    With one thread, samples a second of processor time are what the same run gives on an idle machine.
    """
    lines = [
        "| framework | loop, samples/s | ours is | parquet to checkpoint, samples/s | ours is "
        "| per CPU second | ours is | test AUC |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    best = found[OURS.title]
    for title, figures in found.items():
        if isinstance(figures, str) or isinstance(best, str):
            lines.append(f"| {title} | {figures} | | | | | | |")
            continue
        cells = [
            f"{figures[name]:,.0f} | {best[name] / figures[name]:.1f}x" for name in ("loop", "whole", "cpu")
        ]
        lines.append(f"| {title} | {' | '.join(cells)} | {figures['auc']:.4f} |")
    return "\n".join(lines)


def least(rounds: dict[str, list[dict[str, Any]]]) -> str:
    """How many times as fast as each ours was from parquet to checkpoint, in the round that was its worst."""
    lines, ours = [], rounds[OURS.title]
    for title, theirs in rounds.items():
        pairs = [(mine["whole"], other["whole"]) for mine, other in zip(ours, theirs, strict=False)]
        if title != OURS.title and pairs:
            wall, cpu = (min(mine[k] / other[k] for mine, other in pairs) for k in (0, 1))
            lines.append(f"{title}, worst of {len(pairs)} rounds: {wall:.1f}x, per CPU second {cpu:.1f}x")
    return "\n".join(lines)


def main() -> None:
    """Run every framework ``--rounds`` times in turn and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="parquet file with MovieLens columns")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to make without --data")
    parser.add_argument("--model", choices=["wide_and_deep", "deepfm"], default="wide_and_deep")
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--wide", action="store_true", help="a million values a column instead; ours alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features = write_rows(arguments, folder)
        job = {
            "train": str(folder / "train.parquet"),
            "test": str(folder / "test.parquet"),
            "features": features,
            "label": "label",
            "model": arguments.model,
            "dim": 16,
            "hidden": [512, 256, 128],
            "batch": arguments.batch,
            "epochs": arguments.epochs,
            "threads": arguments.threads,
        }
        peers = ALL[:2] if arguments.wide else ALL
        rounds: dict[str, list[dict[str, Any]]] = {peer.title: [] for peer in peers}
        failed: dict[str, str] = {}
        for _ in range(arguments.rounds):
            for peer in peers:
                found = run(peer, job, folder)
                if isinstance(found, str):
                    failed[peer.title] = found
                else:
                    rounds[peer.title].append(found)
                print(f"{peer.title}: {found}", file=sys.stderr, flush=True)
    print(table({title: failed.get(title) or median(results) for title, results in rounds.items()}))
    print(f"\n{least(rounds)}")


if __name__ == "__main__":
    main()
