"""A synthetic e-commerce behaviour table from a known click model.

The demo, the tests and the documentation need data whose best reachable quality is known. Every row is
one impression of an item to a user; whether it was clicked is a coin toss with a probability that this
module computes, and keeps in the column ``click_probability``. No model can rank better than that
probability does, so its AUC on a set of rows is the ceiling for any model on these rows.

The log-odds are a sum of: an item's appeal, a user's activity, the taste of a country for a category,
the distance between an item's price and what the user's age group spends, the hour of the day (other
for phones than for desktops), membership, and the pull of the user's interests and of the item's tags.

Only ``Generator.random`` is drawn from, because the streams of NumPy's other distributions may change
between releases; the same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sqlrec.artifacts.folder import staging
from sqlrec.errors import DataError

COUNTRIES = ("BR", "CN", "DE", "FR", "IN", "US")
CATEGORIES = ("audio", "books", "camera", "fashion", "games", "kitchen", "sports", "toys")
DEVICES = ("phone", "desktop", "tablet")
GENDERS = ("f", "m", "")
TAGS = tuple(
    f"{a}-{b}" for a in ("new", "eco", "sale", "pro") for b in ("small", "big", "light", "smart", "retro")
)
FIRST_DAY = date(2026, 1, 1)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviorConfig:
    """Size of the world. ``days`` are the partitions ``dt=YYYY-MM-DD``, of equal size."""

    rows: int = 600_000
    days: int = 8
    users: int = 1_000
    items: int = 300
    seed: int = 7


@dataclass(frozen=True, slots=True)
class World:
    """Users, items and tastes drawn from a seed."""

    config: BehaviorConfig
    rng: np.random.Generator
    user: dict[str, Ints | Floats] = field(init=False)
    item: dict[str, Ints | Floats] = field(init=False)
    taste: Floats = field(init=False)
    pull: Floats = field(init=False)

    def __post_init__(self) -> None:
        users, items, rng = self.config.users, self.config.items, self.rng
        user = {
            "country": _skewed(rng, users, len(COUNTRIES)),
            "age": 18 + (rng.random(users) ** 1.5 * 52).astype(np.int64),
            "gender": _skewed(rng, users, len(GENDERS)),
            "member": (rng.random(users) < 0.3).astype(np.int64),
            "activity": 0.5 * _normal(rng, users),
            "interests": np.argsort(rng.random((users, len(TAGS))), axis=1)[:, :4],
        }
        item = {
            "category": (rng.random(items) * len(CATEGORIES)).astype(np.int64),
            "price": np.exp(3.2 + 0.9 * _normal(rng, items)),
            "appeal": 0.8 * _normal(rng, items),
            "tags": np.argsort(rng.random((items, len(TAGS))), axis=1)[:, :3],
        }
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "item", item)
        shape = (len(COUNTRIES), len(CATEGORIES))
        object.__setattr__(self, "taste", 0.7 * _normal(rng, shape[0] * shape[1]).reshape(shape))
        object.__setattr__(self, "pull", 0.8 * _normal(rng, 2 * len(TAGS)).reshape(2, -1))

    def log_odds(self, user: Ints, item: Ints, device: Ints, hour: Ints) -> Floats:
        """Log-odds of a click, before noise: there is none but the coin toss itself."""
        u, i = self.user, self.item
        budget = 2.4 + 0.02 * u["age"][user]
        price_gap = np.abs(np.log(i["price"][item]) - budget)
        evening = np.cos((hour - np.where(device == 0, 21, 14)) / 24 * 2 * np.pi)
        return np.asarray(
            -1.9
            + u["activity"][user]
            + i["appeal"][item]
            + self.taste[u["country"][user], i["category"][item]]
            - 0.5 * price_gap
            + 0.5 * evening
            + 0.4 * u["member"][user]
            + self.pull[0][u["interests"][user]].mean(axis=1)
            + self.pull[1][i["tags"][item]].mean(axis=1)
        )


def _normal(rng: np.random.Generator, size: int) -> Floats:
    """Standard normal numbers by Box and Muller, from uniform ones."""
    radius = np.sqrt(-2 * np.log1p(-rng.random(size)))
    return np.asarray(radius * np.cos(2 * np.pi * rng.random(size)))


def _skewed(rng: np.random.Generator, size: int, kinds: int) -> Ints:
    """Numbers below ``kinds``, low ones more frequent."""
    return np.asarray((rng.random(size) ** 1.7 * kinds).astype(np.int64))


def days(config: BehaviorConfig) -> Iterator[tuple[str, pa.Table]]:
    """The table day by day, as ``(dt, rows)``; the column ``dt`` is the partition and not among them."""
    if min(config.rows, config.days, config.users, config.items) < 1 or config.rows < config.days:
        raise DataError("SR413", f"rows, days, users and items must be positive, rows ≥ days: {config}")
    rng = np.random.Generator(np.random.PCG64(config.seed))
    world = World(config, rng)
    for day in range(config.days):
        count = config.rows * (day + 1) // config.days - config.rows * day // config.days
        yield (FIRST_DAY + timedelta(days=day)).isoformat(), _day(world, rng, count)


def _day(world: World, rng: np.random.Generator, rows: int) -> pa.Table:
    config, u, i = world.config, world.user, world.item
    user = _skewed(rng, rows, config.users)
    item = _skewed(rng, rows, config.items)
    device = _skewed(rng, rows, len(DEVICES))
    hour = (rng.random(rows) * 24).astype(np.int64)
    probability = 1 / (1 + np.exp(-world.log_odds(user, item, device, hour)))
    click = (rng.random(rows) < probability).astype(np.int32)
    age_known, price_known = rng.random(rows) > 0.03, rng.random(rows) > 0.02
    gender = pa.DictionaryArray.from_arrays(u["gender"][user].astype(np.int8), pa.array([*GENDERS[:2], None]))
    return pa.table(
        {
            "user_id": pa.array(100_000 + user),
            "item_id": pa.array(7_000 + item),
            "country": _labels(COUNTRIES, u["country"][user]),
            "age": pa.array(u["age"][user].astype(np.int32), mask=~age_known),
            "gender": gender.cast(pa.string()),
            "is_member": pa.array(u["member"][user].astype(bool)),
            "interests": _tags(u["interests"][user]),
            "device": _labels(DEVICES, device),
            "hour": pa.array(hour.astype(np.int32)),
            "category": _labels(CATEGORIES, i["category"][item]),
            "price": pa.array(np.round(i["price"][item], 2), mask=~price_known),
            "tags": _tags(i["tags"][item]),
            "is_click": pa.array(click),
            "click_probability": pa.array(probability),
        }
    )


def _labels(names: tuple[str, ...], codes: Ints | Floats) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(names)).cast(pa.string())


def _tags(codes: Ints | Floats) -> pa.Array:
    rows, width = codes.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, _labels(TAGS, codes.reshape(-1)))


def write_behavior(folder: Path, config: BehaviorConfig) -> int:
    """Write the table as ``folder/dt=…/part-0.parquet``; the folder appears whole. Returns the rows.

    Raises ``DataError`` SR414 when the folder exists and holds something else than such a table.
    """
    if folder.exists() and any(not p.name.startswith("dt=") for p in folder.iterdir()):
        raise DataError("SR414", f"{folder} holds other files", hint="name an empty or a new folder")
    building, rows = staging(folder), 0
    for dt, table in days(config):
        (building / f"dt={dt}").mkdir()
        pq.write_table(table, building / f"dt={dt}" / "part-0.parquet", compression="zstd")
        rows += table.num_rows
    if folder.exists():
        old = folder.rename(folder.with_name(f".{folder.name}.old"))
        building.rename(folder)
        _remove(old)
    else:
        building.rename(folder)
    return rows


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
