from __future__ import annotations

from typing import Any

import pytest

from sqlrec.spec.model import CheckpointKind, CheckpointStatus

EXPORT = CheckpointKind.EXPORT
M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
TOWERS = M.replace("test.rank", "test.towers")
TRAINED = M + "TRAIN MODEL m CHECKPOINT = 'v1' ON t;"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            TRAINED
            + "EXPORT MODEL m CHECKPOINT = 'V1'; CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_Export'",
            [],
        ),
        (TRAINED + "TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'v1'", []),
        (
            TRAINED + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1'",
            [
                "SR209 `'v1'` service only supports export checkpoint, and 'v1' is a training checkpoint"
                " | EXPORT MODEL m CHECKPOINT = 'v1' makes 'v1_export'"
            ],
        ),
        (
            TRAINED + "EXPORT MODEL m CHECKPOINT = 'v1'; EXPORT MODEL m CHECKPOINT = 'v1_export';"
            "TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'v1_export';"
            "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1';\nCREATE SERVICE s2 ON MODEL m",
            [
                "SR209 `'v1_export'` checkpoint 'v1_export' of model m is an export; EXPORT takes a"
                " training checkpoint | name the checkpoint it is made from: 'v1'",
                "SR209 `'v1_export'` checkpoint 'v1_export' of model m is an export; FROM continues a"
                " training checkpoint | name the checkpoint it is made from: 'v1'",
                "SR209 `'v1'` service only supports export checkpoint, and 'v1' is a training checkpoint"
                " | use CHECKPOINT = 'v1_export', which line 1 makes",
                "SR210 `s2` CHECKPOINT is required for model type test.rank"
                " | exported checkpoints of m: v1_export",
            ],
        ),
        (
            M + "CREATE SERVICE s ON MODEL m",
            [
                "SR210 `s` CHECKPOINT is required for model type test.rank"
                " | model m has no exported checkpoint: EXPORT MODEL first"
            ],
        ),
        (
            TRAINED.replace("v1", "{{ds}}") + "EXPORT MODEL m CHECKPOINT = '{{ ds }}';"
            "EXPORT MODEL m CHECKPOINT = '{{ ds }}_export';"
            "CREATE SERVICE s ON MODEL m CHECKPOINT = '{{ ts }}'",
            [
                "SR209 `'{{ ds }}_export'` checkpoint '{{ ds }}_export' of model m is an export; EXPORT takes"
                " a training checkpoint | name the checkpoint it is made from: '{{ ds }}'"
            ],
        ),
    ],
)
def test_checkpoints_of_the_script(findings: Any, script: str, expected: list[str]) -> None:
    assert findings(script) == expected


def test_checkpoints_of_the_registry(findings: Any, known: Any) -> None:
    known.put("v1").put("v1_export", EXPORT, parent="v1").put("bad", status=CheckpointStatus.FAILED)
    known.put("bad_export", EXPORT, status=CheckpointStatus.CREATED).put("loose_export", EXPORT)
    for script, expected in [
        ("TRAIN MODEL m CHECKPOINT = 'v2' ON t FROM 'v1'; EXPORT MODEL m CHECKPOINT = 'v1'", []),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = 'V1_export'", []),
        (
            "EXPORT MODEL m CHECKPOINT = 'v11'",
            ["SR207 `'v11'` checkpoint not exists: v11 for model m | Did you mean 'v1'?"],
        ),
        (
            "EXPORT MODEL m CHECKPOINT = 'zzz'",
            ["SR207 `'zzz'` checkpoint not exists: zzz for model m | checkpoints: v1, bad"],
        ),
        (
            "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v9'",
            [
                "SR207 `'v9'` checkpoint not exists: v9 for model m"
                " | checkpoints: v1_export, bad_export, loose_export"
            ],
        ),
        (
            "EXPORT MODEL m CHECKPOINT = 'bad'",
            [
                "SR208 `'bad'` checkpoint status is not succeeded: failed for checkpoint bad for model m"
                " | wait for the run that makes it, or train it again"
            ],
        ),
        (
            "CREATE SERVICE s ON MODEL m CHECKPOINT = 'bad_export'",
            [
                "SR208 `'bad_export'` checkpoint status is not succeeded: created for checkpoint bad_export"
                " for model m | wait for the run that makes it, or train it again"
            ],
        ),
        (
            "EXPORT MODEL m CHECKPOINT = 'loose_export'",
            [
                "SR209 `'loose_export'` checkpoint 'loose_export' of model m is an export; EXPORT takes a"
                " training checkpoint | name the checkpoint it is made from"
            ],
        ),
        (
            "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1'",
            [
                "SR209 `'v1'` service only supports export checkpoint, and 'v1' is a training checkpoint"
                " | EXPORT MODEL m CHECKPOINT = 'v1' makes 'v1_export'"
            ],
        ),
        (
            "DROP MODEL m;" + M + "EXPORT MODEL m CHECKPOINT = 'v1'",
            [
                "SR207 `'v1'` checkpoint not exists: v1 for model m | model m has none of that kind",
            ],
        ),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = '{{ params.x }}'; DECLARE x STRING", []),
    ]:
        assert findings(script, known) == expected


