"""ALTER MODEL and temporary models: each change is made once, a retry finds it made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlrec.errors import NameNotFoundError, OptionError, StateError
from sqlrec.execution.environment import Environment
from sqlrec.execution.outcome import Outcome
from sqlrec.plan.changes import SetAlias
from sqlrec.plan.plan import AlterModelStep, Step
from sqlrec.registry.registry import DeployAction
from sqlrec.registry.snapshot import SnapshotCatalog
from sqlrec.settings import load
from sqlrec.spec.names import ModelName
from tests.execution.steps import MODEL, World, make_world, steps_of

CTR, RANKER = ModelName.of("ctr"), ModelName.of("Ranker")
TRAINED = f"""{MODEL}
TRAIN MODEL ctr CHECKPOINT = 'v1' ON samples;
EXPORT MODEL ctr CHECKPOINT = 'v1' ON samples;
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A model with a training checkpoint and an export."""
    (tmp_path / "data").mkdir()
    pq.write_table(
        pa.table({"user_id": [1], "age": [2], "is_click": [0]}), tmp_path / "data" / "samples.parquet"
    )
    made = make_world(tmp_path)
    for step in steps_of(TRAINED).values():
        made.run(step)
    return made


def one(sql: str) -> Step:
    """The step of a statement."""
    (step,) = steps_of(sql).values()
    return step


def alter(world: World, change: str, run: str = "r2", of: str = "ctr") -> Outcome:
    return world.run(one(f"ALTER MODEL {of} {change}"), run)


def forget(world: World) -> None:
    """Lose the outcomes, as a kill between the work and its record does."""
    for file in (*world.env.runs.glob("s/r2/*.json"), *world.env.runs.glob("s/r3/*.json")):
        file.unlink()


def serve(world: World, name: str) -> None:
    checkpoint = world.registry.checkpoint(CTR, name)
    assert checkpoint is not None
    entry = world.registry.begin(
        service="rank", action=DeployAction.DEPLOY, checkpoint=checkpoint, key="k", options={}
    )
    world.registry.finish(entry, url="u")


# Options


def test_set_changes_the_definition_and_its_text(world: World) -> None:
    outcome = alter(world, "SET ('embedding_dim' = '8', num_buckets = 500)")
    assert outcome.message == "set embedding_dim, num_buckets of model ctr"
    model = world.registry.model(CTR)
    assert model is not None
    assert (model.options["embedding_dim"], model.options["num_buckets"]) == ("8", 500)
    assert "'embedding_dim' = '8'" in model.ddl
    assert world.registry.definition(world.registry.checkpoints(CTR)[0]).options.get("embedding_dim") is None
    forget(world)
    again = alter(world, "SET ('embedding_dim' = '8', num_buckets = 500)")
    assert again.message == "model ctr has these options already"
    assert world.registry.model(CTR) == model


def test_reset_takes_options_back(world: World) -> None:
    before = world.registry.model(CTR)
    alter(world, "SET ('embedding_dim' = '8')")
    assert alter(world, "RESET ('embedding_dim')", "r3").message == "reset embedding_dim of model ctr"
    assert world.registry.model(CTR) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("'embeding_dim' = '8'", r"SR301\] unknown option 'embeding_dim'.*embedding_dim"),
        ("'embedding_dim' = 'wide'", r"SR302\] option 'embedding_dim' takes an int"),
        ("'embedding_dim' = '0'", r"SR303\]"),
        ("'replicas' = '3'", r"SR304\] option 'replicas' belongs to CREATE SERVICE"),
    ],
)
def test_options_that_the_type_does_not_take(world: World, options: str, told: str) -> None:
    before = world.registry.model(CTR)
    with pytest.raises(OptionError, match=told):
        alter(world, f"SET ({options})")
    assert world.registry.model(CTR) == before


def test_options_that_checkpoints_depend_on(world: World) -> None:
    with pytest.raises(StateError, match=r"SR202\] model ctr has checkpoints"):
        alter(world, "SET ('label_columns' = 'age')")


def test_references_to_secrets_stay_references(world: World) -> None:
    chat = """
    CREATE MODEL chat INPUT (prompt STRING) OUTPUT (answer STRING)
      WITH (provider = 'openai', model = 'gpt', api_key = '{{ secret.openai }}',
            endpoint = '{{ conn.openai.host }}')
    """
    world.run(one(chat))
    alter(world, "SET (temperature = 0.5)", of="chat")
    model = world.registry.model(ModelName.of("chat"))
    assert model is not None
    assert model.options["api_key"] == "secret:openai"
    assert model.options["endpoint"] == "secret:conn.openai.host"
    assert model.options["temperature"] == 0.5
    assert "{{" not in model.ddl
    assert "'api_key' = 'secret:openai'" in model.ddl


def test_two_spellings_of_an_option_are_one(world: World) -> None:
    world.run(
        one(
            "CREATE MODEL chat INPUT (prompt STRING) OUTPUT (answer STRING)"
            " WITH (provider = 'openai', model_name = 'gpt', api_key = '{{ secret.a }}', temperature = 0.1)"
        )
    )
    alter(world, "SET ('openai.api-key' = '{{ secret.b }}')", of="chat")
    alter(world, "RESET ('openai.temperature')", "r3", of="chat")
    model = world.registry.model(ModelName.of("chat"))
    assert model is not None
    options = {"provider": "openai", "model_name": "gpt", "openai.api_key": "secret:b"}
    assert model.options == options


# Names


def test_rename(world: World) -> None:
    serve(world, "v1_export")
    outcome = alter(world, "RENAME TO Ranker")
    assert outcome.message == "renamed model ctr to Ranker"
    assert outcome.facts == {"model": "Ranker", "gone_model": "ctr"}
    assert world.registry.model(CTR) is None
    model = world.registry.model(RANKER)
    assert model is not None
    assert model.ddl.startswith("CREATE MODEL Ranker (")
    assert [c.name for c in world.registry.checkpoints(RANKER)] == ["v1", "v1_export"]
    served = world.registry.service("rank")
    assert served is not None
    assert served.model == RANKER
    forget(world)
    assert alter(world, "RENAME TO Ranker").message == "renamed model ctr to Ranker"
    with pytest.raises(NameNotFoundError, match=r"SR205\] model ctr does not exist"):
        alter(world, "RENAME TO Ranker", "r3")


def test_a_name_that_is_taken(world: World) -> None:
    world.run(one(MODEL.replace("ctr", "other")))
    with pytest.raises(StateError, match=r"SR201\] model other exists already"):
        alter(world, "RENAME TO other")
    with pytest.raises(StateError, match="SR201"):
        alter(world, "RENAME TO other")
    assert len(world.registry.models()) == 2


def test_if_exists(world: World) -> None:
    for change in ("RENAME TO x", "SET (num_buckets = 5)", "DROP CHECKPOINT = 'v1'", "SET ALIAS 'a' = 'v1'"):
        assert alter(world, change, of="IF EXISTS none").message == "no model none to alter"
        with pytest.raises(NameNotFoundError, match=r"SR205\] model none does not exist"):
            alter(world, change, "r3", of="none")


# Checkpoints and aliases


def test_drop_checkpoint(world: World) -> None:
    alter(world, "SET ALIAS 'prod' = 'v1_export'")
    outcome = alter(world, "DROP CHECKPOINT = 'V1_export'", "r3")
    assert outcome.message == "dropped checkpoint V1_export of model ctr, with its alias @prod"
    assert [c.name for c in world.registry.checkpoints(CTR)] == ["v1"]
    forget(world)
    again = alter(world, "DROP CHECKPOINT = 'V1_export'", "r3")
    assert again.message == "no checkpoint V1_export of model ctr to drop"


def test_a_checkpoint_that_is_not_there_or_in_use(world: World) -> None:
    serve(world, "v1_export")
    with pytest.raises(NameNotFoundError, match=r"SR207\] checkpoint not exists: v2 for model ctr"):
        alter(world, "DROP CHECKPOINT = 'v2'")
    assert alter(world, "DROP IF EXISTS CHECKPOINT = 'v2'").message == "no checkpoint v2 of model ctr to drop"
    for _ in range(2):
        with pytest.raises(StateError, match=r"SR203\].*rank"):
            alter(world, "DROP CHECKPOINT = 'v1_export'")


def test_an_alias_names_a_checkpoint_wherever_one_is_named(world: World) -> None:
    outcome = alter(world, "SET ALIAS 'Prod' = 'v1'")
    assert outcome.message == "@Prod of model ctr is v1 (version 1)"
    assert (outcome.facts["checkpoint"], outcome.facts["version"]) == ("v1", "1")
    train = "TRAIN MODEL ctr CHECKPOINT = 'v2' ON samples FROM '@prod'"
    world.run(one(train), "r2")
    made = world.registry.checkpoint(CTR, "v2")
    assert made is not None
    assert (made.parent, made.parent_version) == ("v1", 1)
    alter(world, "SET ALIAS 'prod' = 'v2'", "r3")
    assert world.registry.aliases(CTR)["prod"].version == 3


def test_an_alias_that_is_not_there(world: World) -> None:
    alter(world, "SET ALIAS 'prod' = 'v1'")
    for statement in (
        "TRAIN MODEL ctr CHECKPOINT = 'v2' ON samples FROM '@prd'",
        "EVALUATE MODEL ctr CHECKPOINT = '@prd' ON samples",
        "CREATE SERVICE rank ON MODEL ctr CHECKPOINT = '@prd'",
        "ALTER MODEL ctr DROP ALIAS 'prd'",
    ):
        with pytest.raises(NameNotFoundError, match=r"SR207\] alias not exists: prd .*mean 'prod'"):
            world.run(one(statement), "r3")


def test_drop_alias(world: World) -> None:
    alter(world, "SET ALIAS 'prod' = 'v1'")
    assert alter(world, "DROP ALIAS 'prod'", "r3").message == "dropped alias @prod of model ctr"
    forget(world)
    assert alter(world, "DROP ALIAS 'prod'", "r3").message == "no alias @prod of model ctr to drop"
    assert alter(world, "DROP IF EXISTS ALIAS 'prod'", "r4").message == "no alias @prod of model ctr to drop"
    for _ in range(2):
        with pytest.raises(NameNotFoundError, match="model ctr has none"):
            alter(world, "DROP ALIAS 'prod'", "r5")


def test_a_name_that_can_be_no_alias(world: World) -> None:
    step = one("ALTER MODEL ctr SET ALIAS 'prod' = 'v1'")
    assert isinstance(step, AlterModelStep)
    with pytest.raises(OptionError, match=r"SR211\] 'v1' cannot name an alias"):
        world.run(replace(step, change=SetAlias(alias="v1", checkpoint="v1")), "r2")


# Temporary models


def test_a_temporary_model_is_no_business_of_the_registry(world: World) -> None:
    again = "DROP TEMPORARY MODEL ctr; DROP TEMPORARY MODEL IF EXISTS ctr;"
    steps = list(steps_of(MODEL.replace("CREATE", "CREATE TEMPORARY") + again).values())
    before = world.registry.model(CTR)
    assert [world.run(step, "r2").message for step in steps] == [
        "defined temporary model ctr",
        "dropped temporary model ctr",
        "no temporary model ctr to drop",
    ]
    assert world.registry.models() == (before,)


# Where to look


def test_the_embedded_registry_is_looked_at_without_mlflow(tmp_path: Path) -> None:
    embedded = Environment(settings=load(tmp_path, environ={}))
    assert isinstance(embedded.catalog, SnapshotCatalog)
    assert embedded.catalog.models() == ()
    world = make_world(tmp_path)
    world.run(one(MODEL))
    assert world.env.catalog.models() == ("sqlrec.default.ctr",)
