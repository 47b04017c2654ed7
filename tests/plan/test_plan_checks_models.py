from __future__ import annotations

from typing import Any

import pytest

from sqlrec.spec.model import CheckpointKind

EXPORT = CheckpointKind.EXPORT
M = "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
EXTERNAL = M.replace("test.rank", "test.external")
DOES_NOT = "leave the statement out. test.external: For tests."


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (M, []),
        (
            "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rnk', label_columns = 'y')",
            ["SR204 `'test.rnk'` unknown model type 'test.rnk' | Did you mean 'test.rank'?"],
        ),
        (
            "CREATE MODEL m (u INT) WITH (label_columns = 'u')",
            [
                "SR307 `m` CREATE MODEL needs the option 'model', the type of the model, or 'provider',"
                " who runs it | add WITH (model = 'tzrec.wide_and_deep'), or WITH (provider = 'openai')"
            ],
        ),
        (
            "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank')",
            [
                "SR307 `m` CREATE MODEL needs the option 'label_columns'"
                " | add WITH (label_columns = …): labels"
            ],
        ),
        (
            "CREATE MODEL m (u INT, y INT)"
            " WITH (model = 'test.rank', label_columns = 'y', lairs = '1', replicas = 2, Layers = 'x')",
            [
                "SR301 `lairs` unknown option 'lairs' | Did you mean 'layers'?",
                "SR304 `replicas` option 'replicas' belongs to CREATE SERVICE, not to CREATE MODEL"
                " | move it to CREATE SERVICE, or leave it out",
                "SR302 `'x'` option 'layers' takes an int list, not 'x' | write it like '64, 32'",
            ],
        ),
        (
            "CREATE MODEL m (u MAP<INT, INT>, y INT) WITH (model = 'test.rank', label_columns = 'y')",
            ["SR497 `u` a map"],
        ),
        (
            "CREATE MODEL m (y INT) WITH (model = 'test.rank', label_columns = 'y')",
            ["SR498 `m` no features"],
        ),
        (
            "CREATE MODEL m WITH (model = 'test.rank', label_columns = '')",
            ["SR498 `m` no features", "SR499 `''` no label"],
        ),
        (
            "CREATE MODEL m (u INT, y INT, Probs FLOAT) WITH (model = 'test.rank', label_columns = 'y')",
            [
                "SR424 `Probs` Field 'Probs' exists in both input fields and output fields"
                " | rename the column; the model's answer is added to the columns of the table"
            ],
        ),
        (
            "CREATE MODEL m INPUT (u INT, y INT) OUTPUT (score FLOAT)"
            " WITH (model = 'test.rank', label_columns = 'y')",
            ["SR425 `(score FLOAT)` a test.rank model answers probs FLOAT | write OUTPUT (probs FLOAT)"],
        ),
        (
            "CREATE MODEL m INPUT (u INT, y INT) OUTPUT (PROBS FLOAT)"
            " WITH (model = 'test.rank', label_columns = 'y')",
            [],
        ),
        (
            "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y') AS SELECT 1",
            [
                "SR107 `(u INT, y INT)` CREATE MODEL AS SELECT syntax does not support to specify explicit"
                " columns. | leave the list out: the query has columns"
            ],
        ),
        (
            "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = '{{ ds }}')",
            [
                "SR310 `'{{ ds }}'` a model's definition is the same in every run; templates cannot stand"
                " in it | put what changes into the WITH of TRAIN MODEL"
            ],
        ),
        (M + M.replace("CREATE", "CREATE OR REPLACE"), []),
        (M + M.replace("MODEL", "MODEL IF NOT EXISTS"), []),
        (
            M + M,
            [
                "SR201 `m` Model already exists: m | line 1 creates it;"
                " write CREATE OR REPLACE MODEL, or CREATE MODEL IF NOT EXISTS"
            ],
        ),
        (M + "DROP MODEL m;" + M, []),
    ],
)
def test_model_definitions(findings: Any, script: str, expected: list[str]) -> None:
    assert findings(script) == expected


def test_a_warning_of_the_model_type_does_not_stop_the_script(compiled: Any) -> None:
    plan = compiled(
        "CREATE MODEL m (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y', layers = '4')"
    )
    assert [(w.code, w.severity, w.hint) for w in plan.warnings] == [("SR496", "warning", "none")]
    assert plan.source[plan.warnings[0].span.start : plan.warnings[0].span.end] == "'4'"


