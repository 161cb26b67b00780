"""The kubelet's streams from the first answer on: the API is there before the kubelet is, and requests wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from backend.meta.streams import ExecOptions, ExecSession, LogOptions, NodeAnswer, NodeStreams, PortConnection
from backend.meta.types import Obj


class NodeToCome:
    """NodeStreams that pass everything on once `arrived` was called, and wait until then."""

    def __init__(self) -> None:
        self._node: NodeStreams | None = None
        self._there = asyncio.Event()

    def arrived(self, node: NodeStreams) -> None:
        self._node = node
        self._there.set()

    async def logs(self, pod: Obj, options: LogOptions) -> AsyncIterator[bytes]:
        return await (await self._awaited()).logs(pod, options)

    async def exec(self, pod: Obj, options: ExecOptions) -> ExecSession:
        return await (await self._awaited()).exec(pod, options)

    async def attach(self, pod: Obj, options: ExecOptions) -> ExecSession:
        return await (await self._awaited()).attach(pod, options)

    async def connect(self, pod: Obj, port: int) -> PortConnection:
        return await (await self._awaited()).connect(pod, port)

    async def get(self, node: str, path: str, query: Mapping[str, str]) -> NodeAnswer:
        return await (await self._awaited()).get(node, path, query)

    async def _awaited(self) -> NodeStreams:
        await self._there.wait()
        assert self._node is not None
        return self._node
