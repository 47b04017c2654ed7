"""DESCRIBE and SHOW CREATE of models, functions, APIs and tables; EXPLAIN. Nothing shows a secret."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sqlrec.errors import DataError, NameNotFoundError
from sqlrec.execution.outcome import Preview
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DefineModelStep, DeployStep, ExplainStep
from sqlrec.spec.function import (
    ApiSpec,
    FunctionInput,
    FunctionSpec,
    Program,
    ProgramAssert,
    ProgramIf,
    ProgramScore,
)
from sqlrec.spec.model import ModelSpec
from sqlrec.spec.options import OptionValue
from sqlrec.spec.sensitive import MASK
from sqlrec.spec.table import Relation
from tests.execution.looking import CTR, ask, facts, first, serve, trained_world
from tests.execution.steps import World, steps_of
from tests.registries import columns


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained_world(tmp_path)


def test_describe_a_model(world: World) -> None:
    shown = ask(world, "DESC MODEL CTR")
    assert shown.columns == ("name", "type", "null", "role", "comment")
    assert shown.rows == (
        ("user_id", "BIGINT", "TRUE", "feature", ""),
        ("age", "INT", "TRUE", "feature", ""),
        ("is_click", "INT", "TRUE", "label", ""),
        ("probs", "FLOAT", "TRUE", "output", ""),
    )


def test_describe_a_remote_model(world: World) -> None:
    script = """
    CREATE TEMPORARY MODEL chat
      INPUT (prompt STRING NOT NULL COMMENT 'what to ask') OUTPUT (answer STRING)
      WITH (provider = 'openai', model = 'gpt', api_key = '{{ secret.openai }}', task = 'text_generation',
            endpoint = 'https://api.openai.com/v1/chat/completions');
    """
    assert ask(world, f"{script} DESCRIBE MODEL chat").rows == (
        ("prompt", "STRING", "FALSE", "input", "what to ask"),
        ("answer", "STRING", "TRUE", "output", ""),
    )
    shown = facts(ask(world, f"{script} DESCRIBE FORMATTED MODEL chat"))
    assert (shown["Temporary"], shown["api_key"], shown["provider"]) == ("true", MASK, "openai")
    assert shown["prompt"] == "STRING NOT NULL COMMENT 'what to ask'"
    assert "# Checkpoint Information" not in shown
    (text,) = first(world, f"{script} SHOW CREATE MODEL chat")
    assert text.startswith("CREATE TEMPORARY MODEL chat\nINPUT (")
    assert f"'api_key' = '{MASK}'" in text
    assert "openai }}" not in text


def test_comments_and_queries_of_models_hold_no_secret(world: World) -> None:
    key = "sk-abcdefghijklmnopqrstuv"
    remote = f"""
    CREATE TEMPORARY MODEL chat INPUT (prompt STRING COMMENT 'with {key}') OUTPUT (answer STRING)
      COMMENT 'asks with {key}' WITH (provider = 'openai', model = 'gpt');
    """
    trained = f"""
    CREATE MODEL groups WITH (type = 'training', algorithm = 'kmeans', num_clusters = 3)
      AS SELECT age FROM samples WHERE '{key}' <> '';
    """
    define = steps_of(trained)["define_groups"]
    assert isinstance(define, DefineModelStep)
    world.registry.put_model(define.model)
    for name, script in (("chat", remote), ("groups", "")):
        for look in ("DESCRIBE MODEL", "DESCRIBE FORMATTED MODEL", "SHOW CREATE MODEL"):
            assert key not in str(ask(world, f"{script} {look} {name}").rows)
    assert f"asks with {MASK}" in first(world, f"{remote} SHOW CREATE MODEL chat")[0]


def test_describe_formatted_model(world: World) -> None:
    serve(world, "u")
    shown = ask(world, "DESCRIBE FORMATTED MODEL ctr")
    assert shown.columns == ("col_name", "data_type")
    titles = [name for name, _ in shown.rows if name.startswith("#")]
    assert titles == [
        "# Model Information",
        "# Input Fields",
        "# Output Fields",
        "# Model Parameters",
        "# Checkpoint Information",
    ]
    told = facts(shown)
    assert (told["label_columns"], told["probs"]) == ("is_click", "FLOAT")
    assert (told["Base"], told["Used By"], told["Metrics"]) == ("v1 (version 1)", "Rank", "auc=0.75")


def test_describe_a_checkpoint(world: World) -> None:
    world.registry.set_alias("prod", world.registry.checkpoints(CTR)[0])
    shown = facts(ask(world, "DESCRIBE MODEL ctr CHECKPOINT = '@prod'"))
    assert shown["checkpoint"] == "v1"
    assert shown["statement"] == "TRAIN MODEL ctr\nCHECKPOINT = 'v1'\nON samples\nWHERE age > 1"
    assert shown["tables"].startswith("samples (")
    assert shown["image"].startswith("sqlrec/tzrec:")
    assert shown["made by"] == "s/r1/register_train_ctr/v1"
    assert (shown["rows"], shown["metrics"], shown["aliases"]) == ("3", "auc=0.75", "@prod")
    assert re.fullmatch("[0-9a-f]{64}", shown["digest"])
    assert Path(shown["uri"]).is_dir()
    with pytest.raises(NameNotFoundError, match=r"SR207\] checkpoint not exists: v2"):
        ask(world, "DESCRIBE MODEL ctr CHECKPOINT = 'v2'")


def test_a_version_of_a_model(world: World) -> None:
    for step in steps_of("ALTER MODEL ctr SET (embedding_dim = 8)").values():
        world.run(step, "r2")
    now, then = first(world, "SHOW CREATE MODEL ctr"), first(world, "SHOW CREATE MODEL `ctr$2`")
    assert ("embedding_dim" in now[0], "embedding_dim" in then[0]) == (True, False)
    shown = facts(ask(world, "DESCRIBE FORMATTED MODEL `ctr$2`"))
    assert (shown["Version"], shown["Type"]) == ("2", "export")
    assert len(ask(world, "DESCRIBE MODEL `ctr$all`").rows) == 4
    with pytest.raises(
        NameNotFoundError, match=r"SR207\] version not exists: 3 for model ctr \(versions: 1, 2"
    ):
        ask(world, "DESCRIBE MODEL `ctr$3`")


def test_what_is_not_there_is_told_with_what_is(world: World) -> None:
    serve(world, "u")
    for statement, told in (
        ("DESCRIBE MODEL ctrr", r"SR205\] model ctrr does not exist .*mean 'ctr'"),
        ("SHOW CREATE MODEL none", r"SR205\] model none does not exist \(models: ctr"),
        ("DESCRIBE SERVICE rnk", r"SR206\] service rnk does not exist .*mean 'Rank'"),
        ("SHOW CREATE SERVICE none", r"SR206\] .*services: Rank"),
        ("DESCRIBE API none", r"SR241\] API none does not exist \(APIs: none\)"),
        ("SHOW CREATE SQL FUNCTION none", r"SR240\] SQL function none does not exist"),
        ("DESCRIBE TABLE smples", r"SR401\] table 'smples' does not exist"),
        ("SHOW CREATE VIEW v", r"SR401\] view v does not exist"),
    ):
        with pytest.raises(NameNotFoundError, match=told):
            ask(world, statement)


def test_a_definition_that_cannot_be_read_is_told(world: World) -> None:
    broken = ModelSpec(name=CTR, type="t", columns=columns(x="INT"), outputs=columns(), ddl="CREATE MODL ctr")
    world.registry.drop_model(CTR)
    world.registry.put_model(broken)
    with pytest.raises(DataError, match=r"SR490\] the definition of model ctr cannot be read"):
        ask(world, "SHOW CREATE MODEL ctr")


# Functions, APIs, tables


@pytest.fixture
def shop(world: World) -> World:
    """A function and an API over it."""
    inputs = (
        FunctionInput(name="users", columns=columns(user_id="BIGINT", tags="ARRAY<STRING>")),
        FunctionInput(name="items", like="all_items"),
    )
    source = "CREATE SQL FUNCTION recall;\nDEFINE INPUT TABLE users;\nRETURN result;\n-- 'api_key' = 'hello'"
    world.registry.put_function(FunctionSpec(name="recall", inputs=inputs, returns="result", source=source))
    read = Relation(query="SELECT * FROM users")
    score = ProgramScore(target="result", service="Rank", inputs=read)
    other = ProgramScore(target="result", service="fallback", inputs=read)
    steps = (score, ProgramAssert(query=read), ProgramIf(condition=read, then=(score,), otherwise=(other,)))
    program = Program(name="recall", inputs=inputs, steps=steps, returns="result")
    world.registry.put_api(ApiSpec(name="Shop", function="recall", program=program))
    return world


def test_functions(shop: World) -> None:
    assert ask(shop, "SHOW SQL FUNCTIONS") == Preview(
        columns=("function name",), rows=(("recall",),), total=1
    )
    assert ask(shop, "DESCRIBE SQL FUNCTION recall").rows == (
        ("users", "user_id BIGINT, tags ARRAY<STRING>"),
        ("items", "LIKE all_items"),
    )
    told = facts(ask(shop, "DESCRIBE FORMATTED SQL FUNCTION recall"))
    assert (told["Name"], told["Returns"]) == ("recall", "result")
    (text,) = first(shop, "SHOW CREATE SQL FUNCTION RECALL")
    assert text.startswith("CREATE SQL FUNCTION recall;")
    assert f"'api_key' = '{MASK}'" in text


def test_apis(shop: World) -> None:
    assert first(shop, "SHOW APIS LIKE 's%'") == ["Shop"]
    told = facts(ask(shop, "DESCRIBE API shop"))
    assert (told["api"], told["function"], told["path"]) == ("Shop", "recall", "/api/v1/Shop")
    assert (told["input users"], told["returns"], told["services"]) == (
        "user_id BIGINT, tags ARRAY<STRING>",
        "result",
        "Rank, fallback",
    )
    assert first(shop, "SHOW CREATE API shop") == ["CREATE API Shop WITH recall"]


def test_options_of_an_api_are_shown_without_secrets(shop: World) -> None:
    (known,) = shop.registry.apis()
    options: dict[str, OptionValue] = {
        "replicas": 2,
        "access_log": True,
        "kubernetes.env.Token": "secret:api",
        "image": "sk-" + "a1B2" * 9,
    }
    shop.registry.put_api(replace(known, options=options), replace=True)
    told = facts(ask(shop, "DESCRIBE API shop"))
    assert (told["option replicas"], told["option access_log"]) == ("2", "true")
    assert told["option kubernetes.env.Token"] == told["option image"] == MASK
    (text,) = first(shop, "SHOW CREATE API shop")
    assert text.splitlines()[:3] == ["CREATE API Shop WITH recall", "WITH (", "  'replicas' = '2',"]
    assert f"'kubernetes.env.Token' = '{MASK}'" in text
    assert "secret:" not in text
    assert "a1B2" not in text


def test_describe_a_table(world: World, tmp_path: Path) -> None:
    shown = ask(world, "DESCRIBE shop.orders")
    assert shown.rows[-1] == ("dt", "STRING", "TRUE", "partition", "")
    assert shown.rows[0] == ("user_id", "BIGINT", "TRUE", "", "")
    told = facts(ask(world, "DESCRIBE FORMATTED TABLE shop.orders"))
    assert (told["Format"], told["Files"], told["dt"]) == ("parquet", "1", "STRING")
    (text,) = first(world, "SHOW CREATE TABLE shop.orders")
    assert "PARTITIONED BY (dt)" in text
    assert f"'path' = '{tmp_path / 'data' / 'shop' / 'orders'}'" in text
    (again,) = build_plan(f"{text}; SELECT * FROM shop.orders", path="s", name="s").tables.values()
    assert (again.partitions, len(again.schema)) == (("dt",), 4)


def test_describe_a_declared_table(world: World, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x|why\n1|a\n")
    script = """CREATE TABLE t (x INT NOT NULL COMMENT 'a number', why STRING)
      WITH (connector = 'csv', path = 'x.csv', delimiter = '|');"""
    assert ask(world, f"{script} DESCRIBE t").rows == (
        ("x", "INT", "FALSE", "", "a number"),
        ("why", "STRING", "TRUE", "", ""),
    )
    told = facts(ask(world, f"{script} DESCRIBE FORMATTED TABLE t"))
    assert (told["Format"], told["delimiter"], told["Path"]) == ("csv", "|", str(tmp_path / "x.csv"))
    (text,) = first(world, f"{script} SHOW CREATE TABLE t")
    assert "x INT NOT NULL COMMENT 'a number'" in text
    assert "'path' = 'x.csv'" in text


def test_a_cached_table(world: World) -> None:
    script = "CACHE TABLE few AS SELECT user_id FROM samples;"
    assert ask(world, f"{script} DESCRIBE few").rows == (("user_id", "BIGINT", "TRUE", "", ""),)
    assert facts(ask(world, f"{script} DESCRIBE FORMATTED TABLE few"))["Kind"] == "cached by this run"
    with pytest.raises(NameNotFoundError, match=r"SR401\] table few is cached by the script"):
        ask(world, f"{script} SHOW CREATE TABLE few")
    with pytest.raises(NameNotFoundError, match=r"SR401\] view few is cached by the script"):
        ask(world, f"{script} SHOW CREATE VIEW few")


# EXPLAIN


def test_explain_tells_and_does_nothing(world: World) -> None:
    shown = ask(world, "EXPLAIN TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples WITH (num_epochs = 3)")
    assert shown.columns == ("plan",)
    text = "\n".join(row[0] for row in shown.rows)
    assert text.startswith("train_ctr: new (version 1 bears the name now)")
    assert "num_epochs = 3  (statement)" in text
    assert len(world.registry.checkpoints(CTR)) == 2


def test_explain_hides_secrets(world: World) -> None:
    (step,) = steps_of("EXPLAIN CREATE SERVICE s ON MODEL ctr CHECKPOINT = 'v1_export'").values()
    assert isinstance(step, ExplainStep)
    assert isinstance(step.step, DeployStep)
    inner = replace(step.step, options={"kubernetes.env.other": "sk-abcdefghijklmnopqrstuv"})
    outcome = world.run(replace(step, step=inner), "r2")
    assert outcome.preview is not None
    assert MASK in str(outcome.preview)
    assert "sk-abc" not in str(outcome.preview)
