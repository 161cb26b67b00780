"""Rules against a naive reading of the NetworkPolicy API, for made up clusters and packets."""

from __future__ import annotations

import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.network.policy.rulebook import Rulebook
from backend.network.policy.rules import read_policy
from backend.resources.networking.network_policy_rules import default_network_policy
from tests.backend.network.policy.nft_interpreter import Packet, passes

NAMESPACES = ("a", "b")
ADDRESSES = ("10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.1.4")
OUTSIDE = ("10.1.1.9", "192.0.2.1", "fd00::99")
NUMBERS = (80, 81, 90, 8080)

labels = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["x", "y"]), max_size=2)
expressions = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(["app", "tier"]),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(["app", "tier"]),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
selectors = st.one_of(
    st.just({}),
    st.builds(lambda found: {"matchLabels": found}, labels),
    st.builds(lambda found: {"matchExpressions": found}, st.lists(expressions, max_size=2)),
)
blocks = st.sampled_from(
    [
        {"cidr": "0.0.0.0/0"},
        {"cidr": "10.1.0.0/16", "except": ["10.1.0.0/24", "10.1.0.2/32"]},
        {"cidr": "10.1.0.0/23", "except": ["10.1.1.0/24"]},
        {"cidr": "::/0"},
        {"cidr": "fd00::/16", "except": ["fd00::90/124"]},
    ]
)
peers = st.one_of(
    st.builds(lambda pods: {"podSelector": pods}, selectors),
    st.builds(lambda spaces: {"namespaceSelector": spaces}, selectors),
    st.builds(lambda pods, spaces: {"podSelector": pods, "namespaceSelector": spaces}, selectors, selectors),
    st.builds(lambda block: {"ipBlock": block}, blocks),
)
ports = st.one_of(
    st.builds(lambda protocol: {"protocol": protocol}, st.sampled_from(["TCP", "UDP", "SCTP"])),
    st.builds(lambda port: {"port": port}, st.sampled_from(["web", "dns", 80, 90])),
    st.builds(lambda port: {"port": port, "protocol": "UDP"}, st.sampled_from(["web", "dns", 80, 8080])),
    st.builds(
        lambda port, more: {"port": port, "endPort": port + more}, st.sampled_from([79, 81]), st.integers(0, 9)
    ),
)


def rules(field: str) -> st.SearchStrategy[Obj]:
    return st.builds(
        lambda peers, ports: ({field: peers} if peers else {}) | ({"ports": ports} if ports else {}),
        st.lists(peers, max_size=2),
        st.lists(ports, max_size=3),
    )


@st.composite
def policies(draw: st.DrawFn) -> list[Obj]:
    made: list[Obj] = []
    for index in range(draw(st.integers(0, 4))):
        spec: Obj = {"podSelector": draw(selectors)}
        if draw(st.booleans()):
            spec["ingress"] = draw(st.lists(rules("from"), max_size=2))
        if draw(st.booleans()):
            spec["egress"] = draw(st.lists(rules("to"), max_size=2))
        if draw(st.booleans()):
            spec["policyTypes"] = draw(st.lists(st.sampled_from(["Ingress", "Egress"]), max_size=2, unique=True))
        policy = {"metadata": {"name": f"p{index}", "namespace": draw(st.sampled_from(NAMESPACES))}, "spec": spec}
        default_network_policy(policy)
        made.append(policy)
    return made


@st.composite
def pods(draw: st.DrawFn) -> list[Obj]:
    made: list[Obj] = []
    for index, address in enumerate(ADDRESSES):
        if not draw(st.booleans()):
            continue
        addresses = [{"ip": address}, {"ip": f"fd00::{index + 1}"}][: draw(st.integers(1, 2))]
        declared = [
            {"name": name, "containerPort": draw(st.sampled_from(NUMBERS)), "protocol": protocol}
            for name, protocol in draw(
                st.lists(
                    st.sampled_from([("web", "TCP"), ("dns", "UDP"), ("dns", "TCP")]), max_size=2, unique=True
                )
            )
        ]
        made.append(
            {
                "metadata": {
                    "name": f"pod{index}", "namespace": draw(st.sampled_from(NAMESPACES)), "uid": str(index),
                    "labels": draw(labels),
                },
                "spec": {
                    "containers": [{"name": "c", "ports": declared}], "hostNetwork": draw(st.integers(0, 5)) == 0,
                },
                "status": {
                    "podIPs": addresses, "phase": draw(st.sampled_from(["Pending", "Running", "Running", "Succeeded"])),
                },
            }
        )  # fmt: skip
    return made


