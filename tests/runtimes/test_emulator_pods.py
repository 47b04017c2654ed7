"""Pods in the test cluster: containers that really run, with files, variables, probes, logs and ends."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from tests.emulator.objects import Object
from tests.emulator.waiting import eventually
from tests.emulator.workloads import Home, container, home, pod

pytestmark = pytest.mark.cluster


@pytest.fixture
def place(kubeconfig: Path, namespace: str) -> Iterator[Home]:
    with home(kubeconfig, namespace) as opened:
        yield opened


def test_variables_files_and_the_end_of_a_container(place: Home, tmp_path: Path) -> None:
    core, namespace = place.core, place.namespace
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}, "data": {"word": "hello"}})
    secret = {"metadata": {"name": "s"}, "data": {"key": base64.b64encode(b"hidden").decode()}}
    core.create_namespaced_secret(namespace, secret)
    env = [
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "BOTH", "value": "$(NAME)-$(SECRET)"},
    ]
    script = f"cat /data/word; echo; echo $BOTH; echo kept > {tmp_path}/out"
    script += "; echo why > /dev/termination-log; exit 3"
    mounts = [{"name": "data", "mountPath": "/data"}, {"name": "host", "mountPath": str(tmp_path)}]
    volumes = [
        {"name": "data", "configMap": {"name": "c"}},
        {"name": "host", "hostPath": {"path": str(tmp_path)}},
    ]
    place.start(pod("p", container("sh", "-c", script, env=env, volumeMounts=mounts), volumes=volumes))
    ended = place.ended("p").status
    state = ended.container_statuses[0].state.terminated
    assert (ended.phase, state.exit_code, state.reason, state.message) == ("Failed", 3, "Error", "why\n")
    assert place.log("p") == "hello\np-hidden\n"
    assert (tmp_path / "out").read_text() == "kept\n"


def test_a_container_is_alone_with_its_processes_and_writes(place: Home) -> None:
    read_only = {"readOnlyRootFilesystem": True}
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    script = "echo $PPID; hostname; touch /x || echo refused; touch /scratch/x && echo written"
    main = container("sh", "-c", script, securityContext=read_only, volumeMounts=mounts)
    place.start(pod("p", main, volumes=[{"name": "scratch", "emptyDir": {}}]))
    place.ended("p")
    lines = place.log("p").splitlines()
    assert lines[:2] == ["0", "p"]
    assert lines[-2:] == ["refused", "written"]
    assert not Path("/scratch").exists()


def test_a_container_waits_for_what_it_needs(place: Home) -> None:
    main = container("cat", "/data/late", volumeMounts=[{"name": "data", "mountPath": "/data"}])
    place.start(pod("p", main, volumes=[{"name": "data", "configMap": {"name": "later"}}]))
    eventually(lambda: "FailedMount" in place.events("p"))
    assert place.state("p").waiting.reason == "ContainerCreating"
    with pytest.raises(ApiException) as raised:
        place.log("p")
    assert raised.value.status == 400
    assert "is waiting to start: ContainerCreating" in raised.value.body
    place.core.create_namespaced_config_map(
        place.namespace, {"metadata": {"name": "later"}, "data": {"late": "x"}}
    )
    assert place.ended("p").status.phase == "Succeeded"


def test_a_missing_secret_is_a_config_error(place: Home) -> None:
    source = {"secretKeyRef": {"name": "none", "key": "k"}}
    place.start(pod("p", container("true", env=[{"name": "A", "valueFrom": source}])))
    waiting = eventually(lambda: (s := place.state("p")) and s.waiting and s.waiting.message and s.waiting)
    assert (waiting.reason, waiting.message) == ("CreateContainerConfigError", 'secret "none" not found')


def test_logs_are_followed_cut_and_dated(place: Home) -> None:
    place.start(
        pod("p", container("sh", "-c", "for i in 1 2 3; do echo line $i; done; sleep 0.3; echo last"))
    )
    place.running("p")
    assert place.log("p", follow=True) == "line 1\nline 2\nline 3\nlast\n"
    assert place.log("p", tail_lines=1) == "last\n"
    assert place.log("p", limit_bytes=4) == "line"
    dated = place.log("p", timestamps=True).splitlines()
    assert [line.partition(" ")[2] for line in dated] == ["line 1", "line 2", "line 3", "last"]


def test_commands_run_in_a_container(place: Home) -> None:
    place.start(pod("p", container("sleep", "60")))
    place.running("p")
    call = place.core.connect_get_namespaced_pod_exec
    answer = stream(
        call,
        "p",
        place.namespace,
        command=["sh", "-c", "read word; echo got $word; exit 7"],
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    answer.write_stdin("it\n")
    answer.run_forever(timeout=30)
    assert answer.read_stdout() == "got it\n"
    assert answer.returncode == 7
    answer.sock.shutdown()  # its own close() leaves open what the server closed first


def test_a_failing_container_is_started_again(place: Home, tmp_path: Path) -> None:
    volumes = [{"name": "host", "hostPath": {"path": str(tmp_path)}}]
    mounts = [{"name": "host", "mountPath": str(tmp_path)}]
    script = f"echo try; [ -e {tmp_path}/x ] && exit 0; touch {tmp_path}/x; exit 1"
    main = container("sh", "-c", script, volumeMounts=mounts)
    place.start(pod("p", main, volumes=volumes, restartPolicy="OnFailure"))
    status = place.ended("p").status
    assert status.phase == "Succeeded"
    assert status.container_statuses[0].restart_count == 1
    assert status.container_statuses[0].last_state.terminated.exit_code == 1
    assert place.log("p", previous=True) == "try\n"
    assert "BackOff" in place.events("p")


def test_probes_decide_who_is_ready_and_who_is_killed(place: Home, tmp_path: Path) -> None:
    good, alive = tmp_path / "good", tmp_path / "alive"
    alive.touch()
    mounts = [{"name": "host", "mountPath": str(tmp_path)}]
    probes: Object = {
        "readinessProbe": {"exec": {"command": ["test", "-e", str(good)]}, "periodSeconds": 1},
        "livenessProbe": {
            "exec": {"command": ["test", "-e", str(alive)]},
            "periodSeconds": 1,
            "failureThreshold": 2,
        },
    }
    main = container(
        "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done", volumeMounts=mounts, **probes
    )
    volumes = [{"name": "host", "hostPath": {"path": str(tmp_path)}}]
    place.start(pod("p", main, volumes=volumes, restartPolicy="Always"))
    place.running("p")

    def is_ready() -> bool:
        return bool(place.pod("p").status.container_statuses[0].ready)

    assert not is_ready()
    good.touch()
    eventually(is_ready)
    alive.unlink()
    eventually(lambda: place.pod("p").status.container_statuses[0].restart_count)
    assert "Unhealthy" in place.events("p")


def test_a_pod_ends_by_its_hook_its_signal_and_its_grace(place: Home, tmp_path: Path) -> None:
    note = tmp_path / "note"
    mounts = [{"name": "host", "mountPath": str(tmp_path)}]
    hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo hook >> {note}"]}}}
    script = f"trap 'echo signal >> {note}; exit 0' TERM; touch {tmp_path}/up"
    script += "; while :; do sleep 0.05; done"
    gentle = container("sh", "-c", script, volumeMounts=mounts, lifecycle=hook)
    volumes = [{"name": "host", "hostPath": {"path": str(tmp_path)}}]
    place.start(pod("gentle", gentle, volumes=volumes))
    stubborn = container("sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    place.start(pod("stubborn", stubborn, terminationGracePeriodSeconds=1))
    eventually((tmp_path / "up").exists)
    place.running("stubborn")
    for name in ("gentle", "stubborn"):
        place.core.delete_namespaced_pod(name, place.namespace)
    assert place.pod("stubborn").metadata.deletion_timestamp
    eventually(lambda: not place.pods())
    assert note.read_text() == "hook\nsignal\n"


def test_init_containers_come_first(place: Home) -> None:
    first = {**container("sh", "-c", "exit 4"), "name": "first"}
    place.start(pod("p", container("true"), initContainers=[first]))
    status = place.ended("p").status
    assert status.phase == "Failed"
    assert status.init_container_statuses[0].state.terminated.exit_code == 4
    assert status.container_statuses[0].state.waiting.reason == "PodInitializing"


def test_pods_reach_each_other_by_name(place: Home) -> None:
    service = {"clusterIP": "None", "selector": {"app": "s"}, "publishNotReadyAddresses": True}
    place.core.create_namespaced_service(place.namespace, {"metadata": {"name": "peers"}, "spec": service})
    listener = "import socket; s = socket.create_server(('', 7000)); print('up', flush=True)"
    listener += "; s.accept()[0].sendall(b'hi')"
    server = pod("s", container("python", "-c", listener), hostname="one", subdomain="peers")
    server["metadata"]["labels"] = {"app": "s"}
    place.start(server)
    place.running("s")
    eventually(lambda: place.log("s") == "up\n")
    ask = "import socket; print(socket.create_connection(('one.peers', 7000)).recv(9).decode())"
    place.start(pod("c", container("python", "-c", ask)))
    place.ended("c")
    assert place.log("c") == "hi\n"
