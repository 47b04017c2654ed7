"""Reads a pipeline.config as TorchEasyRec does: strictly, with all that its programs then look up."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pyarrow.parquet as pq

from sqlrec.models.deep.pipeline.schema import faults
from sqlrec.models.deep.pipeline.text import Message, Value, parse

ENVIRONMENT = ("USE_FSSPEC", "USE_SPAWN_MULTI_PROCESS", "USE_FARM_HASH_TO_BUCKETIZE")


class Config:
    """A file that is valid, in the environment of torchrun."""

    def __init__(self, path: str) -> None:
        for name in (*ENVIRONMENT, "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
            os.environ[name]
        self.message = parse(Path(path).read_text(encoding="utf-8"))
        found = list(faults(self.message))
        if found:
            raise SystemExit(f"{path}: {found}")
        self.model = self.inner("model_config")
        self.data = self.inner("data_config")

    def text(self, name: str) -> str:
        field = self.message.get(name)
        assert field is not None, name
        return str(field.value)

    def inner(self, name: str) -> Message:
        field = self.message.get(name)
        assert field is not None, name
        assert isinstance(field.value, Message)
        return field.value

    def value(self, message: Message, name: str) -> Value:
        field = message.get(name)
        assert field is not None, name
        return field.value

    def inputs(self, *, labels: bool) -> dict[str, list[str]]:
        """Columns that are read from files, and the parquet types that they may have."""
        found = {}
        for feature in self.message.all("feature_configs"):
            assert isinstance(feature.value, Message)
            (described,) = feature.value.fields
            assert isinstance(described.value, Message)
            side, _, name = str(self.value(described.value, "expression")).partition(":")
            assert side in ("user", "item", "context")
            is_number = described.name == "raw_feature"
            value = ["float"] if is_number else ["int64", "string"]
            found[name] = [*value, *(f"list<element: {v}>" for v in value)]
        if labels:
            found |= {str(f.value): ["int64"] for f in self.data.all("label_fields")}
            found |= {str(f.value): ["float"] for f in self.data.all("sample_weight_fields")}
        return found

    def rows(self, pattern: str, *, labels: bool) -> int:
        """The rows of files, which have all columns in a type that TorchEasyRec takes."""
        files = [file for part in pattern.split(",") for file in glob.glob(part)]
        if not files:
            raise SystemExit(f"No parquet files exist in {pattern}.")
        for file in files:
            schema = pq.read_schema(file)
            for name, types in self.inputs(labels=labels).items():
                kind = str(schema.field(name).type)
                if kind not in types:
                    raise SystemExit(f"{file}: {name} is {kind}, not one of {types}")
        return sum(pq.read_metadata(file).num_rows for file in files)
