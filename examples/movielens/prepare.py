"""MovieLens-1M as a ranking table: every rating is a click, with one movie the user did not rate beside it.

    python prepare.py ml-1m.zip data/ctr.parquet

``ml-1m.zip`` comes from https://grouplens.org/datasets/movielens/1m/ (research use; not redistributed
here). Columns: user and movie ids, gender, age, occupation, first three digits of the zip code, first
genre, release year, label, split (80 % train, 20 % test, by row, fixed seed).
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def read(archive: zipfile.ZipFile, name: str) -> list[list[str]]:
    """Rows of one ``.dat`` file."""
    text = archive.read(f"ml-1m/{name}.dat").decode("latin-1")
    return [line.split("::") for line in text.splitlines() if line]


def negatives(users: Ints, items: Ints, rng: np.random.Generator) -> Ints:
    """One movie for each rating that its user did not rate, uniform over all rated movies."""
    catalogue = np.unique(items)
    seen = set(zip(users.tolist(), items.tolist(), strict=True))
    drawn = rng.choice(catalogue, size=len(users))
    todo = np.arange(len(users))
    while len(todo):
        clash = [(u, i) in seen for u, i in zip(users[todo].tolist(), drawn[todo].tolist(), strict=True)]
        todo = todo[clash]
        drawn[todo] = rng.choice(catalogue, size=len(todo))
    return np.asarray(drawn)


def build(archive: zipfile.ZipFile, seed: int = 0) -> pa.Table:
    """The ranking table."""
    rng = np.random.default_rng(seed)
    ratings = np.array([(int(r[0]), int(r[1])) for r in read(archive, "ratings")])
    people = {int(u): (g, int(a), int(o), z[:3]) for u, g, a, o, z in read(archive, "users")}
    movies = {int(i): (g.split("|")[0], int(title[-5:-1])) for i, title, g in read(archive, "movies")}
    user = np.concatenate([ratings[:, 0], ratings[:, 0]])
    item = np.concatenate([ratings[:, 1], negatives(ratings[:, 0], ratings[:, 1], rng)])
    label = np.repeat([1, 0], len(ratings))
    order = rng.permutation(len(user))
    user, item, label = user[order], item[order], label[order]
    person, movie = [people[u] for u in user.tolist()], [movies[i] for i in item.tolist()]
    return pa.table(
        {
            "user_id": user,
            "item_id": item,
            "gender": [p[0] for p in person],
            "age": [p[1] for p in person],
            "occupation": [p[2] for p in person],
            "zip3": [p[3] for p in person],
            "genre": [m[0] for m in movie],
            "release_year": [m[1] for m in movie],
            "label": label,
            "split": np.where(rng.random(len(user)) < 0.8, "train", "test").tolist(),
        }
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("zip", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.zip) as archive:
        table = build(archive)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, arguments.out, compression="zstd")
    print(f"{table.num_rows:,} rows in {arguments.out}")


if __name__ == "__main__":
    main()
