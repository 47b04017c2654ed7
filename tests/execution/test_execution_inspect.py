"""SHOW, DESCRIBE, SHOW CREATE and EXPLAIN: rows about what there is, complete and without secrets."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import DataError, NameNotFoundError
from sqlrec.execution.inspect_show import is_like
from sqlrec.execution.outcome import Preview
from sqlrec.plan.build import build_plan
from sqlrec.plan.plan import DeployStep, ExplainStep
from sqlrec.registry.registry import DeployAction
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
from sqlrec.spec.names import ModelName
from sqlrec.spec.sensitive import MASK
from sqlrec.spec.service import Endpoint, ServiceState
from sqlrec.spec.table import Relation
from tests.execution.steps import MODEL, World, make_world, steps_of
from tests.registries import columns

CTR = ModelName.of("ctr")
TRAINED = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples WHERE age > 1;
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
"""
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A model with a training checkpoint and an export; tables in the warehouse."""
    (tmp_path / "data" / "shop" / "orders" / "dt=2026-01-01").mkdir(parents=True)
    samples = pa.table({"user_id": [1], "age": [2], "is_click": [0]})
    pq.write_table(samples, tmp_path / "data" / "samples.parquet")
    pq.write_table(samples, tmp_path / "data" / "shop" / "orders" / "dt=2026-01-01" / "a.parquet")
    made = make_world(tmp_path)
    for step in steps_of(TRAINED).values():
        made.run(step)
    return made


def ask(world: World, text: str) -> Preview:
    """What the last statement of a script shows."""
    runs = len(list(world.env.runs.glob("s/*")))
    for step in build_plan(text, path="s.sql", name="s").steps:
        outcome = world.run(step, f"q{runs}")
    assert outcome.preview is not None
    assert outcome.rows == outcome.preview.total == len(outcome.preview.rows)
    return outcome.preview


def first(world: World, text: str) -> list[str]:
    """The first column."""
    return [row[0] for row in ask(world, text).rows]


def facts(shown: Preview) -> dict[str, str]:
    """Two columns as a dictionary."""
    assert len(shown.columns) == 2
    return {row[0]: row[1] for row in shown.rows}


def serve(world: World, url: str, **options: str) -> None:
    checkpoint = world.registry.checkpoint(CTR, "v1_export")
    assert checkpoint is not None
    entry = world.registry.begin(
        service="Rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key="k", options=options
    )
    world.registry.finish(entry, url=url)
    world.services.running["Rank"] = Endpoint(name="Rank", url=url, state=ServiceState.READY)


@contextmanager
def answering(**pages: str) -> Iterator[str]:
    """A server that answers GET of some paths with a text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path.strip("/"), "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/predict"
        finally:
            http.shutdown()
            thread.join()


# SHOW


def test_show_models(world: World) -> None:
    world.run(next(iter(steps_of(MODEL.replace("ctr", "Other")).values())), "r2")
    world.run(next(iter(steps_of(MODEL.replace("ctr", "shop.ads.x")).values())), "r3")
    assert ask(world, "SHOW MODELS").columns == ("model name",)
    assert first(world, "SHOW MODELS") == ["ctr", "Other"]
    assert first(world, "SHOW MODELS LIKE 'o%'") == ["Other"]
    assert first(world, "SHOW MODELS NOT LIKE 'O_her'") == ["ctr"]
    assert first(world, "SHOW MODELS FROM shop.ads") == ["x"]
    assert first(world, "SHOW MODELS IN `default`") == ["ctr", "Other"]
    assert first(world, "USE shop.ads; SHOW MODELS") == ["x"]
    assert first(world, "SHOW CATALOGS") == ["shop", "sqlrec"]
    assert first(world, "SHOW DATABASES") == ["default"]
    assert first(world, "SHOW DATABASES FROM shop") == ["ads"]
    assert first(world, "USE CATALOG shop; SHOW DATABASES LIKE 'A%'") == ["ads"]


