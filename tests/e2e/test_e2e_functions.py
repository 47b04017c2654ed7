"""The example of functions and APIs: a script that calls a trained model, and an API that ranks with it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project_state import Finished

EXAMPLE = Path(__file__).parents[2] / "examples" / "functions" / "recommend.sql"
VISITOR = {
    "user_id": 1,
    "country": "DE",
    "age": 30,
    "gender": "f",
    "is_member": True,
    "interests": ["toys"],
    "device": "ios",
    "hour": 20,
}


def ask(url: str, data: dict[str, Any], **params: Any) -> tuple[int, Any]:
    """Status and JSON of a request."""
    body = json.dumps({"data": data, "params": params}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.e2e
@pytest.mark.ml
def test_the_example(finished: Finished) -> None:
    project = finished.project
    before = project.json("services")
    report = project.json("run", project.script(EXAMPLE.read_text(encoding="utf-8"), "recommend"))
    tasks = {task["id"]: task for task in report["tasks"]}
    assert {task["state"] for task in tasks.values()} == {"success"}
    url = project.service("api.recommend")["url"]
    assert url.endswith("/api/v1/recommend")

    wanted = [{"category": "toys"}, {"category": "books"}]
    status, answer = ask(url, {"visitor": [VISITOR], "wanted": wanted})
    assert status == 200, answer
    ranked = answer["data"]
    assert [sorted(row) for row in ranked] == [["category", "item_id", "price", "probs"]] * 5
    assert {row["category"] for row in ranked} <= {"toys", "books"}
    assert [row["probs"] for row in ranked] == sorted((row["probs"] for row in ranked), reverse=True)

    # the scores are those of the service itself, asked without the API
    service = project.service()["url"]
    items = {"item_id": [row["item_id"] for row in ranked], "category": [row["category"] for row in ranked]}
    items |= {
        "price": [row["price"] for row in ranked],
        "tags": [tags(project.folder, row) for row in ranked],
    }
    status, direct = ask_service(service, {**{k: [v] for k, v in VISITOR.items()}, **items})
    assert status == 200, direct
    assert [row["probs"] for row in ranked] == pytest.approx(direct["probs"], abs=1e-6)

    assert len(ask(url, {"visitor": [VISITOR], "wanted": wanted}, top=2)[1]["data"]) == 2
    status, refused = ask(url, {"visitor": [VISITOR, VISITOR], "wanted": wanted})
    assert (status, refused["error"]["code"]) == (422, "SR266")
    assert ask(url, {"visitor": [VISITOR], "wanted": []})[1] == {"data": []}

    project.run("run", project.script("DROP API recommend; DROP SQL FUNCTION recommend;", "away"))
    assert project.json("services") == before


def ask_service(url: str, columns: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(url, data=json.dumps(columns).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def tags(folder: Path, row: dict[str, Any]) -> list[str] | None:
    """The tags of an item, which the API does not return."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "data" / "items").to_pylist()
    found: list[str] | None = next(item["tags"] for item in table if item["item_id"] == row["item_id"])
    return found
