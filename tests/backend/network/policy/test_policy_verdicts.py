"""Rules against a naive reading of the NetworkPolicy API, for made up clusters and packets."""

from __future__ import annotations

import ipaddress
import random

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

BLOCKS = (
    {"cidr": "0.0.0.0/0"},
    {"cidr": "10.1.0.0/16", "except": ["10.1.0.0/24", "10.1.0.2/32"]},
    {"cidr": "10.1.0.0/23", "except": ["10.1.1.0/24"]},
    {"cidr": "::/0"},
    {"cidr": "fd00::/16", "except": ["fd00::90/124", "fd00::2/128"]},
)


class Maker:
    """Clusters by chance: strategies that begin with the simplest would make most of them say nothing."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def labels(self) -> dict[str, str]:
        return {key: self.chance.choice("xy") for key in ("app", "tier") if self.chance.random() < 0.6}

    def selector(self) -> Obj:
        kind, chance = self.chance.randrange(4), self.chance
        if kind == 0:
            return {}
        if kind == 1:
            return {"matchLabels": self.labels()}
        key = chance.choice(["app", "tier"])
        if kind == 2:
            operator = chance.choice(["In", "NotIn"])
            return {"matchExpressions": [{"key": key, "operator": operator, "values": chance.sample("xy", 1)}]}
        return {"matchExpressions": [{"key": key, "operator": chance.choice(["Exists", "DoesNotExist"])}]}

    def peer(self) -> Obj:
        kind = self.chance.randrange(4)
        if kind == 0:
            return {"ipBlock": self.chance.choice(BLOCKS)}
        fields = (("podSelector",), ("namespaceSelector",), ("podSelector", "namespaceSelector"))[kind - 1]
        return {field: self.selector() for field in fields}

    def port(self) -> Obj:
        kind, chance = self.chance.randrange(3), self.chance
        protocol = {"protocol": chance.choice(["TCP", "UDP", "SCTP"])}
        if kind == 0:
            return protocol
        if kind == 1:
            return {"port": chance.choice(["web", "dns", 80, 8080]), **chance.choice([{}, protocol])}
        first = chance.choice([79, 81])
        return {"port": first, "endPort": first + chance.randrange(10)}

    def rules(self, field: str) -> list[Obj]:
        made: list[Obj] = []
        for _ in range(self.chance.choice([0, 1, 1, 2])):
            rule: Obj = {}
            if self.chance.random() < 0.8:
                rule[field] = [self.peer() for _ in range(self.chance.randint(1, 2))]
            if self.chance.random() < 0.5:
                rule["ports"] = [self.port() for _ in range(self.chance.randint(1, 3))]
            made.append(rule)
        return made

    def policies(self) -> list[Obj]:
        made: list[Obj] = []
        for index in range(self.chance.randint(0, 3)):
            spec: Obj = {"podSelector": self.selector()}
            for direction, field in (("ingress", "from"), ("egress", "to")):
                if self.chance.random() < 0.7:
                    spec[direction] = self.rules(field)
            if self.chance.random() < 0.4:
                spec["policyTypes"] = self.chance.sample(["Ingress", "Egress"], self.chance.randint(1, 2))
            namespace = self.chance.choice(NAMESPACES)
            policy = {"metadata": {"name": f"p{index}", "namespace": namespace}, "spec": spec}
            default_network_policy(policy)
            made.append(policy)
        return made

    def pod(self, index: int, address: str) -> Obj:
        chance = self.chance
        names = chance.sample([("web", "TCP"), ("dns", "UDP"), ("dns", "TCP")], chance.randint(0, 3))
        ports = [
            {"name": n, "containerPort": chance.choice(NUMBERS), "protocol": protocol} for n, protocol in names
        ]
        namespace = chance.choice(NAMESPACES)
        both = [{"ip": address}, {"ip": f"fd00::{index + 1}"}]
        return {
            "metadata": {"name": f"pod{index}", "namespace": namespace, "uid": str(index), "labels": self.labels()},
            "spec": {"containers": [{"name": "c", "ports": ports}], "hostNetwork": chance.random() < 0.1},
            "status": {
                "podIPs": both[: chance.randint(1, 2)],
                "phase": chance.choice(["Pending", "Running", "Running", "Running", "Succeeded"]),
            },
        }  # fmt: skip


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
@given(st.integers(0, 2**32))
def test_the_rules_say_what_the_api_says(seed):
    maker = Maker(seed)
    policies, namespaces = maker.policies(), {name: maker.labels() for name in NAMESPACES}
    pods = [maker.pod(index, address) for index, address in enumerate(ADDRESSES) if maker.chance.random() < 0.9]
    before = [pod for pod in pods if maker.chance.random() < 0.5]
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