def test_temporary_models_are_shown(world: World) -> None:
    script = MODEL.replace("MODEL ctr", "TEMPORARY MODEL draft") + MODEL.replace(
        "MODEL ctr", "TEMPORARY MODEL ctr"
    )
    assert first(world, f"{script} SHOW MODELS") == ["ctr", "draft"]
    assert ask(world, f"{script} SHOW CHECKPOINTS draft").rows == ()


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("rank", "RANK", True),
        ("rank", "r%", True),
        ("rank", "%", True),
        ("rank", "ran", False),
        ("rank", "r__k", True),
        ("rank", "r_k", False),
        ("a.b", "a_b", True),
        ("axb", "a.b", False),
        ("a\nb", "a%b", True),
        ("", "", True),
    ],
)
def test_patterns(name: str, pattern: str, fits: bool) -> None:
    assert is_like(name, pattern) is fits


def test_show_checkpoints(world: World) -> None:
    origin = world.registry.checkpoint(CTR, "v1")
    assert origin is not None
    world.registry.record_metrics(origin, {"LogLoss": 0.25}, key="k")
    world.registry.set_alias("best", origin)
    serve(world, "http://127.0.0.1:9/predict")
    shown = ask(world, "SHOW CHECKPOINTS FROM ctr")
    assert shown.columns[:9] == (
        *("name", "type", "status", "base", "rows", "metrics", "started", "finished", "used by"),
    )
    first_row, second = shown.rows
    assert first_row[:6] == ("v1", "origin", "succeeded", "", "3", "auc=0.75, LogLoss=0.25")
    assert (first_row[8:], second[8:]) == (("", "1", "@best"), ("Rank", "2", ""))
    assert second[:6] == ("v1_export", "export", "succeeded", "v1 (version 1)", "3", "auc=0.75")
    assert all(re.fullmatch(MOMENT, text) for text in first_row[6:8])
    assert first(world, "SHOW CHECKPOINTS ctr LIKE '%export'") == ["v1_export"]
    with pytest.raises(NameNotFoundError, match=r"SR205\] model ctrr does not exist .*mean 'ctr'"):
        ask(world, "SHOW CHECKPOINTS ctrr")


def test_show_services(world: World) -> None:
    assert ask(world, "SHOW SERVICES").rows == ()
    serve(world, "http://127.0.0.1:9/predict")
    shown = ask(world, "SHOW SERVICES")
    assert shown.columns == ("service name", "model", "checkpoint", "version", "state", "url")
    assert shown.rows == (("Rank", "ctr", "v1_export", "2", "ready", "http://127.0.0.1:9/predict"),)
    world.services.running.clear()
    assert ask(world, "SHOW SERVICES").rows[0][4:] == ("", "")


def test_show_tables(world: World) -> None:
    script = "CREATE TABLE declared (x INT) WITH (connector = 'csv', path = 'x.csv');"
    assert ask(world, "SHOW TABLES").columns == ("table name",)
    assert first(world, f"{script} SHOW TABLES") == ["declared", "samples", "shop.orders"]
    assert first(world, "SHOW TABLES FROM shop") == ["orders"]
    assert first(world, "SHOW TABLES FROM `default`") == ["samples"]
    assert ask(world, "SHOW VIEWS").columns == ("view name",)


def test_settings(world: World) -> None:
    shown = ask(world, "SET 'dag.retries' = '3'; SET 'my.api_key' = 'hello'; SET")
    assert shown.columns == ("key", "value", "origin")
    rows = {row[0]: row[1:] for row in shown.rows}
    assert rows["dag.retries"] == ("3", "script")
    assert rows["dag.catchup"] == ("false", "default")
    assert rows["my.api_key"] == (MASK, "script")


# DESCRIBE


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


# Services


