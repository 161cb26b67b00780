"""Nodes as the scheduler sees them: what they offer, and what the pods on them take already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES
from backend.scheduler.podrequests import ANY_IP, Amounts, HostPort, amounts, host_ports, pod_requests

PodKey = tuple[str, str]
_DEFAULT_CPU = Fraction(1, 10)
_DEFAULT_MEMORY = Fraction(200 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Load:
    """What one pod takes."""

    requests: Amounts
    scored: Amounts
    """The requests, with something for a pod that requests no cpu or memory, so that such pods spread too.
    Source: GetNonzeroRequests in pkg/scheduler/util."""
    ports: frozenset[HostPort]

    @classmethod
    def of(cls, spec: Obj) -> Load:
        requests = pod_requests(spec)
        scored = {
            "cpu": requests.get("cpu", _DEFAULT_CPU),
            "memory": requests.get("memory", _DEFAULT_MEMORY),
        }
        return cls(requests, scored, frozenset(host_ports(spec)))


class NodeInfo:
    """One node with its pods, those included that are only assumed to be there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.obj: Obj | None = None
        self.allocatable: Amounts = {}
        self.requested: Amounts = {}
        self.scored: Amounts = {}
        self.pods: dict[PodKey, Load] = {}

    def set_node(self, node: Obj | None) -> None:
        self.obj = node
        self.allocatable = amounts(((node or {}).get("status") or {}).get("allocatable"))

    def add(self, key: PodKey, load: Load) -> None:
        self.remove(key)
        self.pods[key] = load
        self._count(load, 1)

    def remove(self, key: PodKey) -> bool:
        load = self.pods.pop(key, None)
        if load is not None:
            self._count(load, -1)
        return load is not None

    def _count(self, load: Load, sign: int) -> None:
        for total, part in ((self.requested, load.requests), (self.scored, load.scored)):
            for name, amount in part.items():
                total[name] = total.get(name, Fraction(0)) + sign * amount

    def takes(self, port: HostPort) -> bool:
        """Whether a pod on the node has the host port already."""
        ip, protocol, number = port
        return any(
            (protocol, number) == (taken_protocol, taken_number) and (ip == taken_ip or ANY_IP in (ip, taken_ip))
            for load in self.pods.values()
            for taken_ip, taken_protocol, taken_number in load.ports
        )


class Cache:
    """All nodes. A pod that was just decided on is `assume`d, until the API server shows it bound or forgotten."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._where: dict[PodKey, str] = {}
        self._assumed: set[PodKey] = set()

    def nodes(self) -> list[NodeInfo]:
        """Those that exist, sorted by name."""
        return sorted((info for info in self._nodes.values() if info.obj is not None), key=lambda info: info.name)

    def set_node(self, name: str, node: Obj | None) -> None:
        info = self._nodes.setdefault(name, NodeInfo(name))
        info.set_node(node)
        self._drop_if_empty(info)

    def is_assumed(self, key: PodKey) -> bool:
        return key in self._assumed

    def assume(self, key: PodKey, load: Load, node: str) -> None:
        self._put(key, load, node)
        self._assumed.add(key)

    def forget(self, key: PodKey) -> None:
        """The binding failed. Nothing happens if the pod is known to be bound after all."""
        if key in self._assumed:
            self.remove_pod(key)

    def set_pod(self, pod: Obj) -> bool:
        """Take a bound pod in; True if that freed something: the pod has ended."""
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        if (pod.get("status") or {}).get("phase") in TERMINAL_PHASES:
            return self.remove_pod(key)
        self._put(key, Load.of(pod["spec"]), pod["spec"]["nodeName"])
        self._assumed.discard(key)
        return False

    def remove_pod(self, key: PodKey) -> bool:
        self._assumed.discard(key)
        info = self._nodes.get(self._where.pop(key, ""))
        if info is None:
            return False
        removed = info.remove(key)
        self._drop_if_empty(info)
        return removed

    def _put(self, key: PodKey, load: Load, node: str) -> None:
        if self._where.get(key, node) != node:
            self.remove_pod(key)
        self._where[key] = node
        self._nodes.setdefault(node, NodeInfo(node)).add(key, load)

    def _drop_if_empty(self, info: NodeInfo) -> None:
        """A node that is gone is remembered for as long as pods are bound to it."""
        if info.obj is None and not info.pods:
            self._nodes.pop(info.name, None)


def schedulable_fields(node: Obj) -> tuple[object, ...]:
    """What of a node decides whether a pod fits; a heartbeat changes none of it."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    return (
        spec.get("unschedulable", False),
        spec.get("taints") or [],
        node["metadata"].get("labels") or {},
        status.get("allocatable") or {},
    )


def untolerated(taints: Iterable[Obj], tolerations: Iterable[Obj]) -> list[Obj]:
    """The taints that none of the tolerations stands. Source: Toleration.ToleratesTaint."""
    held = list(tolerations)
    return [taint for taint in taints if not any(_tolerates(toleration, taint) for toleration in held)]


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")
