"""What EVALUATE is asked to measure, and the bounds it holds a checkpoint to."""

from __future__ import annotations

import pytest

from sqlrec.errors import EXIT_REFUSED, OptionError, PolicyError
from sqlrec.models.measuring.measures import (
    DEFAULTS,
    METRICS,
    PRIMARY,
    TITLES,
    higher_is_better,
    measurable,
    measure_options,
    primary,
    require_bounds,
    told,
    wanted,
)
from sqlrec.models.objective import Objective
from sqlrec.spec.options import OptionSet, OptionValue, Parsed, Scope

OPTIONS = OptionSet(measure_options())


def effective(**written: OptionValue) -> dict[str, Parsed]:
    return {k: e.value for k, e in OPTIONS.effective(Scope.EVALUATE, statement=written).items()}


def test_every_metric_can_be_bounded_on_both_sides() -> None:
    assert all(
        OptionSet(measure_options(*Objective)).find(f"{side}_{name}")
        for name in TITLES
        for side in ("min", "max")
    )


def test_metrics_are_those_asked_for_and_those_with_a_bound_each_once() -> None:
    assert wanted(effective()) == DEFAULTS[Objective.BINARY]
    assert wanted(effective(metrics="LogLoss, auc", min_auc=0.7, max_rmse=1)) == ("logloss", "auc", "rmse")


def test_groups_are_measured_when_there_are_any_and_only_then() -> None:
    assert wanted(effective(metrics="auc", group_column="user_id")) == ("auc", "gauc")
    with pytest.raises(OptionError, match=r"SR265.*group_column"):
        wanted(effective(min_gauc=0.6))


def test_an_unknown_metric_is_told_with_the_closest() -> None:
    with pytest.raises(OptionError, match=r"SR303.*not 'logl0ss'.*Did you mean 'logloss'"):
        OPTIONS.check("metrics", "auc, logl0ss", Scope.EVALUATE)
    with pytest.raises(OptionError, match=r"SR301.*min_acu.*Did you mean 'min_auc'"):
        OPTIONS.check("min_acu", 0.5, Scope.EVALUATE)


@pytest.mark.parametrize(
    "written", [{"min_auc": 0.7}, {"max_logloss": 0.5}, {"min_auc": 0.6, "max_auc": 0.8}]
)
def test_a_checkpoint_at_its_bounds_passes(written: dict[str, OptionValue]) -> None:
    require_bounds(effective(**written), {"auc": 0.7, "logloss": 0.5}, "v1 of m")


def test_every_broken_bound_is_named_with_metric_value_and_bound() -> None:
    options = effective(min_auc=0.75, max_logloss=0.4, min_recall=0.1, max_f1=1)
    with pytest.raises(PolicyError) as caught:
        require_bounds(options, {"auc": 0.7, "logloss": 0.5, "f1": 1.0}, "checkpoint v1 of m")
    assert (caught.value.code, caught.value.exit_status) == ("SR260", EXIT_REFUSED)
    assert caught.value.message == (
        "checkpoint v1 of m does not pass: AUC is 0.7, below min_auc = 0.75; "
        "LogLoss is 0.5, above max_logloss = 0.4; "
        "Recall is undefined on these rows, which breaks min_recall = 0.1"
    )


def test_every_metric_belongs_to_an_objective() -> None:
    assert measurable(*Objective) == tuple(TITLES)
    for objective in Objective:
        assert set(DEFAULTS[objective]) <= set(METRICS[objective])
        assert PRIMARY[objective] in METRICS[objective]


def test_primary_metrics_say_which_way_is_better() -> None:
    assert primary(Objective.BINARY) == ("auc", True)
    assert primary(Objective.REGRESSION) == ("rmse", False)
    assert not higher_is_better("logloss.click")


def test_a_type_of_several_objectives_measures_what_its_model_has() -> None:
    options = OptionSet(measure_options(Objective.BINARY, Objective.REGRESSION))
    assert options.find("min_ndcg_10") is None
    values = {k: e.value for k, e in options.effective(Scope.EVALUATE, statement={"max_mae": 2}).items()}
    assert wanted(values) == ("mae",)
    assert wanted(values, Objective.REGRESSION) == ("rmse", "mae", "mse", "mape", "r2")
    assert "auc" in wanted(values, Objective.BINARY)


def test_a_metric_of_another_objective_is_refused() -> None:
    with pytest.raises(OptionError, match=r"SR560.*auc is not measured of a regression model.*rmse, mae"):
        wanted({"metrics": ("rmse", "auc")}, Objective.REGRESSION)


def test_groups_of_ranking_are_an_option_of_training_too() -> None:
    ranking = OptionSet(measure_options(Objective.RANKING)).find("group_column")
    binary = OptionSet(measure_options()).find("group_column")
    assert ranking is not None
    assert binary is not None
    assert ranking.scopes - binary.scopes == {Scope.MODEL, Scope.TRAIN}
    assert OptionSet(measure_options(Objective.REGRESSION)).find("group_column") is None


def test_figures_of_an_export_are_those_of_its_sample() -> None:
    assert told({"logloss": 0.5, "auc": 0.75, "rows": 9.0}) == "AUC 0.75, LogLoss 0.5"
    assert told({"fp32.auc": 0.91, "fp32.logloss": 0.3, "fp32.bytes": 7.0}) == (
        "AUC 0.91, LogLoss 0.3 on its sample"
    )
    assert told({"fp32.auc": 0.91}, limit=1) == "AUC 0.91 on its sample"
    assert told({"fp32.bytes": 7.0}) == ""
