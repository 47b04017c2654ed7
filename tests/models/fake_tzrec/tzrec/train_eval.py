"""``python -m tzrec.train_eval``: the arguments of TorchEasyRec's program, and the files it leaves."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from tzrec.config import Config


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline_config_path", required=True)
    parser.add_argument("--continue_train", action="store_true")
    given = parser.parse_args()
    config = Config(given.pipeline_config_path)
    rows = config.rows(config.text("train_input_path"), labels=True)
    measured = config.text("eval_input_path")
    held = config.rows(measured, labels=True) if measured else 0
    model_dir = Path(config.text("model_dir"))
    before = sorted(model_dir.glob("model.ckpt-*"))
    if before and not given.continue_train:
        raise SystemExit(f"model_dir[{model_dir}] already exists and not empty")
    base = config.inner("train_config").get("fine_tune_checkpoint")
    if base and not [*Path(str(base.value)).glob("model.ckpt-*")]:
        raise SystemExit(f"fine_tune_checkpoint[{base.value}] not exists.")
    if "FAIL" in os.environ:
        raise SystemExit("CUDA error: out of memory")
    _meet(model_dir.with_name("ranks"))
    if os.environ["RANK"] == "0":
        _write(model_dir, config, Path(given.pipeline_config_path), held, len(before))
    print(f"rank {os.environ['RANK']} learnt {rows} rows {sys.argv[1:]}")


def _meet(folder: Path) -> None:
    """All ranks go on when all are there, as with a process group."""
    folder.mkdir(exist_ok=True)
    (folder / os.environ["RANK"]).touch()
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < int(os.environ["WORLD_SIZE"]):
        if time.monotonic() > deadline:
            raise SystemExit("a rank did not join")
        time.sleep(0.02)


def _write(model_dir: Path, config: Config, path: Path, held: int, before: int) -> None:
    for step in range(before + 1, before + 3):
        for part in ("model", "optimizer"):
            folder = model_dir / f"model.ckpt-{step * 10}" / part
            folder.mkdir(parents=True)
            (folder / "__0_0.distcp").write_bytes(b"weights")
        if held:
            tasks = ["_clicked", "_bought"] if config.model.get("mmoe") else [""]
            line = {f"{m}{t}": 0.5 + step / 10 for m in ("auc", "binary_cross_entropy") for t in tasks}
            line = {"recall@5": 0.25} if config.model.get("dssm") else line
            with (model_dir / "train_eval_result_v2.txt").open("a") as file:
                file.write(json.dumps({"global_step": step * 10, **line}) + "\n")
    (model_dir / "pipeline.config").write_text(path.read_text())
    (model_dir / "version").write_text("1.3.16\n")


if __name__ == "__main__":
    main()
