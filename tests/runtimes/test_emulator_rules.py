"""Pure halves of the test cluster: quantities, selectors, patches, names, ownership of fields."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator import schema
from tests.emulator.deployments import bounds
from tests.emulator.errors import ApiError
from tests.emulator.fields import from_json, of_object, to_json
from tests.emulator.kinds import DEPLOYMENTS, KINDS, PODS
from tests.emulator.objects import Object
from tests.emulator.patches import json_patch, merge_patch, strategic_merge
from tests.emulator.quantities import amount, canonical
from tests.emulator.selectors import by_fields, by_labels

ROOT = schema.root(DEPLOYMENTS)


@pytest.mark.parametrize(
    ("written", "stored"),
    [("0.5", "500m"), ("1024Mi", "1Gi"), ("1000m", "1"), ("1.5Gi", "1536Mi"), ("0", "0"), ("1e3", "1k")],
)
def test_quantities_have_one_form(written: str, stored: str) -> None:
    assert canonical(written) == stored


@given(st.integers(0, 10**12), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_the_stored_form_is_the_same_amount(number: int, unit: str) -> None:
    assert amount(canonical(f"{number}{unit}")) == amount(f"{number}{unit}")
    assert amount(f"{number}Ki") == Decimal(number) * 1024


@pytest.mark.parametrize("text", ["4Gigs", "", "1 Gi", "--1", "Mi"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        amount(text)


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("", "abc"),
        ("app=x", "a"),
        ("app!=x", "bc"),
        ("app in (x, y)", "ab"),
        ("app notin (x),tier", "b"),
        ("!app", "c"),
        ("app==y,tier=web", "b"),
    ],
)
def test_label_selectors(selector: str, chosen: str) -> None:
    labels: dict[str, Object] = {"a": {"app": "x"}, "b": {"app": "y", "tier": "web"}, "c": {}}
    test = by_labels(selector)
    assert "".join(n for n, own in labels.items() if test({"metadata": {"labels": own}})) == chosen


def test_field_selectors() -> None:
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Running"}}
    assert by_fields("metadata.name=p,status.phase!=Failed")(pod)
    assert by_fields("spec.nodeName=")(pod)
    assert not by_fields("metadata.name!=p")(pod)


def test_json_patches_check_their_paths() -> None:
    before = {"data": {"a": "1"}, "list": [1, 2]}
    changed = json_patch(
        before,
        [
            {"op": "test", "path": "/data/a", "value": "1"},
            {"op": "add", "path": "/list/-", "value": 3},
            {"op": "move", "from": "/data/a", "path": "/data/b~1c"},
        ],
    )
    assert changed == {"data": {"b/c": "1"}, "list": [1, 2, 3]}
    assert before == {"data": {"a": "1"}, "list": [1, 2]}
    for operation in ({"op": "remove", "path": "/none/x"}, {"op": "test", "path": "/data/a", "value": "2"}):
        with pytest.raises(ApiError) as raised:
            json_patch(before, [operation])
        assert raised.value.code == 422


def test_merge_patches_delete_by_null() -> None:
    assert merge_patch({"a": {"b": 1, "c": 2}, "l": [1]}, {"a": {"b": None}, "l": [2]}) == {
        "a": {"c": 2},
        "l": [2],
    }


def pod_spec(*containers: Object) -> Object:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}}}


def test_strategic_merges_join_lists_by_their_keys() -> None:
    before = pod_spec({"name": "a", "image": "i:1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"})
    patch = pod_spec({"name": "a", "image": "i:2", "env": [{"name": "Y", "value": "2"}]})
    after = strategic_merge(before, patch, ROOT)
    env = [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]
    assert after == pod_spec({"name": "a", "image": "i:2", "env": env}, {"name": "b"})
    gone = strategic_merge(after, pod_spec({"name": "b", "$patch": "delete"}), ROOT)
    assert gone == pod_spec({"name": "a", "image": "i:2", "env": env})


def test_fields_of_an_object_survive_their_written_form() -> None:
    item = pod_spec({"name": "a", "ports": [{"containerPort": 80}]})
    paths = of_object(item, ROOT)
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    head = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"a"}')
    assert (*head, "f:ports", port, "f:containerPort") in paths
    assert from_json(to_json(paths)) == paths


@pytest.mark.parametrize(
    ("surge", "missing", "replicas", "expected"),
    [("25%", "25%", 4, (1, 1)), ("25%", "25%", 1, (1, 0)), (1, 0, 3, (1, 0)), ("0%", "10%", 3, (0, 1))],
)
def test_bounds_of_a_rolling_update(
    surge: int | str, missing: int | str, replicas: int, expected: tuple[int, int]
) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": missing}
    assert bounds({"replicas": replicas, "strategy": {"rollingUpdate": rolling}}) == expected


def test_every_kind_has_a_schema() -> None:
    for kind in KINDS.values():
        assert schema.root(kind).field("metadata").field("name").schema["type"]


def test_the_schema_names_every_mistake() -> None:
    wrong = {"metadata": {"name": "x", "lable": 1}, "spec": {"containers": [{"name": 1, "comand": []}]}}
    found = [cause.field for cause in schema.problems(PODS, wrong)]
    assert found == ["metadata", "spec.containers[0]", "spec.containers[0].name"]
