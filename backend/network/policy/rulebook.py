"""All policies and pods as the content of the cluster's table, kept up to date pod by pod."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.network.nftables import Chain, Content, Map, Set
from backend.network.policy import statements
from backend.network.policy.members import Labels, Standing, Standings, addresses_of, named_ports, numbers_of
from backend.network.policy.rules import DIRECTIONS, Direction, Policy
from backend.network.policy.statements import ADDRESS_TYPE, family_of

PodKey = tuple[str, str]
"""(namespace, name)."""
Shared = tuple[Direction, tuple[Policy, ...]]


@dataclass(frozen=True, slots=True)
class _Member:
    """A pod as the rules know it. `told` are all addresses that it says it has; it may hold fewer."""

    told: tuple[str, ...]
    standing: Standing
    numbers: Mapping[tuple[str, str], int]


class Rulebook:
    """Of one set of policies and of namespaces' labels; for one thread at a time.

    An address belongs to the pod that got it last: the engine gives it away as soon as a pod is over, and the old
    owner's status may tell so later.
    """

    def __init__(
        self, policies: Iterable[Policy], namespaces: Mapping[str, Labels], pods: Iterable[Obj] = (),
        resolver: Obj | None = None,
    ) -> None:  # fmt: skip
        """`resolver` is like a pod whose addresses are the cluster DNS service's."""
        self._policies = [*policies]
        self._standings = Standings(self._policies, namespaces)
        self._named = named_ports(self._policies)
        self._resolvers = addresses_of(resolver) if resolver is not None else []
        self._families: tuple[int, ...] = ()
        self._members: dict[PodKey, _Member] = {}
        self._holders: dict[str, PodKey] = {}
        self._chains: dict[str, Chain] = {}
        self._shared: Counter[Shared] = Counter()
        self._shared_chains: dict[Shared, tuple[str, Chain]] = {}
        self._sets: dict[str, Set] = {}
        self._maps: dict[str, Map] = {}
        self._elements: dict[str, dict[str, str]] = {}
        self._touched: set[str] = set()
        self._add_family(4)
        for pod in [*([resolver] if resolver is not None else []), *sorted(pods, key=_age)]:
            self.change((pod["metadata"]["namespace"], pod["metadata"]["name"]), pod)

    def change(self, key: PodKey, pod: Obj | None) -> None:
        """The pod as it is now; None once it is gone."""
        before = self._members.pop(key, None)
        told = before.told if before is not None else ()
        if before is not None:
            for address in told:
                if self._holders.get(address) == key:
                    self._let_go(address, before)
        addresses = () if pod is None else tuple(addresses_of(pod))
        if pod is None or not addresses:
            return
        meta = pod["metadata"]
        standing = self._standings.of(meta["namespace"], meta.get("labels") or {})
        member = _Member(addresses, standing, numbers_of(pod, self._named))
        for address in addresses:
            holder = self._holders.get(address)
            if holder is not None and address in told:
                continue
            if holder is not None:
                self._let_go(address, self._members[holder])
            self._take(address, key, member)
        self._members[key] = member

    def is_isolated(self, pod: Obj) -> bool:
        meta = pod["metadata"]
        return self._standings.is_isolated(meta["namespace"], meta.get("labels") or {})

    def content(self) -> Content:
        """As it is now; what comes later does not change it."""
        if not self._policies:
            return Content()
        for name in self._touched:
            elements = self._elements[name]
            if name in self._sets:
                self._sets[name] = Set(self._sets[name].type, frozenset(elements))
            else:
                self._maps[name] = Map(self._maps[name].type, dict(elements))
        self._touched.clear()
        return Content({**self._chains, **dict(self._shared_chains.values())}, dict(self._sets), dict(self._maps))

    def _take(self, address: str, key: PodKey, member: _Member) -> None:
        family = family_of(address)
        if family not in self._families:
            self._add_family(family)
        self._holders[address] = key
        for shared in member.standing.obeys.items():
            self._shared[shared] += 1
            if shared not in self._shared_chains:
                self._shared_chains[shared] = (
                    statements.shared_chain_name(*shared),
                    statements.shared_chain(*shared),
                )
        for name, element, value in self._elements_of(address, family, member):
            self._elements[name][element] = value
            self._touched.add(name)

    def _let_go(self, address: str, member: _Member) -> None:
        del self._holders[address]
        for name, element, _ in self._elements_of(address, family_of(address), member):
            del self._elements[name][element]
            self._touched.add(name)
        for shared in member.standing.obeys.items():
            self._shared[shared] -= 1
            if not self._shared[shared]:
                del self._shared[shared], self._shared_chains[shared]

    def _elements_of(self, address: str, family: int, member: _Member) -> Iterator[tuple[str, str, str]]:
        """(set or map, element, its value in a map)."""
        standing = member.standing
        for peer in standing.peer_of:
            yield statements.peer_name(peer, family), address, ""
        for (protocol, name), number in member.numbers.items():
            yield statements.port_name(protocol, name, family), f"{address} . {number}", ""
        if standing.obeys:
            yield statements.self_name(family), f"{address} . {address}", ""
        for shared in standing.obeys.items():
            yield statements.map_name(shared[0], family), address, f"goto {self._shared_chains[shared][0]}"

    def _add_family(self, family: int) -> None:
        """Once a pod has an address of it: before, it would be rules for nobody."""
        self._families = (*self._families, family)
        self._chains = statements.base_chains(self._families, self._resolvers)
        for policy in self._policies:
            self._chains.update(statements.policy_chains(policy, self._families))
        type_ = ADDRESS_TYPE[family]
        self._sets[statements.self_name(family)] = Set(f"{type_} . {type_}")
        for peer in self._standings.peers:
            self._sets[statements.peer_name(peer, family)] = Set(type_)
        for protocol, name in self._named:
            self._sets[statements.port_name(protocol, name, family)] = Set(f"{type_} . inet_service")
        for direction in DIRECTIONS:
            self._maps[statements.map_name(direction, family)] = Map(f"{type_} : verdict")
        for name in (*self._sets, *self._maps):
            self._elements.setdefault(name, {})


def _age(pod: Obj) -> tuple[bool, str]:
    """Those that end first, then the oldest: an address is the last one's."""
    return not pod["metadata"].get("deletionTimestamp"), pod["metadata"].get("creationTimestamp") or ""
