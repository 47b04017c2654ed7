"""A model as a flat map of strings and back: what a catalog that knows only properties can store.

The counterpart of ``toProperties`` and ``fromProperties`` of FLIP-437's resolved models: input and output
columns, kind, task, comment and options, and besides them name, type and text. The format has a version, and
reading is strict: an unknown, missing or contradicting entry is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sqlrec.spec.codec import CodecError
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.names import ModelName
from sqlrec.spec.options import OptionValue
from sqlrec.spec.schema import DataType, Field, Schema

VERSION = "1"

INPUT, OUTPUT = "input-schema", "output-schema"
OPTION, OPTION_KIND = "option.", "option-kind."
NOT_NULL = " NOT NULL"
REMOTE, IMPORT, NATIVE = "remote", "import", "native"
"""Kinds of models: run by a provider, brought as files, made by TRAIN."""

_READERS: dict[str, Callable[[str], OptionValue]] = {
    "int": int,
    "float": float,
    "bool": lambda text: {"true": True, "false": False}[text],
}
"""How the text of an option that is no string is read."""


def to_properties(model: ModelSpec) -> dict[str, str]:
    """The model's properties. The same model always gives the same map, in the same order."""
    facts = {
        "version": VERSION,
        "name": model.name.full,
        "type": model.type,
        "kind": _kind(model),
        "task": str(model.options.get("task", "")),
        "comment": model.comment,
        "ddl": model.ddl,
    }
    properties = {key: value for key, value in facts.items() if value or key in ("version", "type")}
    properties |= _schema_properties(INPUT, model.columns)
    properties |= _schema_properties(OUTPUT, model.outputs)
    for key, value in sorted(model.options.items()):
        properties[OPTION + key] = str(value).lower() if isinstance(value, bool) else str(value)
        if not isinstance(value, str):
            properties[OPTION_KIND + key] = type(value).__name__
    return properties


def from_properties(properties: Mapping[str, str]) -> ModelSpec:
    """The model that :func:`to_properties` described; raises ``CodecError`` SR490 for anything else."""
    if (version := properties.get("version")) != VERSION:
        raise CodecError(f"properties of a model have version {VERSION}, not {version!r}")
    try:
        model = ModelSpec(
            name=ModelName.parse(properties.get("name", "")),
            type=properties.get("type", ""),
            columns=_schema(INPUT, properties),
            outputs=_schema(OUTPUT, properties),
            options=dict(_options(properties)),
            comment=properties.get("comment", ""),
            ddl=properties.get("ddl", ""),
        )
    except ValueError as error:
        raise CodecError(f"properties of a model: {error}") from None
    _check_nothing_is_lost(properties, to_properties(model))
    return model


def _kind(model: ModelSpec) -> str:
    written = str(model.options.get("type", "")).strip().casefold()
    if "provider" in model.options or written == REMOTE:
        return REMOTE
    return IMPORT if written == IMPORT else NATIVE


def _schema_properties(prefix: str, schema: Schema) -> dict[str, str]:
    properties: dict[str, str] = {}
    for index, field in enumerate(schema):
        properties[f"{prefix}.{index}.name"] = field.name
        properties[f"{prefix}.{index}.data-type"] = f"{field.type}{'' if field.nullable else NOT_NULL}"
        if field.comment:
            properties[f"{prefix}.{index}.comment"] = field.comment
    return properties


def _schema(prefix: str, properties: Mapping[str, str]) -> Schema:
    fields: list[Field] = []
    while (name := properties.get(f"{prefix}.{len(fields)}.name")) is not None:
        written = properties.get(f"{prefix}.{len(fields)}.data-type", "")
        fields.append(
            Field(
                name=name,
                type=DataType.parse(written.removesuffix(NOT_NULL)),
                nullable=not written.endswith(NOT_NULL),
                comment=properties.get(f"{prefix}.{len(fields)}.comment", ""),
            )
        )
    return Schema(tuple(fields))


def _options(properties: Mapping[str, str]) -> Iterator[tuple[str, OptionValue]]:
    for key, text in properties.items():
        if key.startswith(OPTION):
            name = key.removeprefix(OPTION)
            yield name, _value(name, text, properties.get(OPTION_KIND + name))


def _value(name: str, text: str, kind: str | None) -> OptionValue:
    if kind is None:
        return text
    try:
        return _READERS[kind](text)
    except (KeyError, ValueError):
        raise CodecError(f"properties of a model: option {name!r} is no {kind}: {text!r}") from None


def _check_nothing_is_lost(given: Mapping[str, str], understood: Mapping[str, str]) -> None:
    """What was read, written again, is what was given: nothing unknown, nothing that contradicts."""
    for key in sorted({*given, *understood}):
        if given.get(key) != understood.get(key):
            what = (
                "is unknown" if key not in understood else "is missing" if key not in given else "contradicts"
            )
            raise CodecError(f"properties of a model: {key!r} {what}")