def test_a_model_recreated_after_a_drop_has_no_old_checkpoints_in_an_open_world_either(findings: Any) -> None:
    assert findings("DROP MODEL m;" + M + "EXPORT MODEL m CHECKPOINT = 'v1'")[0].startswith("SR207")


def test_two_towers_are_served_by_name(findings: Any, catalog: Any) -> None:
    made = TOWERS + "TRAIN MODEL m CHECKPOINT = 'v1' ON t; EXPORT MODEL m CHECKPOINT = 'v1';"
    assert findings(made + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export/user'", catalog) == []
    assert findings(made + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export'", catalog) == [
        "SR207 `'v1_export'` checkpoint not exists: v1_export for model m"
        " | name one of its parts: v1_export/item, v1_export/user"
    ]
    trained = TOWERS + "TRAIN MODEL m CHECKPOINT = 'v1' ON t;"
    assert findings(trained + "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1'", catalog)[0].endswith(
        "EXPORT MODEL m CHECKPOINT = 'v1' makes 'v1_export/item' and 'v1_export/user'"
    )


def test_an_unknown_type_exports_under_the_usual_name(findings: Any) -> None:
    script = "TRAIN MODEL n CHECKPOINT = 'v1' ON t; CREATE SERVICE s ON MODEL n CHECKPOINT = 'v1'"
    assert findings(script)[0].endswith("EXPORT MODEL n CHECKPOINT = 'v1' makes 'v1_export'")


def test_services_are_created_once(findings: Any, known: Any) -> None:
    made = TRAINED + "EXPORT MODEL m CHECKPOINT = 'v1';"
    create = "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';"
    assert findings(made + create + create) == [
        "SR201 `s` service 's' exists already"
        " | line 1 creates it; write CREATE OR REPLACE SERVICE to change it"
    ]
    assert findings(made + create + "DROP SERVICE s;" + create) == []
    assert findings(made + create + create.replace("SERVICE", "SERVICE IF NOT EXISTS", 1)) == []
    known.put("v1").put("v1_export", EXPORT, service="s").put("v2_export", EXPORT, service="t")
    assert findings(create, known) == []
    assert findings(create.replace("SERVICE s", "SERVICE T"), known) == [
        "SR201 `T` service 'T' exists already"
        " | it serves v2_export; write CREATE OR REPLACE SERVICE to change it"
    ]
    assert findings(create.replace("SERVICE s", "OR REPLACE SERVICE t"), known) == []


def test_a_model_in_use_is_not_dropped(findings: Any, known: Any) -> None:
    known.put("v1_export", EXPORT, service="live")
    use = "CREATE SERVICE s ON MODEL m CHECKPOINT = 'v1_export';"
    assert findings(use + "DROP MODEL m", known) == [
        "SR203 `m` Cannot delete model m because it is being used by 2 service(s): s, live"
        " | DROP SERVICE s first"
    ]
    assert findings(use + "DROP SERVICE s; DROP SERVICE Live; DROP MODEL m", known) == []
