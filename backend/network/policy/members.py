"""What a pod is to the policies: whom it must obey, whose peer it is, and which of its ports they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.network.policy.rules import DIRECTIONS, Direction, PodPeer, Policy
from backend.resources.core.pod_ports import port_number
from backend.resources.core.pod_table import TERMINAL_PHASES

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Of all pods of one namespace whose labels are the same to the policies. A direction that is not in `obeys` is
    open."""

    obeys: Mapping[Direction, tuple[Policy, ...]]
    peer_of: tuple[PodPeer, ...]


class Standings:
    """Of one set of policies and of namespaces' labels. Answers are remembered by the labels that anybody asks for."""

    def __init__(self, policies: Iterable[Policy], namespaces: Mapping[str, Labels]) -> None:
        self._namespaces = namespaces
        self._policies: dict[str, list[Policy]] = {}
        for policy in policies:
            self._policies.setdefault(policy.namespace, []).append(policy)
        every = [policy for found in self._policies.values() for policy in found]
        self.peers = [*dict.fromkeys(peer for policy in every for peer in _pod_peers(policy))]
        self._asked_for = {term.key for policy in every for term in policy.pods.requirements}
        self._asked_for |= {term.key for peer in self.peers for term in peer.pods.requirements}
        self._near: dict[str, list[PodPeer]] = {}
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], Standing] = {}

    def of(self, namespace: str, labels: Labels) -> Standing:
        told = frozenset((key, value) for key, value in labels.items() if key in self._asked_for)
        found = self._known.get((namespace, told))
        if found is None:
            found = self._known[namespace, told] = self._standing(namespace, dict(told))
        return found

    def is_isolated(self, namespace: str, labels: Labels) -> bool:
        return bool(self.of(namespace, labels).obeys)

    def _standing(self, namespace: str, labels: Labels) -> Standing:
        chosen = [policy for policy in self._policies.get(namespace, ()) if policy.pods.matches(labels)]
        obeys: dict[Direction, tuple[Policy, ...]] = {}
        for direction in DIRECTIONS:
            if those := tuple(policy for policy in chosen if direction in policy.rules):
                obeys[direction] = those
        return Standing(obeys, tuple(peer for peer in self._peers_in(namespace) if peer.pods.matches(labels)))

    def _peers_in(self, namespace: str) -> list[PodPeer]:
        """The peers whose pods may be in the namespace. One that is not known yet has no pods for anybody."""
        near = self._near.get(namespace)
        if near is None:
            labels = self._namespaces.get(namespace)
            near = self._near[namespace] = [
                peer
                for peer in self.peers
                if (peer.namespace == namespace if peer.namespace else _selects(peer, labels))
            ]
        return near


def _selects(peer: PodPeer, labels: Labels | None) -> bool:
    return labels is not None and peer.namespaces.matches(labels)


def _pod_peers(policy: Policy) -> Iterable[PodPeer]:
    for rules in policy.rules.values():
        for rule in rules:
            for peer in rule.peers or ():
                if isinstance(peer, PodPeer):
                    yield peer


def named_ports(policies: Iterable[Policy]) -> set[tuple[str, str]]:
    """(protocol, name) of the ports that rules call by name."""
    return {
        (ports.protocol, ports.name)
        for policy in policies
        for rules in policy.rules.values()
        for rule in rules
        for ports in rule.ports or ()
        if ports.name
    }


def numbers_of(pod: Obj, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Of these names, the ones that the pod has, with their numbers."""
    found = {(protocol, name): port_number(pod, name, protocol.upper()) for protocol, name in named}
    return {name: number for name, number in found.items() if number}


def addresses_of(pod: Obj) -> list[str]:
    """Where packets of the pod come from. A pod on the host's network has none of its own, one that is over none any
    more; one that is ending still runs, and obeys."""
    status = pod.get("status") or {}
    if pod["spec"].get("hostNetwork") or status.get("phase") in TERMINAL_PHASES:
        return []
    return [str(entry["ip"]) for entry in status.get("podIPs") or ()]
