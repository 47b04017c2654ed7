"""Retrieval quality of tzrec.dssm against popularity, item-item cosine and matrix factorisation.

python benchmarks/recall.py --data FOLDER [--epochs 5] [--history 50] [--share 1] [--threads 1]

FOLDER holds MovieLens: users.parquet, items.parquet and ratings.parquet (user_id, item_id, timestamp), or
interactions.parquet (user_id, item_id) where times are not known. The last item of each user is held out and
looked for among all items that the user has not had; all methods may learn from what was before. Without
times the order is random: that of MovieLens-1M's own file is nearly the same for all users, so that the last
item could be told from it (1247 is last for 60 % of those who have it). Ours goes through the product's own
programs: TRAIN, EXPORT, and the two exported files in ONNX Runtime. Its user tower sees the user and the
items before, as an ARRAY that shares the item's embedding.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
CUTS = (10, 50, 100)
DIM, SEED = 64, 1
USER = {
    "user_id": "BIGINT",
    "gender": "STRING",
    "age": "BIGINT",
    "occupation": "STRING",
    "zip3": "STRING",
    "history": "ARRAY<BIGINT>",
}
ITEM = {"item_id": "BIGINT", "genres": "ARRAY<STRING>", "release_year": "BIGINT"}
MODEL = {
    "item_features": ",".join(ITEM),
    "column.history.shared_with": "item_id",
    "exclude_seen": "true",
    "embedding_dim": DIM,
    "user_hidden_units": "256",
    "item_hidden_units": "256",
    "output_dim": DIM,
}
TRAINING = {"batch_size": 512, "sparse_lr": 0.1, "dense_lr": 0.001, "seed": 1, "feature_importance": False}


class Split:
    """The tables, and what was held out: matrices have a row a user and a column an item."""

    def __init__(self, data: Path, folder: Path, history: int, share: int) -> None:
        self.folder = folder
        self._write(data, history, share)
        train = duckdb.sql(f"SELECT user_id, item_id FROM '{folder}/train.parquet'").fetchnumpy()
        test = duckdb.sql(
            f"SELECT user_id, item_id FROM '{folder}/test.parquet' ORDER BY user_id"
        ).fetchnumpy()
        self.users, self.items = np.asarray(test["user_id"]), np.unique(train["item_id"])
        self.rows = np.searchsorted(self.users, train["user_id"])
        self.columns = np.searchsorted(self.items, train["item_id"])
        self.seen = np.zeros((len(self.users), len(self.items)), np.bool_)
        self.seen[self.rows, self.columns] = True
        place = np.searchsorted(self.items, test["item_id"]).clip(max=len(self.items) - 1)
        self.truth = np.where(self.items[place] == test["item_id"], place, -1)

    def _write(self, data: Path, history: int, share: int) -> None:
        file, time = data / "ratings.parquet", "timestamp"
        if not file.exists():
            file, time = data / "interactions.parquet", "user_id"
        duckdb.sql(f"""
            CREATE OR REPLACE TEMP TABLE past AS
            SELECT *, list(item_id) OVER (PARTITION BY user_id ORDER BY place DESC
                ROWS BETWEEN 1 FOLLOWING AND {history} FOLLOWING) AS history,
              place = max(place) OVER (PARTITION BY user_id) AS is_last
            FROM (SELECT user_id, item_id, row_number() OVER (PARTITION BY user_id
                    ORDER BY {time}, hash(item_id, user_id, {SEED})) AS place
                  FROM '{file}' WHERE user_id % {share} = 0)""")
        for name, rows in (("train", "NOT is_last"), ("test", "is_last")):
            duckdb.sql(f"""COPY (
                SELECT p.user_id::BIGINT AS user_id, u.gender, u.age, u.occupation::VARCHAR AS occupation,
                  u.zip_code[:3] AS zip3,
                  p.history::BIGINT[] AS history, p.item_id::BIGINT AS item_id,
                  regexp_split_to_array(i.genres, '[| ]') AS genres, i.release_year
                FROM past p JOIN '{data}/users.parquet' u USING (user_id)
                  JOIN '{data}/items.parquet' i USING (item_id)
                WHERE {rows} ORDER BY p.user_id, p.place) TO '{self.folder}/{name}.parquet'""")

    def measured(self, scores: Scores) -> dict[str, float]:
        """recall@k and NDCG@10 of a score for every user and item."""
        scores = np.where(self.seen, -np.inf, scores)
        known = self.truth >= 0
        own = scores[np.arange(len(scores)), self.truth][:, None]
        ranks = (scores > own).sum(1) + ((scores == own).sum(1) + 1) / 2
        ranks[~known] = np.inf
        return {
            **{f"recall@{k}": float(np.mean(ranks <= k)) for k in CUTS},
            "ndcg@10": float(np.mean((ranks <= 10) / np.log2(ranks + 1))),
        }


def popularity(split: Split) -> Scores:
    """The number of users of an item."""
    return np.broadcast_to(split.seen.sum(0).astype(np.float32), split.seen.shape)


def item_cosine(split: Split) -> Scores:
    """The sum of the cosines of an item with those that the user had, of all users (Sarwar 2001)."""
    had = split.seen.astype(np.float32)
    together = had.T @ had
    size = np.sqrt(np.diag(together)).clip(min=1)
    cosine = together / size[:, None] / size
    np.fill_diagonal(cosine, 0)
    return had @ cosine


def factorisation(split: Split) -> Scores:
    """Alternating least squares for implicit feedback (Hu, Koren and Volinsky 2008).

    What was not taken has a small weight, and a row's regularisation grows with its entries, as in Rendle et
    al. 2022. The numbers are the best of a small grid on these data.
    """
    had, random = split.seen.astype(np.float32), np.random.default_rng(1)
    users, items = (
        random.normal(0, 0.1 / np.sqrt(DIM), (rows, DIM)).astype(np.float32) for rows in had.shape
    )
    for _ in range(8):
        users = _solved(had, items)
        items = _solved(had.T, users)
    return np.asarray(users @ items.T)


def _solved(had: Scores, other: Scores, unseen: float = 0.4, decay: float = 0.003) -> Scores:
    everything, unit = unseen * other.T @ other, np.eye(DIM, dtype=np.float32)
    found = np.zeros((len(had), DIM), np.float32)
    for row, taken in enumerate(had):
        own = other[np.flatnonzero(taken)]
        if len(own):
            weight = decay * (len(own) + unseen * had.shape[1])
            found[row] = np.linalg.solve(everything + own.T @ own + weight * unit, own.sum(0))
    return found


def ours(split: Split, epochs: int) -> Scores:
    """The inner products of what the two exported towers answer."""
    from sqlrec.models.deep.towers.export import export
    from sqlrec.models.deep.train import train
    from sqlrec.models.lookup import get_controller
    from sqlrec.spec.job import ExportWork, TrainWork
    from sqlrec.spec.model import ModelSpec
    from sqlrec.spec.names import ModelName
    from sqlrec.spec.schema import DataType, Field, Schema

    columns = Schema(tuple(Field(name=n, type=DataType.parse(t)) for n, t in {**USER, **ITEM}.items()))
    model = ModelSpec(
        name=ModelName.of("movies"),
        type="tzrec.dssm",
        columns=columns,
        outputs=get_controller("tzrec.dssm").outputs(columns, {}),
        options=MODEL,
    )
    trained, exported = split.folder / "v1", split.folder / "v1_export"
    for made in (trained, exported):
        made.mkdir()
    work = TrainWork(
        model=model,
        checkpoint="v1",
        data=relation(split.folder / "train.parquet"),
        validation=relation(split.folder / "test.parquet"),
        options={**TRAINING, "num_epochs": epochs},
    )
    train(work, trained, told)
    export(ExportWork(model=model, checkpoint="v1", source_uri=str(trained)), exported, told)
    users = answers(exported / "user", split.folder / "test.parquet", "user_id")
    items = answers(exported / "item", split.folder / "train.parquet", "item_id")
    return np.asarray(users @ items.T)


def relation(path: Path) -> Any:
    """A parquet file as the input of a job."""
    from sqlrec.spec.table import Relation, TableFormat, TableSource

    source = TableSource(name="t", format=TableFormat.PARQUET, path=str(path))
    return Relation(query="SELECT * FROM t", sources={"t": source})


def answers(export: Path, rows: Path, key: str) -> Scores:
    """What the exported file gives for a row of each value of ``key``, in their order."""
    from sqlrec.artifacts.folder import read_signature
    from sqlrec.features.raw import raw_inputs
    from sqlrec.models.exporting.session import open_session, run

    inputs = read_signature(export).inputs
    columns = ", ".join(column.name for column in inputs)
    table = duckdb.sql(f"SELECT DISTINCT ON ({key}) {columns} FROM '{rows}' ORDER BY {key}").to_arrow_table()
    vectors: Scores = run(open_session((export / "model.onnx").read_bytes()), raw_inputs(table, inputs))[0]
    return vectors


def told(message: str, *, done: float | None = None) -> None:
    """Progress lines of the programs, those of epochs."""
    del done
    if "validation" in message:
        print(f"  {message}", flush=True)


def main() -> None:
    """Print a table of all methods."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MovieLens")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--history", type=int, default=50, help="items before that the user tower sees")
    parser.add_argument("--share", type=int, default=1, help="one of this many users; 1: all")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    methods: dict[str, Callable[[Split], Scores]] = {
        "popularity": popularity,
        "item-item cosine": item_cosine,
        f"matrix factorisation, ALS, {DIM} wide": factorisation,
        f"tzrec.dssm, {DIM} wide, {arguments.epochs} epochs": lambda split: ours(split, arguments.epochs),
    }
    with tempfile.TemporaryDirectory() as folder:
        split = Split(arguments.data, Path(folder), arguments.history, arguments.share)
        print(
            f"{len(split.rows):,} training rows, {split.seen.shape[0]:,} users, {split.seen.shape[1]:,} items"
        )
        for name, method in methods.items():
            started = time.process_time()
            numbers = split.measured(method(split))
            seconds = time.process_time() - started
            told_numbers = "  ".join(f"{metric} {value:.4f}" for metric, value in numbers.items())
            print(f"{name:36} {told_numbers}  CPU {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
