"""/stats/summary. Source of the form: k8s.io/kubelet pkg/apis/stats/v1alpha1."""

from __future__ import annotations

from collections.abc import Mapping

from backend.kubelet.node_usage import MachineUsage, Reading, RunningContainer, RunningPod
from backend.kubelet.runtime.api import ContainerUsage, NetworkUsage
from backend.meta import quantity
from backend.meta.timefmt import format_time
from backend.meta.types import Obj


def summary(reading: Reading, *, only_cpu_and_memory: bool) -> Obj:
    node = _node(reading)
    pods = [_pod(pod, reading.rates) for pod in reading.pods]
    if only_cpu_and_memory:
        node = {name: node[name] for name in ("nodeName", "startTime", "cpu", "memory")}
        kept = ("podRef", "startTime", "containers", "cpu", "memory")
        pods = [{name: pod[name] for name in kept} for pod in pods]
    return {"node": node, "pods": pods}


def _node(reading: Reading) -> Obj:
    machine = reading.machine
    now = format_time(machine.time)
    disk = _disk(machine)
    return {
        "nodeName": reading.node,
        "startTime": format_time(machine.started_at),
        "cpu": _cpu(now, machine.cpu_nanoseconds, reading.rates.get("")),
        "memory": {
            "time": now,
            "availableBytes": machine.memory_available,
            "usageBytes": machine.memory_used,
            "workingSetBytes": machine.memory_total - machine.memory_available,
            "rssBytes": machine.rss,
        },
        "network": {"time": now, **_network(machine.interface, machine.network)},
        "fs": disk,
        "runtime": {"imageFs": disk},
        "rlimit": {"time": now, "maxpid": machine.max_processes, "curproc": machine.processes},
    }


def _disk(machine: MachineUsage) -> Obj:
    return {
        "time": format_time(machine.time),
        "availableBytes": machine.disk_free,
        "capacityBytes": machine.disk_total,
        "usedBytes": machine.disk_total - machine.disk_free,
        "inodesFree": machine.inodes_free,
        "inodes": machine.inodes,
        "inodesUsed": machine.inodes - machine.inodes_free,
    }


def _pod(running: RunningPod, rates: Mapping[str, int]) -> Obj:
    meta = running.pod["metadata"]
    usages = [one.usage for one in running.containers]
    now = format_time(max(usage.time for usage in usages))
    known = [rates[one.state.id] for one in running.containers if one.state.id in rates]
    rate = sum(known) if len(known) == len(usages) else None
    shown: Obj = {
        "podRef": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        "startTime": running.pod["status"].get("startTime"),
        "containers": [_container(running.pod, one, rates) for one in running.containers],
        "cpu": _cpu(now, sum(usage.cpu_nanoseconds for usage in usages), rate),
        "memory": _memory(now, usages, _limit(running.pod, [one.state.name for one in running.containers])),
        "process_stats": {"process_count": sum(usage.processes for usage in usages)},
    }
    if running.sandbox is not None and running.sandbox.networks:
        name, network = next(iter(running.sandbox.networks.items()))
        shown["network"] = {"time": now, **_network(name, network)}
    return shown


def _container(pod: Obj, running: RunningContainer, rates: Mapping[str, int]) -> Obj:
    usage = running.usage
    now = format_time(usage.time)
    return {
        "name": running.state.name,
        "startTime": format_time(running.state.started_at),
        "cpu": _cpu(now, usage.cpu_nanoseconds, rates.get(running.state.id)),
        "memory": _memory(now, [usage], _limit(pod, [running.state.name])),
    }


def _cpu(now: str, used: int, rate: int | None) -> Obj:
    return {
        "time": now,
        **({} if rate is None else {"usageNanoCores": rate}),
        "usageCoreNanoSeconds": used,
    }


def _memory(now: str, usages: list[ContainerUsage], limit: int) -> Obj:
    working_set = sum(usage.working_set_bytes for usage in usages)
    return {
        "time": now,
        **({"availableBytes": max(0, limit - working_set)} if limit else {}),
        "usageBytes": sum(usage.memory_bytes for usage in usages),
        "workingSetBytes": working_set,
        "rssBytes": sum(usage.rss_bytes for usage in usages),
        "pageFaults": sum(usage.page_faults for usage in usages),
        "majorPageFaults": sum(usage.major_page_faults for usage in usages),
    }


def _limit(pod: Obj, names: list[str]) -> int:
    """Bytes that containers may use together; 0 when one of them has no limit."""
    total = 0
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for container in pod["spec"].get(kind) or ():
            if container["name"] in names:
                limits = (container.get("resources") or {}).get("limits") or {}
                if "memory" not in limits:
                    return 0
                total += int(quantity.parse(str(limits["memory"])))
    return total


def _network(name: str, network: NetworkUsage) -> Obj:
    interface = {
        "name": name,
        "rxBytes": network.received_bytes,
        "rxErrors": network.receive_errors,
        "txBytes": network.sent_bytes,
        "txErrors": network.send_errors,
    }
    return {**interface, "interfaces": [interface]}
