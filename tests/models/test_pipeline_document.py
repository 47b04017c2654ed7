"""What is written of a model is what TorchEasyRec's schema allows, byte for byte the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from sqlrec.errors import OptionError
from sqlrec.models.beside import job_files
from sqlrec.models.deep.controller import DeepModel
from sqlrec.models.deep.controllers import DCN_V2, DIN, DSSM, MMOE, WIDE_AND_DEEP
from sqlrec.models.deep.pipeline.document import Subject, document, pipeline_config
from sqlrec.models.deep.pipeline.reading import followed
from sqlrec.models.deep.pipeline.schema import faults
from sqlrec.models.deep.pipeline.text import parse
from sqlrec.spec.job import JobKind, JobSpec, TrainWork
from sqlrec.spec.options import OptionValue
from tests.models.pipeline_world import CASES, PLACES, a_model, a_training, an_export, case, trainings

GOLDEN = Path(__file__).parents[1] / "golden" / "pipeline"


@pytest.mark.parametrize("name", CASES)
def test_each_type_is_written_as_agreed(name: str, request: pytest.FixtureRequest) -> None:
    """Written anew with ``pytest --update-golden``."""
    kind, work = case(name)
    text = document(Subject.of(work, kind), PLACES)
    path = GOLDEN / f"{name}.config"
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_an_export_has_no_training() -> None:
    kind, work = case("din")
    config = pipeline_config(Subject.of(an_export(kind, work.model), kind), PLACES)
    assert not [*faults(config)]
    assert config.get("train_config") is None
    assert config.get("export_config") is not None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trainings())
def test_any_model_is_valid_and_followed_as_it_is(made: tuple[DeepModel, TrainWork]) -> None:
    kind, work = made
    subject = Subject.of(work, kind)
    text, config = document(subject, PLACES), pipeline_config(subject, PLACES)
    assert parse(text) == config
    assert [*faults(config)] == []
    assert [*subject.problems()] == []
    assert followed(text, work, kind) == work


@pytest.mark.parametrize(
    ("statement", "rows"),
    [({}, 8192), ({"nnodes": 2, "nproc_per_node": 2}, 2048), ({"nproc_per_node": 3}, 2731)],
)
def test_a_batch_is_divided_among_processes(statement: dict[str, OptionValue], rows: int) -> None:
    kind, options, _ = CASES["deepfm"]
    work = a_training(kind, a_model(kind, options=options), statement)
    assert f"batch_size: {rows}\n" in document(Subject.of(work, kind), PLACES)


def test_two_towers_without_a_label_have_one_for_torcheasyrec() -> None:
    work = a_training(DSSM, a_model(DSSM, {"u": "BIGINT", "i": "BIGINT"}, {"item_features": "i"}), {})
    text = document(Subject.of(work, DSSM), PLACES)
    assert 'label_fields: "sqlrec_label"' in text
    assert followed(text, work, DSSM) == work


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"early_stopping_patience": 2}, "no early_stopping_patience = 2"),
        ({"seed": 7}, "no seed = 7"),
        ({"lr_schedule": "cosine"}, "no lr_schedule = cosine"),
        ({"mixed_precision": "auto"}, "no mixed_precision = AUTO"),
        ({"class_weights": "balanced"}, "no class_weights = balanced"),
        ({"max_grad_norm": 1.5, "eval_steps": 10}, "no max_grad_norm = 1.5, and 1 more"),
    ],
)
def test_what_a_file_cannot_say_stops_torcheasyrec_and_not_us(
    statement: dict[str, OptionValue], words: str
) -> None:
    kind, options, _ = CASES["wide_and_deep"]
    model = a_model(kind, options=options)
    ours = a_training(kind, model, statement)
    theirs = a_training(kind, model, {**statement, "trainer": "tzrec"})
    assert f"# not said here: TorchEasyRec has {words.partition(',')[0]}" in _file(ours)
    assert followed(_file(ours), ours, kind) == ours
    with pytest.raises(OptionError, match=words) as error:
        _file(theirs)
    assert error.value.code == "SR380"


def _file(work: TrainWork) -> str:
    job = JobSpec(id="j", kind=JobKind.TRAIN, work=work, output_uri="/out/v1")
    return job_files(job)["pipeline.config"]


def test_places_lie_beside_the_output() -> None:
    _, work = case("mmoe")
    text = _file(replace(work, base_uri="/models/7"))
    assert 'train_input_path: "/out/v1.progress/tzrec/rows/train/*.parquet"' in text
    assert 'fine_tune_checkpoint: "/models/7/tzrec"' in text


@pytest.mark.parametrize(
    ("kind", "columns", "options", "code", "words"),
    [
        (WIDE_AND_DEEP, {"a": "INT", "d": "DATE"}, {}, "SR381", "'d' is DATE"),
        (WIDE_AND_DEEP, {"a": "INT", "v": "ARRAY<FLOAT>"}, {}, "SR381", "'v' is ARRAY<FLOAT>"),
        (WIDE_AND_DEEP, {"p": "DOUBLE"}, {}, "SR382", "wide_and_deep needs a column with an embedding"),
        (DCN_V2, {"a": "INT"}, {"hidden_units": ""}, "SR382", "hidden_units lists no layer"),
        (MMOE, {"a": "INT"}, {"tower_hidden_units": ""}, "SR382", "tower_hidden_units lists no layer"),
        (WIDE_AND_DEEP, {"a": "ARRAY<INT>"}, {"max_array_length": 5}, "SR380", "max_array_length = 5"),
        (
            DSSM,
            {"a": "INT", "b": "INT"},
            {"item_features": "b", "exclude_seen": True},
            "SR380",
            "exclude_seen",
        ),
        (DIN, {"a": "INT", "s": "ARRAY<INT>", "t": "TIMESTAMP"}, {"column.s.target": "a"}, "SR381", "'t' is"),
    ],
)
def test_a_definition_that_names_the_trainer_is_checked(
    kind: DeepModel, columns: dict[str, str], options: dict[str, OptionValue], code: str, words: str
) -> None:
    given = {"label_columns": "label", "trainer": "tzrec", **options}
    (problem,) = kind.check(a_model(kind, {**columns, "label": "INT"}, given))
    assert problem.code == code
    assert words in problem.message
    assert problem.hint
    assert not [*kind.check(a_model(kind, {**columns, "label": "INT"}, {**given, "trainer": "sqlrec"}))]
