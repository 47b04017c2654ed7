"""What the options of pods mean, and which of them Kubernetes would refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrec.errors import OptionError
from sqlrec.models.pod_placement import environment, pod, pod_problems, toleration
from sqlrec.models.pod_volumes import volume
from sqlrec.models.pods import pod_options, resources
from sqlrec.spec.options import Effective, OptionSet, OptionValue, Scope
from sqlrec.spec.pod import Pod, Toleration, Volume, VolumeKind
from tests.manifests import KEY, SUBDOMAIN

OPTIONS = OptionSet(pod_options("sqlrec/x"))


def effective(**options: OptionValue) -> dict[str, Effective]:
    return of(options)


def of(options: dict[str, OptionValue]) -> dict[str, Effective]:
    return OPTIONS.effective(Scope.TRAIN, statement=options)


def codes(options: dict[str, OptionValue]) -> list[tuple[str, str]]:
    return [(problem.code, problem.option) for problem in pod_problems(of(options))]


def refused(make: Callable[[], object]) -> str:
    """The code with which something is refused; empty when it is not."""
    try:
        make()
    except OptionError as error:
        return error.code
    return ""


def test_without_options_a_pod_is_as_the_settings_have_it() -> None:
    assert pod(effective()) == Pod()
    assert pod({}) == Pod()
    assert environment(effective()) == {}


def test_what_the_options_say() -> None:
    asked = pod(
        of(
            {
                "namespace": "team-a",
                "kubernetes.service_account": "jobs",
                "kubernetes.priority-class": "high",
                "kubernetes.image_pull_policy": "never",
                "kubernetes.image_pull_secrets": "one, two",
                "pod_gpus": "2",
                "pod_gpu_resource": "amd.com/gpu",
                "pod_shared_memory": " 1Gi ",
                "kubernetes.node.selector.Zone-1": "b",
                "kubernetes.toleration.gpu": "*",
                "kubernetes.volume.logs": "pvc:logs:/mnt/logs:ro",
                "kubernetes.label.team": "ads",
                "kubernetes.annotation.Note": "x y",
            }
        )
    )
    assert asked == Pod(
        namespace="team-a",
        service_account="jobs",
        priority_class="high",
        image_pull_policy="Never",
        image_pull_secrets=("one", "two"),
        gpus=2,
        gpu_resource="amd.com/gpu",
        shared_memory="1Gi",
        node_selector={"Zone-1": "b"},
        tolerations=(Toleration(key="gpu"),),
        volumes=(
            Volume(name="logs", kind=VolumeKind.CLAIM, source="logs", mount="/mnt/logs", read_only=True),
        ),
        labels={"team": "ads"},
        annotations={"Note": "x y"},
    )


def test_names_keep_their_case_and_their_dashes() -> None:
    options = of({"Kubernetes.Env.Path": "a", "kubernetes.env.PATH": "b", "KUBERNETES.ENV.my_var": "c"})
    assert environment(options) == {"Path": "a", "PATH": "b", "my_var": "c"}
    selected = of({"kubernetes.node.selector.node.kubernetes.io/instance-type": "m5"})
    assert pod(selected).node_selector == {"node.kubernetes.io/instance-type": "m5"}


def test_resources_are_quantities() -> None:
    found = resources(effective(pod_cpu_cores="0.5", pod_memory="1Gi", pod_memory_limit="2Gi"))
    assert (found.cpu, found.memory, found.cpu_limit, found.memory_limit) == ("0.5", "1Gi", "", "2Gi")
    assert resources(effective(pod_cpu_cores=2)).cpu == "2"


@pytest.mark.parametrize("text", ["0", "2GB", "-1", "", "two", "0.0Gi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="takes a quantity") as caught:
        effective(pod_memory=text)
    assert caught.value.code == "SR302"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"pod_memory": "2"}, "SR370"),
        ({"pod_memory_limit": "1Gi"}, "SR370"),
        ({"pod_cpu_cores": 2, "pod_cpu_limit": "1500m"}, "SR370"),
        ({"pod_cpu_cores": "2Gi"}, "SR370"),
        ({"pod_shared_memory": "64"}, "SR370"),
        ({"namespace": "My_Team"}, "SR371"),
        ({"namespace": "a.b"}, "SR371"),
        ({"kubernetes.service_account": "-x"}, "SR371"),
        ({"kubernetes.priority_class": "x" * 254}, "SR371"),
        ({"kubernetes.image_pull_secrets": "one, Two"}, "SR371"),
        ({"pod_gpu_resource": "gpu of mine"}, "SR371"),
        ({"kubernetes.env.1X": "a"}, "SR371"),
        ({"kubernetes.env.A B": "secret:a"}, "SR371"),
        ({"kubernetes.node.selector.a/b/c": "x"}, "SR371"),
        ({"kubernetes.node.selector.zone": "a b"}, "SR371"),
        ({"kubernetes.label.team": "-"}, "SR371"),
        ({"kubernetes.label.sqlrec.io/job": "x"}, "SR371"),
        ({"kubernetes.label.job-name": "x"}, "SR371"),
        ({"kubernetes.label.team": "x" * 64}, "SR371"),
        ({"kubernetes.annotation.Ä": "x"}, "SR371"),
        ({"kubernetes.annotation.app.kubernetes.io/name": "x"}, "SR371"),
        ({"kubernetes.toleration.gpu": "NoSchedule"}, "SR372"),
        ({"kubernetes.toleration.gpu": "a:Sometimes"}, "SR372"),
        ({"kubernetes.toleration.gpu": "a b:NoSchedule"}, "SR371"),
        ({"kubernetes.toleration.g p u": "*"}, "SR371"),
        ({"kubernetes.volume.x": "claim:/mnt"}, "SR373"),
        ({"kubernetes.volume.x": "secret:name:/mnt"}, "SR373"),
        ({"kubernetes.volume.x": "pvc:name:mnt"}, "SR373"),
        ({"kubernetes.volume.x": "pvc:name:/"}, "SR373"),
        ({"kubernetes.volume.x": "pvc:name:/mnt/../data"}, "SR373"),
        ({"kubernetes.volume.x": "host:relative:/mnt"}, "SR373"),
        ({"kubernetes.volume.x": "empty:much:/mnt"}, "SR373"),
        ({"kubernetes.volume.x": "empty:0:/mnt"}, "SR373"),
        ({"kubernetes.volume.x": "pvc:Name:/mnt"}, "SR371"),
        ({"kubernetes.volume.x": "pvc:name:/data"}, "SR374"),
        ({"kubernetes.volume.x": "pvc:name:/data/x"}, "SR374"),
        ({"kubernetes.volume.x": "pvc:name://data"}, "SR374"),
        ({"kubernetes.volume.x": "pvc:name:/mnt/a\nb"}, "SR373"),
        ({"kubernetes.volume.x": "pvc:name:/tmp/"}, "SR374"),
        ({"kubernetes.volume.x": "pvc:name:/dev/shm"}, "SR374"),
        ({"kubernetes.volume.x": "pvc:name:/proc/1"}, "SR374"),
    ],
)
def test_what_kubernetes_would_refuse_is_refused(options: dict[str, OptionValue], code: str) -> None:
    assert codes(options) == [(code, list(options)[-1])]
    with pytest.raises(OptionError) as caught:
        pod(of(options))
    assert caught.value.code == code
    assert caught.value.hint


def test_every_problem_is_told_once() -> None:
    found = codes(
        {
            "namespace": "A",
            "kubernetes.volume.a": "pvc:a:/mnt",
            "kubernetes.volume.b": "pvc:b:/mnt/",
            "kubernetes.volume.c": "pvc:c:/data",
            "kubernetes.volume.d": "pvc:d:/elsewhere",
            "kubernetes.volume.e": "no volume",
        }
    )
    assert sorted(found) == [
        ("SR371", "namespace"),
        ("SR373", "kubernetes.volume.e"),
        ("SR374", "kubernetes.volume.b"),
        ("SR374", "kubernetes.volume.c"),
    ]


def test_a_limit_under_the_default_is_told_where_it_is_written() -> None:
    (problem,) = pod_problems(of({"pod_memory_limit": "1Gi"}))
    assert problem.option == "pod_memory_limit"
    assert "2Gi by default" in problem.message


def test_volumes_may_lie_in_tmp_and_under_the_system_folders_of_nobody() -> None:
    assert codes({"kubernetes.volume.a": "empty:1Gi:/tmp/a", "kubernetes.volume.b": "pvc:b:/database"}) == []


@given(st.from_regex(KEY, fullmatch=True), st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"]))
def test_a_toleration_is_read_back(value: str, effect: str) -> None:
    text = f"{value}:{effect}"
    if "/" in value:
        with pytest.raises(OptionError):
            toleration("k", text)
    else:
        assert toleration("k", text) == Toleration(key="k", value=value, effect=effect)
    assert toleration("k", f":{effect}") == Toleration(key="k", effect=effect)


@given(
    st.from_regex(SUBDOMAIN, fullmatch=True),
    st.from_regex(r"(/[a-zA-Z0-9_ -]{1,9}){1,4}/?", fullmatch=True),
    st.booleans(),
)
def test_a_volume_is_read_back(name: str, mount: str, read_only: bool) -> None:
    found = volume("v", f"pvc:{name}:{mount}{':ro' * read_only}")
    assert found == Volume(
        name="v", kind=VolumeKind.CLAIM, source=name, mount=mount.rstrip("/"), read_only=read_only
    )


@given(st.text(max_size=60))
def test_any_text_is_a_volume_or_an_error(text: str) -> None:
    assert refused(partial(volume, "v", text)) in ("", "SR371", "SR373")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_option_gives_a_pod_or_an_error(key: str, text: str) -> None:
    for prefix in ("env.", "label.", "annotation.", "toleration.", "volume.", "node.selector."):
        options = {f"kubernetes.{prefix}{key}": Effective(text, "statement")}
        assert refused(partial(pod, options)) in ("", "SR371", "SR372", "SR373", "SR374")
