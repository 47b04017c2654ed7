"""Strict schema check of objects: every unknown field and wrong type, by the JSON schemas that kubernetes-validate ships."""

import functools, json, pathlib
import jsonschema, os, importlib.util

PKG = (
    os.environ.get("KUBERNETES_VALIDATE")
    or importlib.util.find_spec("kubernetes_validate").submodule_search_locations[0]
)
from tests.emulator.api import ApiError


@functools.cache
def validator(gv, kind, version="1.37.0"):
    d = pathlib.Path(PKG) / "kubernetes-json-schema" / f"v{version}-local-strict"
    defs = _defs(d)
    g, _, v = gv.rpartition("/")
    name = "-".join([kind.lower()] + ([g.split(".")[0]] if g else []) + [v]) + ".json"
    return jsonschema.Draft7Validator(json.loads((d / name).read_text()), registry=defs)


@functools.cache
def _defs(d):
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    res = Resource.from_contents(
        json.loads((d / "_definitions.json").read_text()), default_specification=DRAFT7
    )
    return Registry().with_resource("_definitions.json", res)


def errors(o):
    return [
        ".".join(map(str, e.absolute_path)) + ": " + e.message
        for e in sorted(
            validator(o["apiVersion"], o["kind"]).iter_errors(o),
            key=lambda e: list(map(str, e.absolute_path)),
        )
    ]


def validate(o):
    if errs := errors(o):
        raise ApiError(
            422, "Invalid", f'{o["kind"]} "{o["metadata"].get("name")}" is invalid: ' + "; ".join(errs[:5])
        )
