"""``python -m tzrec.export``: the arguments of TorchEasyRec's program, and the files it leaves."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tzrec.config import Config


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline_config_path", required=True)
    parser.add_argument("--export_dir", required=True, type=Path)
    given = parser.parse_args()
    config = Config(given.pipeline_config_path)
    rows = config.rows(config.text("train_input_path"), labels=False)
    if not [*Path(config.text("model_dir")).glob("model.ckpt-*/model")]:
        raise SystemExit("model_ckpt_path not exists.")
    if given.export_dir.exists():
        raise SystemExit(f"directory {given.export_dir} already exist.")
    if os.environ["RANK"] == "0" and "FAIL" not in os.environ:
        for part in ("user", "item") if config.model.get("dssm") else ("",):
            folder = given.export_dir / part
            folder.mkdir(parents=True)
            for name in ("scripted_model.pt", "fg.json", "model_acc.json"):
                (folder / name).write_text("{}")
            (folder / "pipeline.config").write_text(Path(given.pipeline_config_path).read_text())
    print(f"exported with {rows} rows")


if __name__ == "__main__":
    main()
