"""Options: the contract's defaults, their typed values, pods and topology."""

from __future__ import annotations

import pytest

from sqlrec import __version__
from sqlrec.errors import OptionError
from sqlrec.models.deep.controllers import WIDE_AND_DEEP
from sqlrec.models.deep.options import Architecture, column_of
from sqlrec.models.deep.training_options import Training
from sqlrec.spec.job import Resources, Topology
from sqlrec.spec.options import OptionValue, Parsed, Scope

CONTRACT: dict[str, Parsed] = {
    "embedding_dim": 16,
    "num_buckets": 1_000_000,
    "hidden_units": (512, 256, 128),
    "sparse_lr": 0.001,
    "dense_lr": 0.001,
    "num_epochs": 1,
    "mixed_precision": None,
    "batch_size": 8192,
    "num_workers": 8,
    "nnodes": 1,
    "nproc_per_node": 1,
    "master_port": 29500,
    "image": "sqlrec/tzrec",
    "version": f"{__version__}-cpu",
    "pod_cpu_cores": "1",
    "pod_gpus": 0,
    "pod_gpu_resource": "nvidia.com/gpu",
    "pod_shared_memory": None,
    "pod_memory": "2Gi",
    "pod_cpu_limit": None,
    "pod_memory_limit": None,
    "replicas": 1,
}


@pytest.mark.parametrize(("key", "default"), CONTRACT.items())
def test_defaults_are_those_scripts_rely_on(key: str, default: Parsed) -> None:
    option = WIDE_AND_DEEP.options.find(key)
    assert option is not None
    assert option.default == default


def test_every_option_says_what_it_does_and_parses_its_own_default() -> None:
    for option in WIDE_AND_DEEP.options.options:
        assert option.doc.endswith(".")
        assert option.scopes
        if isinstance(option.default, tuple):
            assert option.parse(",".join(map(str, option.default))) == option.default
        elif option.default is not None:
            assert option.parse(option.default) == option.default


def test_architecture_reads_per_column_options_without_regard_to_case_and_dash() -> None:
    written: dict[str, OptionValue] = {
        "label_columns": "y",
        "column.User-Id.bucket_size": 10,
        "column.zip.embedding-dim": "8",
    }
    shape = Architecture.read(WIDE_AND_DEEP.options, written)
    assert shape.bucket_sizes == {"user_id": 10}
    assert shape.embedding_dims == {"zip": 8}


def test_training_takes_given_values_and_defaults() -> None:
    training = Training.read(WIDE_AND_DEEP.options, {"sparse_lr": 0.5, "mixed_precision": "bf16"})
    assert (training.sparse_lr, training.mixed_precision, training.batch_size) == (0.5, "BF16", 8192)


def test_training_options_may_stand_in_the_model_and_be_overridden() -> None:
    effective = WIDE_AND_DEEP.options.effective(
        Scope.TRAIN, model={"batch_size": 7, "seed": 1}, statement={"batch_size": 9}
    )
    assert (effective["batch_size"].value, effective["seed"].value) == (9, 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("embedding_dim", 0),
        ("hidden_units", "64,0"),
        ("validation_fraction", 1.0),
        ("mixed_precision", "FP8"),
        ("seed", -1),
    ],
)
def test_values_out_of_range_are_refused(key: str, value: str | int | float) -> None:
    with pytest.raises(OptionError, match="SR303"):
        WIDE_AND_DEEP.options.check(key, value, Scope.MODEL)


def test_column_of_other_keys_is_empty() -> None:
    assert column_of("column.a.b.bucket_size") == "a.b"
    assert column_of("embedding_dim") == ""
    assert column_of("kubernetes.env.column") == ""


def test_resources_and_topology_follow_the_options() -> None:
    train = WIDE_AND_DEEP.options.effective(Scope.TRAIN, statement={"nproc_per_node": 2, "pod_memory": "4Gi"})
    service = WIDE_AND_DEEP.options.effective(Scope.SERVICE, statement={"pod_cpu_limit": "500m"})
    assert WIDE_AND_DEEP.topology(train) == Topology(processes_per_node=2)
    assert WIDE_AND_DEEP.resources(train) == Resources(memory="4Gi")
    assert WIDE_AND_DEEP.resources(service) == Resources(cpu_limit="500m")
    assert WIDE_AND_DEEP.topology(service) == Topology()