def test_describe_a_service(world: World) -> None:
    serve(world, "http://127.0.0.1:9/predict", replicas="2", kubernetes_env_token="secret:token")
    shown = ask(world, "DESCRIBE SERVICE rank")
    told = facts(shown)
    assert told["service"] == "Rank"
    assert (told["model"], told["checkpoint"], told["version"]) == ("ctr", "v1_export", "2")
    assert (told["state"], told["url"], told["revision"]) == ("ready", "http://127.0.0.1:9/predict", "1")
    assert re.fullmatch(MOMENT, told["deployed"])
    formatted = ask(world, "DESCRIBE FORMATTED SERVICE rank")
    told = facts(formatted)
    assert (told["replicas"], told["kubernetes_env_token"]) == ("2", MASK)
    assert re.fullmatch(rf"{MOMENT} deploy v1_export \(version 2 of ctr\), finished", told["1"])
    assert told["(none)"] == "the service does not answer"
    assert first(world, "SHOW CREATE SERVICE rank") == [
        "CREATE SERVICE `Rank`\nON MODEL ctr\nCHECKPOINT = 'v1_export'\n"
        f"WITH (\n  'replicas' = '2',\n  'kubernetes_env_token' = '{MASK}'\n)"
    ]


def test_the_history_says_why_a_deployment_failed(world: World) -> None:
    serve(world, "u")
    checkpoint = world.registry.checkpoints(CTR)[1]
    entry = world.registry.begin(
        service="Rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key="k2", options={}
    )
    world.registry.fail(entry, error="no memory, password=hunter2\nlast line")
    told = facts(ask(world, "DESCRIBE FORMATTED SERVICE Rank"))
    assert told["2"].endswith(f", failed: no memory, password={MASK}")


def test_a_service_that_does_not_run_here(world: World) -> None:
    serve(world, "http://old/predict")
    world.services.running.clear()
    told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    assert (told["State"], told["URL"]) == ("not running here", "http://old/predict")
    assert told["(none)"] == "the service does not run here"


METRICS = """\
# HELP sqlrec_requests_total Prediction requests answered
# TYPE sqlrec_requests_total counter
sqlrec_requests_total{code="200",model="ctr",protocol="sqlrec",service="Rank",version="2"} 9.0
sqlrec_requests_total{code="400",model="ctr",protocol="sqlrec",service="Rank",version="2"} 1.0
sqlrec_request_duration_seconds_bucket{le="0.001",service="Rank"} 4.0
sqlrec_request_duration_seconds_count{service="Rank"} 10.0
sqlrec_request_duration_seconds_sum{service="Rank"} 0.05
sqlrec_request_rows_sum{service="Rank"} 900.0
sqlrec_requests_in_flight{service="Rank"} 1.0
"""


def test_statistics_from_the_figures_of_the_service(world: World) -> None:
    with answering(metrics=METRICS) as url:
        serve(world, url)
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    assert (told["requests"], told["failed"], told["in flight"], told["rows"]) == ("10", "1", "1", "900")
    assert (told["seconds in all"], told["mean milliseconds"]) == ("0.05", "5.000")


@pytest.mark.parametrize(
    ("page", "pairs"),
    [
        ('{"usage": 3, "duration": 12.5, "min": null, "nested": {"x": 1}}', ("3", "12.5")),
        ("[1, 2]", None),
        ("not json", None),
    ],
)
def test_statistics_that_the_service_tells_itself(
    world: World, page: str, pairs: tuple[str, str] | None
) -> None:
    with answering(stats=page, metrics=METRICS) as url:
        serve(world, url)
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    if pairs is None:
        assert told["requests"] == "10"
    else:
        assert (told["usage"], told["duration"]) == pairs
        assert not {"nested", "requests"} & set(told)


def test_figures_of_something_else_are_no_statistics(world: World) -> None:
    with answering(metrics="python_info 1.0\n") as url:
        serve(world, url)
        told = facts(ask(world, "DESCRIBE FORMATTED SERVICE rank"))
    assert told["(none)"] == "the service does not answer"


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
    assert (told["api"], told["function"], told["path"]) == ("Shop", "recall", "/api/Shop")
    assert (told["input users"], told["returns"], told["services"]) == (
        "user_id BIGINT, tags ARRAY<STRING>",
        "result",
        "Rank, fallback",
    )
    assert first(shop, "SHOW CREATE API shop") == ["CREATE API Shop WITH recall"]


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
