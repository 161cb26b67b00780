"""The pod's table: READY, STATUS and RESTARTS are worked out here. Source: printPod."""

from __future__ import annotations

from typing import Any

from backend.meta import timefmt
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column

_SPEC = "io.k8s.api.core.v1.PodSpec"
_STATUS = "io.k8s.api.core.v1.PodStatus"
TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})

COLUMNS = (
    NAME_COLUMN,
    Column("Ready", description="The aggregate readiness state of this pod for accepting traffic."),
    Column("Status", description="The aggregate status of the containers in this pod."),
    Column(
        "Restarts",
        description="The number of times the containers in this pod have been restarted and when the last "
        "container in this pod has restarted.",
    ),
    AGE_COLUMN,
    Column("IP", priority=1, described_by=f"{_STATUS}.podIP"),
    Column("Node", priority=1, described_by=f"{_SPEC}.nodeName"),
    Column("Nominated Node", priority=1, described_by=f"{_STATUS}.nominatedNodeName"),
    Column("Readiness Gates", priority=1, described_by=f"{_SPEC}.readinessGates"),
)


def is_sidecar(container: Obj) -> bool:
    """An init container that keeps running beside the main ones."""
    return container.get("restartPolicy") == "Always"


def has_condition(status: Obj, condition_type: str) -> bool:
    """Whether the condition is there and True."""
    conditions = status.get("conditions") or ()
    return any(entry["type"] == condition_type and entry["status"] == "True" for entry in conditions)


class _Restarts:
    """How often containers restarted, and when the last one did."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0

    def add(self, container: Obj) -> None:
        self.count += container.get("restartCount", 0)
        finished = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        if finished:
            self.last = max(self.last, timefmt.parse(finished))

    def cell(self, now: float) -> str:
        if self.count and self.last:
            return f"{self.count} ({timefmt.human_duration(now - self.last)} ago)"
        return str(self.count)


def _ended(terminated: Obj) -> str:
    """Why a container ended: its reason, else its signal, else its exit code."""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


class _Summary:
    """READY, STATUS and RESTARTS of one pod, gathered from its containers' statuses."""

    def __init__(self, pod: Obj) -> None:
        self.spec: Obj = pod.get("spec") or {}
        self.status: Obj = pod.get("status") or {}
        self.init = {container["name"]: container for container in self.spec.get("initContainers") or ()}
        sidecars = sum(map(is_sidecar, self.init.values()))
        self.total = len(self.spec.get("containers") or ()) + sidecars
        self.ready = 0
        self.restarts = _Restarts()
        self.phase: str = self.status.get("phase", "")
        self.reason: str = self.status.get("reason") or self.phase
        if any(
            entry["type"] == "PodScheduled" and entry.get("reason") == "SchedulingGated"
            for entry in self.status.get("conditions") or ()
        ):
            self.reason = "SchedulingGated"
        if not self._initializing() or has_condition(self.status, "Initialized"):
            self._add_containers()
        if pod["metadata"].get("deletionTimestamp"):
            if self.status.get("reason") == "NodeLost":
                self.reason = "Unknown"
            elif self.phase not in TERMINAL_PHASES:
                self.reason = "Terminating"

    def _initializing(self) -> bool:
        """Whether an init container has yet to finish; then the reason says which and why."""
        self.sidecar_restarts = _Restarts()
        for index, container in enumerate(self.status.get("initContainerStatuses") or ()):
            self.restarts.add(container)
            sidecar = is_sidecar(self.init.get(container["name"], {}))
            if sidecar:
                self.sidecar_restarts.add(container)
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting") or {}
            if terminated and terminated.get("exitCode", 0) == 0:
                continue
            if sidecar and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            if terminated:
                self.reason = f"Init:{_ended(terminated)}"
            elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
                self.reason = f"Init:{waiting['reason']}"
            else:
                self.reason = f"Init:{index}/{len(self.init)}"
            return True
        return False

    def _add_containers(self) -> None:
        """The first container in trouble gives the reason, hence the walk from the last to the first."""
        self.restarts = self.sidecar_restarts
        running = False
        for container in reversed(self.status.get("containerStatuses") or ()):
            self.restarts.add(container)
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting") or {}
            if waiting.get("reason"):
                self.reason = waiting["reason"]
            elif terminated:
                self.reason = _ended(terminated)
            elif container.get("ready") and "running" in state:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            self.reason = "Running" if has_condition(self.status, "Ready") else "NotReady"


def _readiness_gates(pod: Obj) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return cells.NONE
    met = sum(has_condition(pod.get("status") or {}, gate["conditionType"]) for gate in gates)
    return f"{met}/{len(gates)}"


def row(pod: Obj, now: float) -> list[Any]:
    summary = _Summary(pod)
    addresses = summary.status.get("podIPs") or ()
    return [
        pod["metadata"]["name"], f"{summary.ready}/{summary.total}", summary.reason, summary.restarts.cell(now),
        cells.age(pod, now), addresses[0]["ip"] if addresses else cells.NONE,
        summary.spec.get("nodeName") or cells.NONE, summary.status.get("nominatedNodeName") or cells.NONE,
        _readiness_gates(pod),
    ]  # fmt: skip
