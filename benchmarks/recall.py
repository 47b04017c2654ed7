"""Retrieval quality of tzrec.dssm against popularity, item-item cosine and matrix factorisation.

python benchmarks/recall.py --data FOLDER [--last FILE | --file-order] [--tune] [--share 1] [--seeds 1,2]

FOLDER holds MovieLens: users.parquet, items.parquet and ratings.parquet (user_id, item_id, timestamp), or
interactions.parquet (user_id, item_id) where times are not known. One item of each user is held out and
looked for among all items that the user has not had; all methods may learn from the others. With times it is
the last, and our user tower sees the items before a row's own. Without, it is a random one, and the tower
sees others in a random order: that of MovieLens-1M's own file is nearly the same for all users, so that its
last item could be told from it (1247 is last for 60 % of those who have it). FILE names the last items where
times are known of no others: ml-1m.test.rating of He et al., Neural Collaborative Filtering (2017), which
numbers users and items from 0 as they first occur in MovieLens-1M's file. --file-order takes that order
for time all the same: it shows whether a method sees the order of a history, not how good it is at films.

--tune leaves the held-out items aside and measures on one more item of each user: our options were chosen so.
The regularisation of matrix factorisation is chosen so in every run. Ours goes through the product's own
programs: TRAIN, EXPORT, and the two exported files in ONNX Runtime.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
CUTS = (10, 50, 100)
DIM, SEED = 64, 1
UNSEEN, DECAYS = 0.4, (0.002, 0.003, 0.006, 0.012)
"""Of matrix factorisation: the weight of what was not taken, and the regularisations that are tried."""
USER = {
    "gender": "STRING",
    "age": "BIGINT",
    "occupation": "STRING",
    "history": "ARRAY<BIGINT>",
}
ITEM = {"item_id": "BIGINT", "genres": "ARRAY<STRING>", "release_year": "BIGINT"}
MODEL = {
    "item_features": ",".join(ITEM),
    "column.history.shared_with": "item_id",
    "exclude_seen": "true",
    "embedding_dim": DIM,
    "user_hidden_units": "256",
    "item_hidden_units": "",
    "output_dim": DIM,
    "temperature": 0.1,
    "normalize_arrays": "true",
}
TRAINING = {
    "batch_size": 1024,
    "sparse_lr": 0.1,
    "dense_lr": 0.001,
    "lr_schedule": "cosine",
    "feature_importance": False,
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is held out of which tables: the ``number``-th item of each user from the last; those behind it
    are left aside. Users see ``history`` items.
    """

    data: Path
    last: Path | None
    history: int
    share: int
    number: int = 1
    file_order: bool = False

    @property
    def is_ordered(self) -> bool:
        """Whether all times are known, or the file's order is to stand for them."""
        return self.file_order or (self.data / "ratings.parquet").exists()

    def write(self, folder: Path) -> None:
        """train.parquet and test.parquet."""
        duckdb.sql(f"""
            CREATE OR REPLACE TEMP TABLE taken AS
            SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY place DESC) AS from_last,
            FROM ({self._placed()}) WHERE user_id % {self.share} = 0
            QUALIFY from_last >= {self.number}""")
        duckdb.sql(
            f"CREATE OR REPLACE TEMP TABLE past AS {self._before() if self.is_ordered else self._others()}"
        )
        for name, rows in (("train", f"from_last > {self.number}"), ("test", f"from_last = {self.number}")):
            duckdb.sql(f"""COPY (
                SELECT p.user_id::BIGINT AS user_id, u.gender, u.age, u.occupation::VARCHAR AS occupation,
                  p.history::BIGINT[] AS history, p.item_id::BIGINT AS item_id,
                  regexp_split_to_array(i.genres, '[| ]') AS genres, i.release_year
                FROM past p JOIN '{self.data}/users.parquet' u USING (user_id)
                  JOIN '{self.data}/items.parquet' i USING (item_id)
                WHERE {rows} ORDER BY p.user_id, p.place) TO '{folder}/{name}.parquet'""")

    def _placed(self) -> str:
        """user_id, item_id and the item's place among the user's, the last one highest."""
        shuffled = f"hash(item_id, user_id, {SEED})"
        if self.is_ordered:
            name, order = ("interactions", "pos") if self.file_order else ("ratings", "timestamp")
            return f"""SELECT user_id, item_id, row_number() OVER (PARTITION BY user_id
                ORDER BY {order}, {shuffled}) AS place FROM '{self.data}/{name}.parquet'"""
        file, last = f"'{self.data}/interactions.parquet'", "FALSE"
        if self.last:
            duckdb.sql(f"""
                CREATE OR REPLACE TEMP TABLE last AS
                SELECT user_id, item_id FROM (
                    SELECT column0 + 1 AS user_id, column1 AS number
                    FROM read_csv('{self.last}', delim = '\t', header = FALSE)
                ) JOIN (
                    SELECT item_id, row_number() OVER (ORDER BY min(file_row_number)) - 1 AS number
                    FROM read_parquet({file}, file_row_number = TRUE) GROUP BY item_id
                ) USING (number)""")
            last = "(user_id, item_id) IN (SELECT (user_id, item_id) FROM last)"
        return f"""SELECT user_id, item_id, row_number() OVER (PARTITION BY user_id
            ORDER BY {last}, {shuffled}) AS place FROM {file}"""

    def _before(self) -> str:
        """Each row with the items before it, the latest first."""
        return f"""SELECT *, list(item_id) OVER (PARTITION BY user_id ORDER BY place DESC
            ROWS BETWEEN 1 FOLLOWING AND {self.history} FOLLOWING) AS history FROM taken"""

    def _others(self) -> str:
        """Each row with others of the user's training rows: those behind it on a ring in random order.

        A held-out row has all, a training row half of them: with all others it would be told by what is
        missing.
        """
        is_known = f"from_last > {self.number}"
        others = f"max(from_last) OVER (PARTITION BY user_id) - {self.number}"
        return f"""
            SELECT *, list(item_id) FILTER ({is_known}) OVER (PARTITION BY user_id ORDER BY round, place DESC
                ROWS BETWEEN 1 FOLLOWING AND {self.history} FOLLOWING)
                [:CASE WHEN {is_known} THEN ({others}) // 2 ELSE {others} END] AS history
            FROM taken CROSS JOIN (VALUES (1), (2)) rounds(round) QUALIFY round = 1"""


