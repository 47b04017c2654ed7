"""A small network trained outside of sqlrec, as files that ``imported.sql`` brings in.

``python make_model.py data/behavior models`` reads the demo's data, learns clicks from three numbers with
plain PyTorch, and writes ``models/click.onnx`` (ONNX) and ``models/click.pt2`` (``torch.export``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq
import torch
from torch import nn

COLUMNS = ["age", "hour", "price"]


class Clicks(nn.Module):
    """Age, hour and price, as numbers with NaN for what is missing, to the probability of a click."""

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.Sequential(nn.Linear(len(COLUMNS), 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """``[rows, 3]`` to ``[rows, 1]``."""
        scaled = (numbers - self.mean) / self.deviation
        return self.layers(torch.where(torch.isnan(scaled), torch.zeros_like(scaled), scaled))


def train(folder: Path) -> Clicks:
    """One pass over the rows in steps of 1,000."""
    torch.manual_seed(1)
    table = pq.read_table(folder, columns=[*COLUMNS, "is_click"])
    columns = [table[name].cast("float64").to_numpy() for name in COLUMNS]
    rows = torch.stack([torch.tensor(column, dtype=torch.float32) for column in columns], dim=1)
    clicks = torch.tensor(table["is_click"].to_numpy(), dtype=torch.float32)[:, None]
    known = [column[~column.isnan()] for column in rows.T]
    model = Clicks(torch.stack([c.mean() for c in known]), torch.stack([c.std() for c in known]))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for batch in torch.randperm(len(rows)).split(1000):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy(model(rows[batch]), clicks[batch]).backward()
        optimizer.step()
    return model.eval()


def save(model: Clicks, folder: Path) -> None:
    """Write both files. The number of rows must be free (``dynamic_shapes``): services answer any number."""
    folder.mkdir(parents=True, exist_ok=True)
    example, free = (torch.zeros(2, len(COLUMNS)),), {"numbers": {0: torch.export.Dim("rows")}}
    program = torch.export.export(model, example, dynamic_shapes=free)
    torch.export.save(program, folder / "click.pt2")
    torch.onnx.export(
        program,
        f=folder / "click.onnx",
        input_names=["numbers"],
        output_names=["click"],
        external_data=False,
        verbose=False,
    )


if __name__ == "__main__":
    data, target = map(Path, sys.argv[1:3])
    save(train(data), target)
