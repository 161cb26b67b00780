"""get and list of metrics.k8s.io's nodes and pods: kubelets are asked, and nothing is stored.

Source: pkg/api/{node,pod}.go of metrics-server, whose errors these are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from backend.apiserver.call import Call, Many, One, unstored
from backend.apiserver.reading import PACE
from backend.apiserver.resource_metrics.measuring import Meter, Usage
from backend.apiserver.resource_metrics.scrape import NODE, Key
from backend.apiserver.selection import select
from backend.machinery.clock import Clock, RealClock
from backend.meta import errors, quantity, timefmt
from backend.meta.errors import ApiError
from backend.meta.streams import NodeStreams
from backend.meta.types import Obj
from backend.resources.core.node import NODE as NODE_KIND
from backend.resources.core.pod import POD
from backend.store.api import Entry

_KI = 1024

Usages = Mapping[Key, Usage]


class Meters:
    """The meters of all nodes that were asked for. `streams` reaches the nodes."""

    def __init__(self, streams: NodeStreams, clock: Clock | None = None) -> None:
        self._streams = streams
        self._clock = clock or RealClock()
        self._meters: dict[str, Meter] = {}

    async def measure(self, nodes: Iterable[str]) -> dict[str, Usages]:
        """By node, without those that cannot be asked."""
        names = [*dict.fromkeys(nodes)]
        found = await asyncio.gather(*map(self._measure, names))
        return {name: usages for name, usages in zip(names, found, strict=True) if usages}

    async def _measure(self, node: str) -> Usages:
        meter = self._meters.get(node)
        if meter is None:
            meter = self._meters[node] = Meter(self._streams, node, self._clock)
        try:
            return await meter.measure()
        except ApiError:
            return {}

    def forget_all_but(self, nodes: Iterable[str]) -> None:
        """Let go of nodes that are no more."""
        present = {*nodes}
        for gone in self._meters.keys() - present:
            del self._meters[gone]


async def look_at_nodes(call: Call) -> One | Many:
    """Raises 404 for a node that there is not, or that has not been measured."""
    name, store = call.request.name, call.server.store
    if call.request.verb == "get":
        entry = store.get(NODE_KIND.key("", name))
        if entry is None:
            raise errors.not_found("nodes", name)
        nodes = [entry.obj]
    else:
        selection = select(call)
        nodes = [entry.obj for entry in store.list(NODE_KIND.prefix).entries]
        _meters(call).forget_all_but(node["metadata"]["name"] for node in nodes)
        nodes = [node for node in nodes if selection.matches(node)]
    measured = await _meters(call).measure(node["metadata"]["name"] for node in nodes)
    found = [
        _node_metrics(call, node, usages[NODE])
        for node in nodes
        if NODE in (usages := measured.get(node["metadata"]["name"], {}))
    ]
    return _answer(call, found, "nodemetrics.metrics.k8s.io", name)


async def look_at_pods(call: Call) -> One | Many:
    """Raises 404 for a pod that there is not, or of which not every running container has been measured."""
    request, store = call.request, call.server.store
    if request.verb == "get":
        entry = store.get(POD.key(request.namespace, request.name))
        if entry is None:
            raise errors.not_found("pods", request.name)
        pods = [entry.obj]
    else:
        prefix = f"{POD.prefix}{request.namespace}/" if request.namespace else POD.prefix
        selection = select(call)
        pods = [entry.obj for entry in store.list(prefix).entries if selection.matches(entry.obj)]
    nodes = [pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")]
    measured = await _meters(call).measure(nodes)
    by_pod = {node: _by_pod(usages) for node, usages in measured.items()}
    found = []
    for index, pod in enumerate(pods, 1):
        if index % PACE == 0:
            await asyncio.sleep(0)
        meta = pod["metadata"]
        used = by_pod.get(pod["spec"].get("nodeName", ""), {}).get((meta["namespace"], meta["name"]))
        if used:
            found.append(_pod_metrics(call, pod, used))
    return _answer(call, found, "podmetrics.metrics.k8s.io", f"{request.namespace}/{request.name}")


def _meters(call: Call) -> Meters:
    meters = call.server.meters
    if meters is None:
        raise errors.page_not_found()
    return meters


def _answer(call: Call, found: list[Entry], resource: str, name: str) -> One | Many:
    if call.request.verb == "list":
        return Many(call.resource, found, {})
    if not found:
        raise errors.not_found(resource, name)
    return One(call.resource, found[0])


def _by_pod(usages: Usages) -> dict[tuple[str, str], dict[str, Usage]]:
    found: dict[tuple[str, str], dict[str, Usage]] = {}
    for (namespace, pod, container), usage in usages.items():
        if container:
            found.setdefault((namespace, pod), {})[container] = usage
    return found


def _node_metrics(call: Call, node: Obj, usage: Usage) -> Entry:
    key = call.resource.key("", node["metadata"]["name"])
    return unstored(key, {**_head(call, node, [usage]), "usage": _quantities(usage)})


def _pod_metrics(call: Call, pod: Obj, used: Mapping[str, Usage]) -> Entry:
    key = call.resource.key(pod["metadata"]["namespace"], pod["metadata"]["name"])
    containers = [{"name": name, "usage": _quantities(usage)} for name, usage in sorted(used.items())]
    return unstored(key, {**_head(call, pod, [*used.values()]), "containers": containers})


def _head(call: Call, measured: Obj, usages: list[Usage]) -> Obj:
    meta = measured["metadata"]
    shown = {name: meta[name] for name in ("name", "namespace", "labels") if meta.get(name)}
    earliest = min(usages, key=lambda usage: usage.time)
    return {
        "kind": call.resource.kind,
        "apiVersion": call.resource.api_version,
        "metadata": {**shown, "creationTimestamp": call.server.now()},
        "timestamp": timefmt.format_time(earliest.time),
        "window": _duration(earliest.window),
    }


def _quantities(usage: Usage) -> dict[str, str]:
    memory = usage.memory_bytes
    return {
        "cpu": quantity.canonical(f"{usage.cpu_nanocores}n"),
        "memory": quantity.canonical(f"{memory // _KI}Ki" if memory % _KI == 0 else str(memory)),
    }


def _duration(seconds: float) -> str:
    """As Go prints one, in milliseconds."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") + "s"
