"""What the node and its pods use, read at the moment when somebody asks; nothing is read otherwise.

Processor rates need two readings: they are those since the last time somebody asked, and absent at first, as with a
kubelet that has just started.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.kubelet.runtime.api import ContainerState, ContainerUsage, NetworkUsage, Runtime
from backend.meta.types import Obj

SHORTEST_RATE_SECONDS = 0.5
_TICK_NANOSECONDS = 10**9 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class MachineUsage:
    """Sizes are bytes; processor time is of all processors since the start, in ns."""

    time: float
    started_at: float
    cpu_nanoseconds: int
    memory_total: int
    memory_available: int
    memory_used: int
    rss: int
    disk_total: int
    disk_free: int
    inodes: int
    inodes_free: int
    processes: int
    max_processes: int
    interface: str
    network: NetworkUsage


@dataclass(frozen=True, slots=True)
class RunningContainer:
    state: ContainerState
    usage: ContainerUsage


@dataclass(frozen=True, slots=True)
class RunningPod:
    """`sandbox` has the usage of the network, which the containers share."""

    pod: Obj
    containers: Sequence[RunningContainer]
    sandbox: ContainerUsage | None


@dataclass(frozen=True, slots=True)
class Reading:
    """`rates` has the processor time per second, in ns, by container id, and the machine's under ""."""

    node: str
    machine: MachineUsage
    pods: Sequence[RunningPod]
    rates: Mapping[str, int]


class UsageReader:
    def __init__(self, runtime: Runtime, node: str, root_dir: Path, pods: Callable[[], list[Obj]]) -> None:
        self._runtime = runtime
        self._node = node
        self._root_dir = root_dir
        self._pods = pods
        self._last: dict[str, tuple[float, int]] = {}
        self._rates: dict[str, int] = {}

    async def read(self) -> Reading:
        """Raises RuntimeFailure where the engine does not answer."""
        machine = await asyncio.to_thread(read_machine, self._root_dir)
        states = {state.uid: state for state in await self._runtime.pods()}
        known = [(pod, states[uid]) for pod in self._pods() if (uid := pod["metadata"]["uid"]) in states]
        running = {
            container.id: container
            for _, state in known
            for container in state.containers
            if container.state == "running"
        }
        sandboxes = {
            pod["metadata"]["uid"]: sandbox.id
            for pod, state in known
            for sandbox in state.sandboxes
            if sandbox.ready
        }
        usages = await self._runtime.usage([*running, *sandboxes.values()])
        pods = [
            RunningPod(
                pod,
                [
                    RunningContainer(container, usages[container.id])
                    for container in sorted(state.containers, key=lambda one: one.name)
                    if container.id in usages
                ],
                usages.get(sandboxes.get(pod["metadata"]["uid"], "")),
            )
            for pod, state in known
        ]
        self._keep_rates({"": (machine.time, machine.cpu_nanoseconds)})
        self._keep_rates({id_: (usage.time, usage.cpu_nanoseconds) for id_, usage in usages.items()})
        for gone in self._last.keys() - usages.keys() - {""}:
            del self._last[gone]
            self._rates.pop(gone, None)
        return Reading(self._node, machine, [pod for pod in pods if pod.containers], dict(self._rates))

    def _keep_rates(self, now: Mapping[str, tuple[float, int]]) -> None:
        for id_, (moment, used) in now.items():
            last = self._last.get(id_)
            if last is not None and moment - last[0] < SHORTEST_RATE_SECONDS:
                continue
            if last is not None:
                self._rates[id_] = max(0, int((used - last[1]) / (moment - last[0])))
            self._last[id_] = (moment, used)


def read_machine(root_dir: Path) -> MachineUsage:
    """Reads /proc and the file system of `root_dir`; quick, yet it blocks."""
    memory = _fields("/proc/meminfo")
    statistics = {line[0]: line[1:] for line in _lines("/proc/stat")}
    # user, nice, system, irq, softirq and steal: without idle and iowait.
    busy = sum(int(statistics["cpu"][at]) for at in (0, 1, 2, 5, 6, 7))
    disk = os.statvfs(root_dir)
    interface = next((line[0] for line in _lines("/proc/net/route")[1:] if line[1] == "00000000"), "lo")
    total, available = memory["MemTotal"] * 1024, memory["MemAvailable"] * 1024
    return MachineUsage(
        time=time.time(), started_at=float(statistics["btime"][0]), cpu_nanoseconds=busy * _TICK_NANOSECONDS,
        memory_total=total, memory_available=available, memory_used=total - memory["MemFree"] * 1024,
        rss=memory.get("AnonPages", 0) * 1024, disk_total=disk.f_blocks * disk.f_frsize,
        disk_free=disk.f_bavail * disk.f_frsize, inodes=disk.f_files, inodes_free=disk.f_favail,
        processes=sum(name.isdecimal() for name in os.listdir("/proc")),
        max_processes=int(Path("/proc/sys/kernel/pid_max").read_text()), interface=interface,
        network=_network(interface),
    )  # fmt: skip


def _lines(path: str) -> list[list[str]]:
    with open(path, encoding="ascii", errors="replace") as file:
        return [line.split() for line in file if line.strip()]


def _fields(path: str) -> dict[str, int]:
    return {line[0].rstrip(":"): int(line[1]) for line in _lines(path)}


def _network(interface: str) -> NetworkUsage:
    with open("/proc/net/dev", encoding="ascii") as file:
        for line in file:
            name, colon, numbers = line.partition(":")
            if colon and name.strip() == interface:
                values = [int(number) for number in numbers.split()]
                return NetworkUsage(values[0], values[2], values[8], values[10])
    return NetworkUsage(0, 0, 0, 0)
