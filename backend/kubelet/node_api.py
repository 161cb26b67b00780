"""The kubelet's own API, as nodes/proxy reaches it: health, pods, configuration, statistics, metrics and logs, to read.

Source of paths and texts: pkg/kubelet/server/server.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import orjson

from backend.kubelet.node_usage import UsageReader
from backend.kubelet.runtime.api import Runtime
from backend.kubelet.streams import NodeView
from backend.meta.errors import ApiError
from backend.meta.streams import LogOptions, NodeAnswer
from backend.meta.types import Obj

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
TRUE = ("1", "t", "T", "true", "TRUE", "True")
HEALTHY = ("/healthz", "/healthz/ping", "/healthz/log", "/healthz/syncloop")
_REFUSED = {"/logs": "logs endpoint is disabled.", "/debug": "debug endpoints are disabled."}
_STREAMS = ("/exec/", "/attach/", "/portForward/", "/run/")


Logs = Callable[[Obj, LogOptions], Awaitable[AsyncIterator[bytes]]]


class NodeApi:
    def __init__(self, runtime: Runtime, view: NodeView, logs: Logs) -> None:
        self._view = view
        self._logs = logs
        self._usage = UsageReader(runtime, view.name, view.root_dir, view.pods)

    async def get(self, path: str, query: Mapping[str, str]) -> NodeAnswer:
        """Raises ApiError for a log that cannot be read."""
        path = path.rstrip("/") or "/"
        if path in HEALTHY:
            return _text(200, "ok")
        if path == "/pods":
            return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._view.pods()})
        if path == "/runningpods":
            running = [pod for pod in self._view.pods() if pod["status"].get("phase") == "Running"]
            return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": running})
        if path == "/configz":
            return _json({"kubeletconfig": self._configuration()})
        if path == "/stats/summary":
            return await self._summary(query)
        if path.startswith("/metrics"):
            return await self._metrics(path)
        if path.startswith("/containerLogs/"):
            return await self._container_log(path, query)
        return _unserved(path)

    async def _summary(self, query: Mapping[str, str]) -> NodeAnswer:
        from backend.kubelet.stats_summary import summary

        reading = await self._usage.read()
        return _json(summary(reading, only_cpu_and_memory=query.get("only_cpu_and_memory") in TRUE))

    async def _metrics(self, path: str) -> NodeAnswer:
        from backend.kubelet import node_metrics

        render = node_metrics.PATHS.get(path)
        if render is None:
            return _not_found()
        return _text(200, await asyncio.to_thread(render, await self._usage.read()))

    def _configuration(self) -> Obj:
        """What of a kubelet's configuration has a meaning here."""
        return {
            "kind": "KubeletConfiguration",
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "containerLogMaxSize": "10Mi",
            "containerLogMaxFiles": 5,
            "cgroupDriver": "cgroupfs",
            "clusterDomain": "cluster.local",
            "enableDebuggingHandlers": True,
            "enableSystemLogHandler": False,
            "failSwapOn": False,
            "maxPods": 110,
            "nodeStatusReportFrequency": "5m0s",
            "port": 10250,
        }

    async def _container_log(self, path: str, query: Mapping[str, str]) -> NodeAnswer:
        parts = path.split("/")[2:]
        if len(parts) != 3:
            return _not_found()
        namespace, name, container = parts
        pods = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in self._view.pods()}
        pod = pods.get((namespace, name))
        if pod is None:
            return _text(404, f'pod "{name}" does not exist\n')
        kinds = ("containers", "initContainers", "ephemeralContainers")
        if not any(one["name"] == container for kind in kinds for one in pod["spec"].get(kind) or ()):
            return _text(404, f'container "{container}" not found in pod "{name}"\n')
        try:
            options = _log_options(container, query)
        except ValueError as error:
            return _text(400, f"{error}\n")
        return NodeAnswer(200, TEXT, await self._logs(pod, options))


def _log_options(container: str, query: Mapping[str, str]) -> LogOptions:
    """Raises ValueError."""

    def number(name: str) -> int | None:
        return int(query[name]) if query.get(name) else None

    def flag(name: str) -> bool:
        return query.get(name) in TRUE

    return LogOptions(
        container, flag("follow"), flag("previous"), flag("timestamps"), number("tailLines"), number("sinceSeconds"),
        query.get("sinceTime") or None, number("limitBytes"),
    )  # fmt: skip


def _unserved(path: str) -> NodeAnswer:
    for prefix, why in _REFUSED.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return _text(405, f"{why}\n")
    if path.startswith(_STREAMS):
        raise ApiError(405, "MethodNotAllowed", "streams of pods are served by the API server, not through a node")
    return _not_found()


def _not_found() -> NodeAnswer:
    return _text(404, "404 page not found\n")


def _json(document: Obj) -> NodeAnswer:
    return NodeAnswer(200, JSON, _once(orjson.dumps(document)))


def _text(code: int, text: str) -> NodeAnswer:
    return NodeAnswer(code, TEXT, _once(text.encode()))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
