"""RecBole on the benchmark's rows; run by benchmarks/train.py in an environment of its own.

RecBole imports Ray for its parameter search; an empty stand-in replaces it. Nothing that trains is replaced.
"""

import sys
import tempfile
import time
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import common

VALID = 1000
"""Rows for the validation that RecBole insists on; it is not run."""


def write_dataset(job, folder: Path) -> int:
    """The rows as RecBole's atomic files; gives the number of training rows."""
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    (folder / "rows").mkdir()
    names = [*job["features"], job["label"]]
    header = "\t".join([*(f"{name}:token" for name in job["features"]), f"{job['label']}:float"])
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    train, test = (pq.read_table(job[part], columns=names) for part in ("train", "test"))
    for part, rows in {"train": train, "valid": test.slice(0, VALID), "test": test}.items():
        with (folder / "rows" / f"rows.{part}.inter").open("wb") as file:
            file.write(f"{header}\n".encode())
            csv.write_csv(rows, pa.PythonFile(file), options)
    return train.num_rows


def main() -> None:
    job = common.read_job()
    sys.modules["ray"] = types.ModuleType("ray")
    sys.modules["ray"].__spec__ = ModuleSpec("ray", None)
    import torch
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    torch.set_num_threads(job["threads"])
    began, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        rows = write_dataset(job, Path(folder))
        config = Config(
            model={"wide_and_deep": "WideDeep", "deepfm": "DeepFM"}[job["model"]],
            dataset="rows",
            config_dict={
                "data_path": folder,
                "benchmark_filename": ["train", "valid", "test"],
                "load_col": {"inter": [*job["features"], job["label"]]},
                "USER_ID_FIELD": job["features"][0],
                "ITEM_ID_FIELD": job["features"][1],
                "LABEL_FIELD": job["label"],
                "embedding_size": job["dim"],
                "mlp_hidden_size": job["hidden"],
                "dropout_prob": 0.0,
                "train_batch_size": job["batch"],
                "eval_batch_size": 4096,
                "epochs": job["epochs"],
                "learning_rate": 1e-3,
                "eval_args": {
                    "order": "RO",
                    "mode": "labeled",
                    "group_by": None,
                    "split": {"LS": "valid_and_test"},
                },
                "metrics": ["AUC", "LogLoss"],
                "valid_metric": "AUC",
                "train_neg_sample_args": None,
                "use_gpu": False,
                "show_progress": False,
                "state": "ERROR",
                "checkpoint_dir": folder,
            },
        )
        init_seed(0, True)
        data = create_dataset(config)
        train, _, test = data_preparation(config, data)
        model = get_model(config["model"])(config, train.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
        fit, fit_cpu = time.perf_counter(), time.process_time()
        trainer.fit(train, valid_data=None, saved=False, show_progress=False, verbose=False)
        fitted, fitted_cpu = time.perf_counter(), time.process_time()
        torch.save(model.state_dict(), job["output"])
        saved, saved_cpu = time.perf_counter(), time.process_time()
        labels, scores = [], []
        model.eval()
        with torch.inference_mode():
            for batch in test:
                interaction = batch[0] if isinstance(batch, tuple) else batch
                scores.append(model.predict(interaction).numpy())
                labels.append(interaction[job["label"]].numpy())
    common.report(
        job,
        rows=rows,
        loop=(fitted - fit, fitted_cpu - fit_cpu),
        whole=(saved - began, saved_cpu - cpu),
        labels=common.joined(*labels),
        scores=common.joined(*scores),
    )


if __name__ == "__main__":
    main()
