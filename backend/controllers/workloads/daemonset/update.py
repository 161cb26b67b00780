"""What to do next with the pods of a DaemonSet, node by node.

Source: podsShouldBeOnNode and updateDaemonSetStatus of daemon_controller.go, rollingUpdate of update.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.daemonset import placement
from backend.controllers.workloads.deployment.replica_sets import oldest_first, scaled
from backend.controllers.workloads.history import REVISION_LABEL
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES


class Fleet:
    """One look at the nodes and the pods; everything is said of that moment."""

    def __init__(self, owner: Obj, current: Obj, pods: Sequence[Obj], nodes: Sequence[Obj], now: float) -> None:
        """`current` is the revision of the owner's template."""
        self._spec = owner["spec"]
        self._now = now
        self._hash = current["metadata"]["labels"][REVISION_LABEL]
        self._minimum = self._spec.get("minReadySeconds", 0)
        self._by_node: dict[str, list[Obj]] = {}
        for pod in sorted(oldest_first(pods), key=lambda pod: not pod["spec"].get("nodeName")):
            # One that is over and on its way out is the kubelet's, or the pod garbage collector's.
            if not (_is_over(pod) and pod["metadata"].get("deletionTimestamp")):
                self._by_node.setdefault(placement.node_of(pod), []).append(pod)
        self._places = {node["metadata"]["name"]: placement.should_run(owner, node) for node in nodes}
        strategy = self._spec.get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate") or {}
        self._rolls = strategy.get("type", "RollingUpdate") == "RollingUpdate"
        self._wanted = [name for name, (should, _) in sorted(self._places.items()) if should]
        self._max_surge = scaled(rolling.get("maxSurge", 0), len(self._wanted), round_up=True)
        self._max_unavailable = scaled(rolling.get("maxUnavailable", 1), len(self._wanted), round_up=True)
        if not self._max_surge and not self._max_unavailable:
            self._max_unavailable = 1

    def ended(self) -> Iterator[tuple[Obj, str]]:
        """(pod, node) of those that are over where one should run."""
        for node, pods in self._by_node.items():
            for pod in pods if self._may_go_on(node) else ():
                if _is_over(pod):
                    yield pod, node

    def surplus(self) -> list[Obj]:
        """Pods on nodes that should have none, and second ones of the same kind."""
        found: list[Obj] = []
        for node, pods in self._by_node.items():
            staying = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
            active = [pod for pod in staying if not _is_over(pod)]
            if node not in self._places:
                # What ran on a node that is gone is the pod garbage collector's.
                found += [pod for pod in staying if not pod["spec"].get("nodeName")]
            elif not self._may_go_on(node):
                found += staying
            elif not (self._rolls and self._max_surge):
                found += active[1:]
            else:
                for is_new in (True, False):
                    found += [pod for pod in active if self._is_new(pod) is is_new][1:]
        return found

    def without_pod(self) -> list[str]:
        """Nodes that should have a pod and have none, not even one on its way out."""
        return [node for node in self._wanted if not self._by_node.get(node)]

    def to_surge(self) -> list[str]:
        """Nodes to get a new pod beside the old one."""
        if not (self._rolls and self._max_surge):
            return []
        surging = 0
        unhealthy: list[str] = []
        healthy: list[str] = []
        for node, new, old in self._pairs():
            if old is not None and new is not None:
                surging += not self._is_available(new)
            elif old is not None:
                (healthy if self._is_available(old) else unhealthy).append(node)
        return [*unhealthy, *healthy[: max(0, self._max_surge - surging)]]

    def to_replace(self) -> list[Obj]:
        """Old pods to delete now."""
        if not self._rolls:
            return []
        if self._max_surge:
            return [
                old
                for _, new, old in self._pairs()
                if old is not None and new is not None and (self._is_available(new) or not pod_rules.is_ready(old))
            ]
        unavailable = 0
        useless: list[Obj] = []
        useful: list[Obj] = []
        for _, new, old in self._pairs():
            if old is not None and new is None:
                if self._is_available(old):
                    useful.append(old)
                else:
                    unavailable += 1
                    useless.append(old)
            elif new is None or old is not None or not self._is_available(new):
                unavailable += 1
        return [*useless, *useful[: max(0, self._max_unavailable - unavailable)]]

    def available_in(self) -> float | None:
        """Seconds until the next ready pod has been ready for long enough."""
        pods = [pod for pods in self._by_node.values() for pod in pods]
        waits = [pod_rules.available_in(pod, self._minimum, self._now) for pod in pods]
        return min((wait for wait in waits if wait), default=None)

    def counts(self) -> dict[str, int]:
        """The numbers of the status."""
        ready = available = current = updated = misscheduled = 0
        for node, (should, _) in self._places.items():
            pods = self._by_node.get(node) or []
            if not should:
                misscheduled += bool(pods)
                continue
            if not pods:
                continue
            current += 1
            oldest = pods[0]
            ready += pod_rules.is_ready(oldest)
            available += self._is_available(oldest)
            updated += self._is_new(oldest)
        desired = len(self._wanted)
        return {
            "desiredNumberScheduled": desired, "currentNumberScheduled": current,
            "numberMisscheduled": misscheduled, "numberReady": ready, "updatedNumberScheduled": updated,
            "numberAvailable": available, "numberUnavailable": desired - available,
        }  # fmt: skip

    def _pairs(self) -> Iterator[tuple[str, Obj | None, Obj | None]]:
        """(node, its new pod, its old pod) of the nodes that should run one."""
        for node in self._wanted:
            active = [pod for pod in self._by_node.get(node) or () if pod_rules.is_active(pod)]
            new = next(filter(self._is_new, active), None)
            yield node, new, next((pod for pod in active if not self._is_new(pod)), None)

    def _may_go_on(self, node: str) -> bool:
        return self._places.get(node, (False, False))[1]

    def _is_new(self, pod: Obj) -> bool:
        return bool((pod["metadata"].get("labels") or {}).get(REVISION_LABEL) == self._hash)

    def _is_available(self, pod: Obj) -> bool:
        return pod_rules.is_available(pod, self._minimum, self._now)


def _is_over(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") in TERMINAL_PHASES
