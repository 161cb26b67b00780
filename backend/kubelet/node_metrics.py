"""The kubelet's /metrics, /metrics/resource and /metrics/cadvisor, in Prometheus' text format.

Sources of the names: pkg/kubelet/metrics, pkg/kubelet/metrics/collectors/resource_metrics.go, cadvisor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from backend.kubelet.node_usage import Reading, RunningContainer
from backend.meta.types import Obj

Sample = tuple[Mapping[str, str], float, float]
"""Labels, value, and when it was read (seconds since the epoch; 0 for "now")."""


def kubelet(reading: Reading) -> str:
    states = Counter(one.state.state for pod in reading.pods for one in pod.containers)
    return "".join([
        _family("kubelet_node_name", "gauge", "The node's name. The count is always 1.",
                [({"node": reading.node}, 1, 0)]),
        _family("kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox",
                [({}, len(reading.pods), 0)]),
        _family("kubelet_running_containers", "gauge", "Number of containers currently running",
                [({"container_state": state}, number, 0) for state, number in sorted(states.items())]),
    ])  # fmt: skip


def resource(reading: Reading) -> str:
    machine, containers = reading.machine, [*_containers(reading)]
    pods = [(_pod_labels(pod.pod), pod.containers) for pod in reading.pods]
    return "".join([
        _family("container_cpu_usage_seconds_total", "counter",
                "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
                [(_names(pod, one), _seconds(one.usage.cpu_nanoseconds), one.usage.time) for pod, one in containers]),
        _family("container_memory_working_set_bytes", "gauge",
                "[STABLE] Current working set of the container in bytes",
                [(_names(pod, one), one.usage.working_set_bytes, one.usage.time) for pod, one in containers]),
        _family("container_start_time_seconds", "gauge",
                "[STABLE] Start time of the container since unix epoch in seconds",
                [(_names(pod, one), one.state.started_at, 0) for pod, one in containers]),
        _family("node_cpu_usage_seconds_total", "counter",
                "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
                [({}, _seconds(machine.cpu_nanoseconds), machine.time)]),
        _family("node_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the node in bytes",
                [({}, machine.memory_total - machine.memory_available, machine.time)]),
        _family("pod_cpu_usage_seconds_total", "counter",
                "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
                [(labels, _seconds(sum(one.usage.cpu_nanoseconds for one in ran)), ran[0].usage.time)
                 for labels, ran in pods]),
        _family("pod_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the pod in bytes",
                [(labels, sum(one.usage.working_set_bytes for one in ran), ran[0].usage.time) for labels, ran in pods]),
        _family("resource_scrape_error", "gauge",
                "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise", [({}, 0, 0)]),
    ])  # fmt: skip


def cadvisor(reading: Reading) -> str:
    containers = [
        ({**_names(pod, one), "id": one.state.id, "image": one.state.image_id, "name": one.state.id}, one)
        for pod, one in _containers(reading)
    ]
    networks = [
        ({**_pod_labels(pod.pod), "interface": name}, network, pod.sandbox.time)
        for pod in reading.pods
        if pod.sandbox is not None
        for name, network in pod.sandbox.networks.items()
    ]
    return "".join([
        _family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.",
                [(labels, _seconds(one.usage.cpu_nanoseconds), one.usage.time) for labels, one in containers]),
        _family("container_memory_usage_bytes", "gauge",
                "Current memory usage in bytes, including all memory regardless of when it was accessed",
                [(labels, one.usage.memory_bytes, one.usage.time) for labels, one in containers]),
        _family("container_memory_working_set_bytes", "gauge", "Current working set in bytes.",
                [(labels, one.usage.working_set_bytes, one.usage.time) for labels, one in containers]),
        _family("container_memory_rss", "gauge", "Size of RSS in bytes.",
                [(labels, one.usage.rss_bytes, one.usage.time) for labels, one in containers]),
        _family("container_processes", "gauge", "Number of processes running inside the container.",
                [(labels, one.usage.processes, one.usage.time) for labels, one in containers]),
        _family("container_network_receive_bytes_total", "counter", "Cumulative count of bytes received",
                [(labels, network.received_bytes, moment) for labels, network, moment in networks]),
        _family("container_network_transmit_bytes_total", "counter", "Cumulative count of bytes transmitted",
                [(labels, network.sent_bytes, moment) for labels, network, moment in networks]),
        _family("machine_memory_bytes", "gauge", "Amount of memory installed on the machine.",
                [({}, reading.machine.memory_total, reading.machine.time)]),
    ])  # fmt: skip


PATHS: Mapping[str, Callable[[Reading], str]] = {
    "/metrics": kubelet, "/metrics/resource": resource, "/metrics/cadvisor": cadvisor,
}  # fmt: skip


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> str:
    """Values of a family, with the moment in ms where there is one: prometheus-client gives seconds."""
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value, moment in samples:
        pairs = ",".join(f'{key}="{_escaped(labels[key])}"' for key in sorted(labels))
        lines.append(
            f"{name}{f'{{{pairs}}}' if pairs else ''} {value!r}{f' {int(moment * 1000)}' if moment else ''}"
        )
    return "\n".join([*lines, ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _containers(reading: Reading) -> Iterable[tuple[Obj, RunningContainer]]:
    return ((pod.pod, one) for pod in reading.pods for one in pod.containers)


def _names(pod: Obj, running: RunningContainer) -> dict[str, str]:
    return {**_pod_labels(pod), "container": running.state.name}


def _pod_labels(pod: Obj) -> dict[str, str]:
    return {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / 10**9