def is_allowed(packet: Packet, policies: list[Obj], pods: list[Obj], namespaces: dict[str, Obj]) -> bool:
    """By the words of the API, one after the other."""
    by_address = {
        entry["ip"]: pod
        for pod in pods
        if not pod["spec"]["hostNetwork"] and pod["status"]["phase"] not in ("Succeeded", "Failed")
        for entry in pod["status"]["podIPs"]
    }
    source, target = by_address.get(packet.source), by_address.get(packet.target)
    if source is not None and packet.source == packet.target:
        return True

    def matches_peer(peer: Obj, policy: Obj, pod: Obj | None, address: str) -> bool:
        if "ipBlock" in peer:
            inside = [
                ipaddress.ip_address(address) in ipaddress.ip_network(text)
                for text in (peer["ipBlock"]["cidr"], *peer["ipBlock"].get("except", ()))
            ]
            return inside[0] and not any(inside[1:])
        if pod is None:
            return False
        space = pod["metadata"]["namespace"]
        if "namespaceSelector" in peer:
            if not as_selector(peer["namespaceSelector"]).matches(namespaces[space]):
                return False
        elif space != policy["metadata"]["namespace"]:
            return False
        return as_selector(peer.get("podSelector", {})).matches(pod["metadata"]["labels"])

    def matches_port(port: Obj) -> bool:
        if port["protocol"].lower() != packet.protocol:
            return False
        wanted = port.get("port")
        if isinstance(wanted, str):
            declared = target["spec"]["containers"][0]["ports"] if target is not None else []
            numbers = [
                p["containerPort"] for p in declared if (p["name"], p["protocol"]) == (wanted, port["protocol"])
            ]
            return packet.port in numbers[:1]
        return wanted is None or wanted <= packet.port <= port.get("endPort", wanted)

    for kind, field, own, other, address in (
        ("Ingress", "from", target, source, packet.source),
        ("Egress", "to", source, target, packet.target),
    ):
        mine = [
            policy
            for policy in policies
            if own is not None
            and kind in policy["spec"]["policyTypes"]
            and policy["metadata"]["namespace"] == own["metadata"]["namespace"]
            and as_selector(policy["spec"]["podSelector"]).matches(own["metadata"]["labels"])
        ]
        if mine and not any(
            (not rule.get(field) or any(matches_peer(peer, policy, other, address) for peer in rule[field]))
            and (not rule.get("ports") or any(matches_port(port) for port in rule["ports"]))
            for policy in mine
            for rule in policy["spec"].get(kind.lower()) or ()
        ):
            return False
    return True


def packets() -> list[Packet]:
    four = [address for address in (*ADDRESSES, *OUTSIDE) if "." in address]
    six = [*(f"fd00::{index + 1}" for index in range(len(ADDRESSES))), "fd00::99"]
    return [
        Packet(source, target, protocol, port)
        for family in (four, six)
        for source in family
        for target in family
        for protocol, port in (("tcp", 80), ("tcp", 81), ("udp", 8080), ("tcp", 90), ("udp", 80), ("sctp", 1))
    ]


PACKETS = packets()


def content_of(policies: list[Obj], pods: list[Obj], namespaces: dict[str, Obj]) -> Rulebook:
    return Rulebook([read_policy(policy) for policy in policies], namespaces, pods)


@settings(max_examples=40, deadline=None)
@given(policies(), pods(), st.fixed_dictionaries(dict.fromkeys(NAMESPACES, labels)), st.data())
def test_the_rules_say_what_the_api_says(policies, pods, namespaces, data):
    before = data.draw(st.lists(st.sampled_from(pods), unique_by=id) if pods else st.just([]))
    book = content_of(policies, before, namespaces)
    first = book.content()
    for pod in pods:
        book.change((pod["metadata"]["namespace"], pod["metadata"]["name"]), pod)
    content = book.content()
    for packet in PACKETS:
        assert passes(content, packet) == is_allowed(packet, policies, pods, namespaces), packet
    for pod in pods:
        if not any(pod is one for one in before):
            book.change((pod["metadata"]["namespace"], pod["metadata"]["name"]), None)
    after = book.content()
    assert {name: entry.elements for name, entry in first.sets.items()} == {
        name: entry.elements for name, entry in after.sets.items() if name in first.sets
    }
    assert {name: entry.elements for name, entry in first.maps.items()} == {
        name: entry.elements for name, entry in after.maps.items() if name in first.maps
    }