def test_the_registered_definition_may_be_created_again_but_no_other(findings: Any, known: Any) -> None:
    assert findings(M, known) == []
    assert findings(M.replace("u INT", "u BIGINT"), known) == [
        "SR201 `m` Model already exists: m | another definition is registered;"
        " write CREATE OR REPLACE MODEL, or CREATE MODEL IF NOT EXISTS"
    ]
    assert findings(M.replace("u INT", "u BIGINT").replace("CREATE", "CREATE OR REPLACE"), known) == []


def test_if_not_exists_keeps_the_registered_definition(findings: Any, known: Any) -> None:
    script = (
        "CREATE MODEL IF NOT EXISTS m (v INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
        "CREATE TABLE t (v INT, y INT) WITH (connector = 'parquet', path = 't');"
        "TRAIN MODEL m CHECKPOINT = 'v1' ON t"
    )
    assert findings(script) == []
    assert findings(script, known) == [
        "SR402 `t` table 't' has no column 'u', a feature of model m | it has: v, y"
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "TRAIN MODEL rnk CHECKPOINT = 'a' ON t",
            ["SR205 `rnk` model not exists: rnk | models: m; CREATE MODEL first"],
        ),
        ("DROP MODEL n", ["SR205 `n` model not exists: n | models: m; CREATE MODEL first"]),
        ("DROP MODEL IF EXISTS n", []),
        (
            "DROP MODEL m; EXPORT MODEL m CHECKPOINT = 'a'",
            ["SR205 `m` model not exists: m | the script drops it before this line"],
        ),
        (
            "CREATE SERVICE s ON MODEL d.m CHECKPOINT = 'a'",
            ["SR205 `d.m` model not exists: sqlrec.d.m | models: m; CREATE MODEL first"],
        ),
        ("DROP SERVICE s", ["SR206 `s` service 's' does not exist | there is no service yet"]),
        ("DROP SERVICE IF EXISTS s", []),
    ],
)
def test_what_is_not_there(findings: Any, known: Any, script: str, expected: list[str]) -> None:
    assert findings(script, known) == expected


def test_an_empty_registry_says_so(findings: Any, catalog: Any) -> None:
    assert findings("TRAIN MODEL m CHECKPOINT = 'a' ON t", catalog) == [
        "SR205 `m` model not exists: m | there is no model yet; CREATE MODEL first"
    ]


def test_close_names_are_suggested(findings: Any, known: Any) -> None:
    known.put("v1_export", EXPORT, service="ranker")
    assert findings("DROP SERVICE rankr", known) == [
        "SR206 `rankr` service 'rankr' does not exist | Did you mean 'ranker'?"
    ]
    assert findings("DROP SERVICE other", known) == [
        "SR206 `other` service 'other' does not exist | services: ranker"
    ]
    assert findings("DROP SERVICE ranker; DROP SERVICE ranker", known) == [
        "SR206 `ranker` service 'ranker' does not exist | the script drops it before this line"
    ]
    script = M.replace("MODEL m", "MODEL ranking") + "DROP MODEL rankings"
    assert findings(script, known)[0].endswith("Did you mean 'ranking'?")


def test_an_open_catalog_forbids_no_name(findings: Any) -> None:
    assert (
        findings(
            "TRAIN MODEL n CHECKPOINT = 'a' ON t FROM 'b' WITH (whatever = 1);"
            "EXPORT MODEL n CHECKPOINT = 'c'; CREATE SERVICE s ON MODEL n; DROP SERVICE q; DROP MODEL z;"
            "CALL call_service('x', t)"
        )
        == []
    )


def test_a_registered_model_of_a_missing_type_is_told_where_it_is_used(findings: Any, known: Any) -> None:
    from dataclasses import replace

    known.specs = [replace(known.specs[0], type="gone.type")]
    assert findings("TRAIN MODEL m CHECKPOINT = 'a' ON t", known) == [
        "SR204 `m` unknown model type 'gone.type'"
    ]