class Split:
    """The tables, and what was held out: matrices have a row a user and a column an item."""

    def __init__(self, held: Held, folder: Path) -> None:
        self.held, self.folder = held, folder
        folder.mkdir(exist_ok=True)
        held.write(folder)
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

    def before(self) -> Split:
        """The same without what is held out, and one more item of each user held out instead."""
        return Split(replace(self.held, number=self.held.number + 1), self.folder / "before")

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
    al. 2022; it is that of :data:`DECAYS` which finds most of what is held out one item earlier.
    """
    earlier = split.before()
    found = {decay: earlier.measured(_factorised(earlier, decay))["recall@100"] for decay in DECAYS}
    best = max(found, key=found.__getitem__)
    print("  regularisation: " + ", ".join(f"{decay:g} {value:.4f}" for decay, value in found.items()))
    return _factorised(split, best)


def _factorised(split: Split, decay: float) -> Scores:
    had, random = split.seen.astype(np.float32), np.random.default_rng(SEED)
    users, items = (
        random.normal(0, 0.1 / np.sqrt(DIM), (rows, DIM)).astype(np.float32) for rows in had.shape
    )
    for _ in range(8):
        users = _solved(had, items, decay)
        items = _solved(had.T, users, decay)
    return np.asarray(users @ items.T)


def _solved(had: Scores, other: Scores, decay: float) -> Scores:
    everything, unit = UNSEEN * other.T @ other, np.eye(DIM, dtype=np.float32)
    found = np.zeros((len(had), DIM), np.float32)
    for row, taken in enumerate(had):
        own = other[np.flatnonzero(taken)]
        if len(own):
            weight = decay * (len(own) + UNSEEN * had.shape[1])
            found[row] = np.linalg.solve(everything + own.T @ own + weight * unit, own.sum(0))
    return found


def ours(split: Split, epochs: int, seed: int) -> Scores:
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
        options=MODEL | {"max_array_length": split.held.history},
    )
    trained, exported = split.folder / f"v{seed}", split.folder / f"v{seed}_export"
    for made in (trained, exported):
        made.mkdir()
    work = TrainWork(
        model=model,
        checkpoint="v1",
        data=relation(split.folder / "train.parquet"),
        validation=relation(split.folder / "test.parquet"),
        options={**TRAINING, "num_epochs": epochs, "seed": seed},
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
    parser.add_argument("--last", type=Path, help="the last item of each user, where other times are unknown")
    parser.add_argument("--file-order", action="store_true", help="take interactions.parquet's pos for time")
    parser.add_argument("--tune", action="store_true", help="measure on the items before those held out")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--history", type=int, default=50, help="items that the user tower sees")
    parser.add_argument("--share", type=int, default=1, help="one of this many users; 1: all")
    parser.add_argument("--seeds", default="1", help="seeds of our trainings")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    methods: dict[str, Callable[[Split], Scores]] = {
        "popularity": popularity,
        "item-item cosine": item_cosine,
        f"matrix factorisation, ALS, {DIM} wide": factorisation,
    }
    for seed in map(int, arguments.seeds.split(",")):
        name = f"tzrec.dssm, {DIM} wide, {arguments.epochs} epochs, seed {seed}"
        methods[name] = partial(ours, epochs=arguments.epochs, seed=seed)
    held = Held(
        data=arguments.data,
        last=arguments.last,
        history=arguments.history,
        share=arguments.share,
        number=1 + arguments.tune,
        file_order=arguments.file_order,
    )
    with tempfile.TemporaryDirectory() as folder:
        split = Split(held, Path(folder) / "split")
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
