"""What a pod's resolv.conf says, by its policy, its own settings and this machine's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.kubelet.pod_dns import ClusterDns, pod_dns
from backend.machinery.resolv_conf import HostResolver
from backend.meta.types import Obj

SEARCHES = ["ns.svc.cluster.local", "svc.cluster.local", "cluster.local"]


@pytest.fixture
def cluster(tmp_path: Path) -> ClusterDns:
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\nsearch lan office.example\noptions timeout:1\n")
    return ClusterDns(("10.96.0.10",), host=HostResolver(tmp_path / "resolv.conf", tmp_path / "none"))


def pod(**spec: Any) -> Obj:
    return {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec}


@pytest.mark.parametrize(
    "spec", [{}, {"dnsPolicy": "ClusterFirst"}, {"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}]
)
def test_a_pod_of_the_cluster(cluster: ClusterDns, spec: Obj) -> None:
    found = pod_dns(pod(**spec), cluster)
    assert (found.servers, found.searches) == (["10.96.0.10"], [*SEARCHES, "lan", "office.example"])
    assert (found.options, found.warnings) == (["ndots:5"], [])


@pytest.mark.parametrize("spec", [{"dnsPolicy": "Default"}, {"dnsPolicy": "ClusterFirst", "hostNetwork": True}])
def test_a_pod_that_resolves_as_this_machine_does(cluster: ClusterDns, spec: Obj) -> None:
    found = pod_dns(pod(**spec), cluster)
    assert (found.servers, found.searches, found.options, found.warnings) == ([], [], [], [])
    own = {
        "nameservers": ["192.0.2.9"],
        "searches": ["lan", "more"],
        "options": [{"name": "timeout", "value": "7"}],
    }
    found = pod_dns(pod(**spec, dnsConfig=own), cluster)
    assert found.servers == ["192.0.2.1", "192.0.2.9"]
    assert found.searches == ["lan", "office.example", "more"]
    assert found.options == ["timeout:7"]


def test_a_pod_with_settings_beside_the_cluster_s(cluster: ClusterDns) -> None:
    own = {
        "nameservers": ["192.0.2.9"], "searches": ["more"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
    }  # fmt: skip
    found = pod_dns(pod(dnsConfig=own), cluster)
    assert found.servers == ["10.96.0.10", "192.0.2.9"]
    assert found.searches == [*SEARCHES, "lan", "office.example", "more"]
    assert found.options == ["ndots:2", "edns0"]


def test_a_pod_with_nothing_but_its_own_settings(cluster: ClusterDns) -> None:
    found = pod_dns(pod(dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.9"]}), cluster)
    assert (found.servers, found.searches, found.options) == (["192.0.2.9"], ["."], [])


def test_without_cluster_dns_a_pod_gets_the_host_s_and_an_event(cluster: ClusterDns) -> None:
    found = pod_dns(pod(), ClusterDns(host=cluster.host))
    assert found.servers == []
    assert found.warnings == [
        (
            "MissingClusterDNS",
            'pod: "p_ns(u)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst"'
            ' policy. Falling back to "Default" policy.',
        )
    ]
    assert pod_dns(pod(dnsPolicy="Default"), ClusterDns(host=cluster.host)).warnings == []


def test_what_is_more_than_resolvers_take_is_left_out_and_said(cluster: ClusterDns) -> None:
    own = {"nameservers": [f"192.0.2.{n}" for n in range(5)], "searches": [f"s{n}" for n in range(40)]}
    found = pod_dns(pod(dnsConfig=own), cluster)
    assert found.servers == ["10.96.0.10", "192.0.2.0", "192.0.2.1"]
    assert len(found.searches) == 32
    assert found.warnings == [
        (
            "DNSConfigForming",
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
            + " ".join(found.servers),
        ),
        (
            "DNSConfigForming",
            "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
            + " ".join(found.searches),
        ),
    ]
    long = pod_dns(
        pod(dnsPolicy="None", dnsConfig={"searches": [f"{n:02}{'x' * 198}" for n in range(12)]}), cluster
    )
    assert len(" ".join(long.searches)) <= 2048
    assert len(long.searches) == 10
