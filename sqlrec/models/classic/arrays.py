"""Files of arrays: what classic estimators save. No pickle, so reading a checkpoint cannot run code."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlrec.errors import StateError

FILE = "estimator.npz"

Arrays = Mapping[str, npt.NDArray[Any]]


def save_arrays(folder: Path, arrays: Arrays) -> None:
    """Write :data:`FILE` into an existing folder; the same arrays give the same bytes."""
    with (folder / FILE).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(folder: Path, *names: str) -> dict[str, npt.NDArray[Any]]:
    """All arrays of :data:`FILE`; ``StateError`` SR521 when it is damaged or lacks one of ``names``."""
    try:
        with (folder / FILE).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise _unreadable(folder, error) from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise _unreadable(folder, f"no {', '.join(missing)} in it")
    return arrays


def _unreadable(folder: Path, why: object) -> StateError:
    return StateError(
        "SR521", f"{folder / FILE} holds no readable estimator: {why}", hint="train the model again"
    )
