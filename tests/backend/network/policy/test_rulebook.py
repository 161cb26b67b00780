"""Whose an address is while pods come and go, and what a change of them touches."""

from __future__ import annotations

from backend.network.policy.resolver import as_pod
from backend.network.policy.rulebook import Rulebook
from backend.network.policy.rules import read_policy
from tests.backend.network.policy.nft_interpreter import Packet, passes
from tests.support.policy_objects import labelled, pod, policy

NONE = policy("none", podSelector=labelled(app="closed"))
OLD, NEW = ("default", "old"), ("default", "new")


def book(*policies: dict[str, object], pods: tuple[dict[str, object], ...] = ()) -> Rulebook:
    return Rulebook([read_policy(found) for found in policies], {"default": {}}, pods)


def isolated(made: Rulebook, family: int = 4) -> set[str]:
    found = made.content().maps.get(f"policy-ingress-{family}")
    return set(found.elements) if found is not None else set()


def test_an_address_is_the_last_ones_who_got_it() -> None:
    made = book(NONE)
    old = pod("old", "10.0.0.1", app="closed")
    made.change(OLD, old)
    made.change(NEW, pod("new", "10.0.0.1", app="open"))
    assert isolated(made) == set()
    made.change(OLD, {**old, "status": {**old["status"], "phase": "Failed"}})
    made.change(NEW, pod("new", "10.0.0.1", app="closed"))
    assert isolated(made) == {"10.0.0.1"}


def test_an_old_owner_does_not_take_an_address_back() -> None:
    made = book(NONE)
    made.change(OLD, pod("old", "10.0.0.1", app="open"))
    made.change(NEW, pod("new", "10.0.0.1", app="closed"))
    made.change(OLD, pod("old", "10.0.0.1", app="open", more="1"))
    assert isolated(made) == {"10.0.0.1"}
    made.change(OLD, None)
    assert isolated(made) == {"10.0.0.1"}
    made.change(NEW, None)
    assert isolated(made) == set()


def test_pods_that_end_and_older_ones_give_way_at_the_start() -> None:
    old, new = pod("old", "10.0.0.1", app="closed"), pod("new", "10.0.0.1", app="open")
    old["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    old["metadata"]["creationTimestamp"] = new["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    assert isolated(book(NONE, pods=(new, old))) == set()


def test_rules_of_ipv6_come_with_its_first_pod() -> None:
    made = book(NONE)
    made.change(OLD, pod("old", "10.0.0.1", app="closed"))
    assert not [name for name in made.content().sets if name.endswith("-6")]
    made.change(NEW, pod("new", "10.0.0.2", "fd00::2", app="closed"))
    assert isolated(made, 6) == {"fd00::2"}
    assert any("icmpv6" in rule for rule in made.content().chains["policy-ingress"].rules)


def test_content_does_not_change_afterwards() -> None:
    made = book(NONE)
    before = made.content()
    made.change(OLD, pod("old", "10.0.0.1", app="closed"))
    after = made.content()
    assert not before.maps["policy-ingress-4"].elements
    made.change(OLD, None)
    made.content()
    assert set(after.maps["policy-ingress-4"].elements) == {"10.0.0.1"}


def test_names_stay_within_the_kernels_limit() -> None:
    long = policy("n" * 253, namespace="s" * 63, podSelector={})
    content = book(long, pods=(pod("a", "10.0.0.1", namespace="s" * 63),)).content()
    assert all(len(name) < 255 for name in (*content.chains, *content.sets, *content.maps))


def test_a_resolver_with_pods_of_its_own_stands_for_itself() -> None:
    service = {"spec": {"clusterIPs": ["10.96.0.10"], "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}
    stand_in = as_pod(service)
    assert stand_in is not None
    assert stand_in["status"]["podIPs"] == [{"ip": "10.96.0.10"}]
    assert as_pod({"spec": {**service["spec"], "selector": {"k8s-app": "kube-dns"}}}) is None
    assert as_pod(None) is None


def test_cluster_dns_is_a_pod_to_those_who_ask_it_and_to_its_own_policies() -> None:
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "metrics", "port": 9153, "protocol": "TCP"}]
    resolver = as_pod({"spec": {"clusterIPs": ["10.96.0.10"], "ports": ports}})
    pods = (pod("a", "10.0.0.1", app="closed"), pod("b", "10.0.0.2", app="named"))
    dns = {"namespaceSelector": labelled(name="system"), "podSelector": labelled(**{"k8s-app": "kube-dns"})}
    out = policy("out", podSelector=labelled(app="closed"), policyTypes=["Egress"])
    names = policy(
        "names", podSelector=labelled(app="named"), policyTypes=["Egress"],
        egress=[{"to": [dns], "ports": [{"port": "dns", "protocol": "UDP"}]}],
    )  # fmt: skip
    namespaces = {"default": {}, "kube-system": {"name": "system"}}

    def answered(*policies: dict[str, object]) -> list[str]:
        read = [read_policy(found) for found in policies]
        content = Rulebook(read, namespaces, pods, resolver).content()
        asked = [
            Packet(f"10.0.0.{who}", "10.96.0.10", *port)
            for who in (1, 2, 3)
            for port in (("udp", 53), ("tcp", 9153))
        ]
        return [f"{packet.source[-1]}:{packet.port}" for packet in asked if passes(content, packet)]

    assert answered(out, names) == ["2:53", "3:53", "3:9153"]
    inside = policy(
        "inside", "kube-system", podSelector={}, ingress=[{"ports": [{"port": 53, "protocol": "UDP"}]}]
    )
    assert answered(out, names, inside) == ["2:53", "3:53"]
