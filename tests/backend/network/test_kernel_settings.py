"""What is missing is set where it may be, and said where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.network import kernel_settings
from backend.network.bridge import PodBridge
from backend.network.kernel_settings import missing_settings

BRIDGE = PodBridge("br", ("198.51.100.0/24",), ("198.51.100.1",))
BOTH = PodBridge("br", ("198.51.100.0/24", "2001:db8::/64"), ("198.51.100.1", "2001:db8::1"))


@pytest.fixture
def sysctls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All set, of a machine that has the bridge."""
    for name in ("net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    (tmp_path / "interfaces" / "br").mkdir(parents=True)
    monkeypatch.setattr(kernel_settings, "SYSCTLS", tmp_path)
    monkeypatch.setattr(kernel_settings, "INTERFACES", tmp_path / "interfaces")
    return tmp_path


def test_nothing_is_missing_where_docker_is_used_as_usual(sysctls: Path) -> None:
    assert missing_settings(BOTH) == []


def test_bridged_packets_are_made_to_pass_the_rules(sysctls: Path) -> None:
    setting = sysctls / "net/bridge/bridge-nf-call-iptables"
    setting.write_text("0\n")
    assert missing_settings(BRIDGE) == []
    assert setting.read_text() == "1\n"


def test_forwarding_is_its_owner_s_to_allow(sysctls: Path) -> None:
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        (sysctls / name).write_text("0\n")
    why = "pods do not reach what is outside of this node: sysctl {} is not 1"
    assert missing_settings(BRIDGE) == [why.format("net.ipv4.ip_forward")]
    assert missing_settings(BOTH)[1] == why.format("net.ipv6.conf.all.forwarding")
    assert (sysctls / "net/ipv4/ip_forward").read_text() == "0\n"


def test_what_cannot_be_set_is_said(sysctls: Path) -> None:
    (sysctls / "net/bridge/bridge-nf-call-iptables").unlink()
    (sysctls / "net/bridge/bridge-nf-call-iptables").mkdir()
    [problem] = missing_settings(BRIDGE)
    assert problem.endswith("sysctl net.bridge.bridge-nf-call-iptables is not 1")


def test_a_bridge_of_another_machine_is_said_to_be_one(sysctls: Path) -> None:
    [problem] = missing_settings(PodBridge("elsewhere0", BRIDGE.subnets, BRIDGE.gateways))
    assert problem == "services are not reached by pods: their bridge elsewhere0 is not on this machine"