def test_a_type_that_is_wrong_is_told_once(findings: Any) -> None:
    script = M.replace("test.rank", "nope") + "TRAIN MODEL m CHECKPOINT = 'a' ON t WITH (x = 1)"
    assert findings(script) == ["SR204 `'nope'` unknown model type 'nope'"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "CREATE MODEL `a.b` (u INT, y INT) WITH (model = 'test.rank', label_columns = 'y');"
            "TRAIN MODEL `a.b` CHECKPOINT = 'v1' ON t",
            [
                "SR211 ``a.b`` 'a.b' cannot name a model | use letters, digits, _ and -",
                "SR211 ``a.b`` 'a.b' cannot name a model | use letters, digits, _ and -",
            ],
        ),
        (
            f"DROP MODEL IF EXISTS {'x' * 250}",
            [f"SR211 `{'x' * 250}` the model name is too long | shorten it"],
        ),
        (
            "CREATE SERVICE `a b` ON MODEL n CHECKPOINT = '../v1'",
            [
                "SR211 ``a b`` 'a b' cannot name a service | use letters, digits, _ and -",
                "SR211 `'../v1'` '../v1' cannot name a checkpoint | use letters, digits, _ and -",
            ],
        ),
        (
            "CACHE TABLE `x/y` AS SELECT 1",
            ["SR211 ``x/y`` 'x/y' cannot name a table | use letters, digits, _ and -"],
        ),
        (
            "TRAIN MODEL m CHECKPOINT = 'a b' ON t FROM 'c d'; EXPORT MODEL m CHECKPOINT = '/'",
            [
                "SR211 `'a b'` 'a b' cannot name a checkpoint | use letters, digits, _ and -",
                "SR211 `'c d'` 'c d' cannot name a checkpoint | use letters, digits, _ and -",
                "SR211 `'/'` '/' cannot name a checkpoint | use letters, digits, _ and -",
            ],
        ),
    ],
)
def test_names_that_can_be_no_folder(findings: Any, known: Any, script: str, expected: list[str]) -> None:
    known.specs.append(known.specs[0])
    assert [f for f in findings(script, known) if "SR211" in f] == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "TRAIN MODEL m CHECKPOINT = 'a' ON t WITH (epoch = 1, rate = -1, replicas = 3)",
            [
                "SR301 `epoch` unknown option 'epoch' | Did you mean 'epochs'?",
                "SR303 `-1` option 'rate' is at least 0, not -1 | write 0, or another value in that range",
                "SR304 `replicas` option 'replicas' belongs to CREATE SERVICE, not to TRAIN MODEL"
                " | move it to CREATE SERVICE, or leave it out",
            ],
        ),
        ("TRAIN MODEL m CHECKPOINT = 'a' ON t WITH (epochs = '{{ params.n }}', rate = 1)", ["SR309"]),
        (
            "TRAIN MODEL m CHECKPOINT = 'a' ON t"
            " WITH (epochs = '{{ ds_nodash }}', api_key = '{{ conn.a.b }}')",
            [],
        ),
        ("EXPORT MODEL m CHECKPOINT = 'a' WITH (epochs = 1)", ["SR304"]),
        ("CREATE SERVICE s ON MODEL m CHECKPOINT = 'x' WITH (replicas = 'two')", ["SR302"]),
        ("TRAIN MODEL m CHECKPOINT = 'a' ON t WITH (api_key = '{{ ds }}')", ["SR306"]),
    ],
)
def test_options_of_statements(findings: Any, script: str, expected: list[str]) -> None:
    found = findings(M + script)
    assert [f if " " in e else f[:5] for f, e in zip(found, expected, strict=True)] == expected


def test_a_literal_secret_is_refused_and_never_shown(findings: Any) -> None:
    script = M + "TRAIN MODEL m CHECKPOINT = 'a' ON t WITH (epochs = 0, api_key = 'sk-123\n456')"
    found = findings(script)
    assert found[1] == (
        "SR306 `*******\n****` option 'api_key' is a secret and may not stand in a script"
        " | name it: '{{ secret.NAME }}' or '{{ conn.ID.FIELD }}', and give the value to the process"
    )
    assert "123" not in "".join(found)


def test_what_the_type_does_not_support(findings: Any) -> None:
    assert findings(
        EXTERNAL + "TRAIN MODEL m CHECKPOINT = 'a' ON t; EXPORT MODEL m CHECKPOINT = 'a';"
        "CREATE SERVICE s ON MODEL m"
    ) == [
        "SR213 `m` model type test.external does not support training | " + DOES_NOT,
        "SR213 `m` model type test.external does not support export | " + DOES_NOT,
    ]


def test_a_training_model_needs_rows_to_learn_from(findings: Any) -> None:
    training = "WITH (type = 'training', algorithm = 'kmeans', n_clusters = 2)"
    needed = (
        "SR427 `m` a model of type 'training' needs AS query, the rows it learns from, or columns"
        " | add AS SELECT … after WITH (…), or list the columns and use TRAIN MODEL"
    )
    assert needed in findings(f"CREATE MODEL m {training}")
    assert needed not in findings(f"CREATE MODEL m (u INT) {training}")


def test_an_option_under_two_names_is_given_twice(findings: Any) -> None:
    assert findings(M + "TRAIN MODEL m CHECKPOINT = 'a' ON t WITH (rate = 1, speed = 2)") == [
        "SR305 `speed` option 'speed' is given twice: 'rate' is the same option | keep one of them"
    ]
