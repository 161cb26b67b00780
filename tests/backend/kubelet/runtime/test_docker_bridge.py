"""What the engine says of its bridge and of addresses there, with one IP family and with two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.kubelet.runtime import bridge
from backend.kubelet.runtime.bridge import pod_bridge
from backend.kubelet.runtime.states import sandbox_state
from backend.network.bridge import PodBridge

FOUR = {"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}
SIX = {"Subnet": "2001:db8:1::/64"}


@pytest.fixture(autouse=True)
def addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's of IPv6: none at first."""
    path = tmp_path / "if_inet6"
    path.write_text("")
    monkeypatch.setattr(bridge, "ADDRESSES_V6", path)
    return path


def network(*ranges: dict[str, str], **options: str) -> dict[str, Any]:
    named = {f"com.docker.network.bridge.{name}": value for name, value in options.items()}
    return {"IPAM": {"Config": [*ranges]}, "Options": named}


def test_one_family() -> None:
    assert pod_bridge(network(FOUR, name="docker0")) == PodBridge("docker0", ("172.17.0.0/16",), ("172.17.0.1",))
    renamed = pod_bridge(network(FOUR, name="br7"))
    assert renamed.name == "br7"


def test_two_families_have_ipv4_first() -> None:
    found = pod_bridge(network({**SIX, "Gateway": "2001:db8:1::9"}, FOUR))
    assert found.subnets == ("172.17.0.0/16", "2001:db8:1::/64")
    assert found.gateways == ("172.17.0.1", "2001:db8:1::9")


def test_a_gateway_that_is_not_told_is_the_interface_s_address_there_or_the_first(addresses: Path) -> None:
    assert pod_bridge(network({"Subnet": "172.17.0.0/16"}, SIX)).gateways == ("172.17.0.1", "2001:db8:1::1")
    addresses.write_text(
        "fe800000000000000000000000000001 05 40 20 80  docker0\n"
        "20010db8000100000000000000000007 06 40 00 80    other0\n"
        "20010db8000100000000000000000042 05 40 00 80  docker0\n"
    )
    assert pod_bridge(network(FOUR, SIX)).gateways[1] == "2001:db8:1::42"


def test_a_sandbox_has_what_the_bridge_gave_it() -> None:
    def sandbox(**addresses: str) -> list[str]:
        document = {
            "Id": "x", "Name": "/k8s_POD_p_default_u_0", "Created": "2026-01-01T00:00:00Z", "Config": {"Labels": {}},
            "State": {"Running": True}, "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "", **addresses}}},
        }  # fmt: skip
        return sandbox_state(document).ips

    assert sandbox(IPAddress="172.17.0.5") == ["172.17.0.5"]
    assert sandbox(IPAddress="172.17.0.5", GlobalIPv6Address="2001:db8:1::5") == ["172.17.0.5", "2001:db8:1::5"]
    assert sandbox(GlobalIPv6Address="2001:db8:1::5") == ["2001:db8:1::5"]
    assert sandbox(GlobalIPv6Address="") == []
