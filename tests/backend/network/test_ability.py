"""Why services may have no addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.config import Config
from backend.network import ability
from backend.network.ability import network_problem

CONFIG = Config(home=Path("/nowhere"))


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ability, "holds", lambda name: True)
    monkeypatch.setattr(ability.shutil, "which", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(ability.os, "geteuid", lambda: 1000)


def test_who_may_change_the_network_has_no_problem() -> None:
    assert network_problem(CONFIG) == ""


def test_a_runtime_that_only_pretends_has_no_network() -> None:
    assert network_problem(replace(CONFIG, runtime="fake")) == "pods of the fake runtime have no network"


def test_without_root_it_is_said_why_there_is_no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ability, "holds", lambda name: name != "NET_ADMIN")
    assert network_problem(CONFIG) == "minikctl was run without root"
    assert (
        network_problem(replace(CONFIG, uncontained="no engine")) == "minikctl was run without root, and no engine"
    )
    monkeypatch.setattr(ability.os, "geteuid", lambda: 0)
    assert network_problem(CONFIG) == "this process lacks CAP_NET_ADMIN"


def test_a_machine_without_nft_is_told_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ability.shutil, "which", lambda name: None)
    assert network_problem(CONFIG) == "nft is not installed (package nftables)"
