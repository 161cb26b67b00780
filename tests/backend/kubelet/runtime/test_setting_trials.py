"""What is tried out, how often, and what a pod is told; on an engine that is only pretended."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest

from backend.kubelet.runtime.api import ContainerConfig
from backend.kubelet.runtime.pause_image import PAUSE_IMAGE, ensure_pause_image
from backend.kubelet.runtime.trials import ABANDONED_SECONDS, COMMON, Trials, abandoned, merged, settings_of

docker_errors = pytest.importorskip("docker.errors")


class Response:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Engine:
    """Starts containers that have none of the `refused` HostConfig keys; creates those without `invalid`."""

    def __init__(self, refused: Sequence[str] = (), invalid: Sequence[str] = ()) -> None:
        self.refused, self.invalid = refused, invalid
        self.trials: list[dict[str, Any]] = []
        self.made: dict[str, dict[str, Any]] = {}
        self.others: list[dict[str, Any]] = []

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        return [each for each in self.others if all and re.search(filters["name"], each["Names"][0].lstrip("/"))]

    def create_container_from_config(self, document: dict[str, Any], name: str) -> dict[str, Any]:
        if any(key in document["HostConfig"] for key in self.invalid):
            raise docker_errors.APIError("bad", Response(400), "bad")
        self.trials.append(document["HostConfig"])
        self.made[name] = document["HostConfig"]
        return {"Id": name, "Warnings": []}

    def start(self, name: str) -> None:
        if any(key in self.made[name] for key in self.refused):
            raise docker_errors.APIError("refused", Response(400), "OCI runtime create failed")

    def remove_container(self, name: str, force: bool = False) -> None:
        self.others = [each for each in self.others if each["Id"] != name]
        self.made.pop(name, None)


def config(**settings: Any) -> ContainerConfig:
    return ContainerConfig("c", "image", 0, {}, **settings)


DEMANDING = config(privileged=True, oom_score_adj=-997, cpu_shares=512, cap_add=["NET_ADMIN", "SYS_TIME"])


def test_what_is_accepted_is_tried_once_for_all() -> None:
    engine, trials = Engine(), Trials("x")
    for _ in range(3):
        host, sentences = trials.sort(engine, settings_of(DEMANDING))
        assert host == {
            "Privileged": True, "OomScoreAdj": -997, "CpuShares": 512, "CapAdd": ["NET_ADMIN", "SYS_TIME"],
        }  # fmt: skip
        assert sentences == []
    assert len(engine.trials) == 1
    assert engine.made == {}


def test_what_is_refused_is_found_alone_and_left_out() -> None:
    engine, trials = Engine(refused=["OomScoreAdj", "Privileged"]), Trials("x")
    host, sentences = trials.sort(engine, settings_of(DEMANDING))
    assert host == {"CpuShares": 512, "CapAdd": ["NET_ADMIN", "SYS_TIME"]}
    assert sentences == [
        "The engine refused privileged; it was left out",
        "The engine refused oom_score_adj -997; it was left out",
    ]
    tried = len(engine.trials)
    assert trials.sort(engine, settings_of(config(oom_score_adj=-5)))[1] == [
        "The engine refused oom_score_adj -5; it was left out"
    ]
    assert len(engine.trials) == tried


def test_an_invalid_setting_is_not_the_machines_refusal() -> None:
    """The engine's own text about it must reach the user, from the pod's container."""
    engine, trials = Engine(invalid=["CapAdd"]), Trials("x")
    assert trials.sort(engine, settings_of(config(cap_add=["NONSENSE"]))) == ({"CapAdd": ["NONSENSE"]}, [])


def test_another_engine_is_tried_again() -> None:
    engine, trials = Engine(refused=["OomScoreAdj"]), Trials("x")
    assert trials.sort(engine, settings_of(config(oom_score_adj=-1)))[1]
    trials.forget()
    assert trials.sort(Engine(), settings_of(config(oom_score_adj=-1)))[1] == []


def test_common_settings_are_learnt_beforehand() -> None:
    engine, trials = Engine(), Trials("x")
    trials.learn(engine)
    assert engine.trials[0].items() >= merged(COMMON).items()
    wanted = config(cpu_shares=2, cpu_quota=5000, memory_bytes=1 << 20)
    assert {setting.key for setting in settings_of(wanted)} == {setting.key for setting in COMMON}
    trials.sort(engine, settings_of(wanted))
    trials.learn(engine)
    assert len(engine.trials) == 1
    assert trials.sort(engine, settings_of(config())) == ({}, [])


def test_what_killed_backends_left_of_their_trials_is_removed_and_trials_under_way_are_not() -> None:
    engine = Engine()
    now = time.time()
    engine.others = [
        {"Id": "old", "Names": ["/minikctl-trial-gone-12345678"], "Created": now - ABANDONED_SECONDS - 1},
        {"Id": "new", "Names": ["/minikctl-trial-other-12345678"], "Created": now - 1},
        {"Id": "pod", "Names": ["/k8s_POD_minikctl-trial-x_default_uid_0"], "Created": now - 1000},
    ]
    Trials("x").learn(engine)
    assert [each["Id"] for each in engine.others] == ["new", "pod"]


@pytest.mark.docker
def test_an_engine_tells_which_trials_were_abandoned() -> None:
    """Only looked at: others may be under way on this engine."""
    docker = pytest.importorskip("docker")
    client = docker.APIClient(version="auto")
    ensure_pause_image(client)
    name = f"minikctl-trial-test{os.getpid()}"
    left = client.create_container_from_config({"Image": PAUSE_IMAGE}, name)["Id"]
    try:
        assert left in abandoned(client, time.time() + ABANDONED_SECONDS + 2)
        assert left not in abandoned(client, time.time())
    finally:
        client.remove_container(left)
        client.close()
