"""The fake runtime as a cluster's own: `cluster start --runtime fake`.

Every image is there but those whose name has a part `missing`, and every container runs until it is told to end:
`exec POD -- exit CODE` ends it with that code. Nothing outlives the backend: a start finds what a reboot leaves.
Each container pretends to use what its pod's annotations fake-runtime/cpu and fake-runtime/memory say, as quantities
such as 250m and 64Mi, so that autoscaling can be tried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from backend.kubelet.runtime.api import (
    ContainerState,
    ContainerUsage,
    Image,
    RegistryAuth,
    RuntimeFailure,
    RuntimeInfo,
)
from backend.kubelet.runtime.fake import FakeRuntime
from backend.machinery.clock import Clock, RealClock
from backend.meta import quantity
from backend.meta.streams import ExecSession
from backend.meta.types import Obj

_ABSENT = "missing"
_MAX_PODS = 10_000
_USAGE = 'only "exit CODE" can be executed here: nothing runs in the containers of the fake runtime'
_NOT_FOUND = 127

CPU = "fake-runtime/cpu"
MEMORY = "fake-runtime/memory"
_DEFAULTS = {CPU: "500u", MEMORY: "4Mi"}


class PretendingRuntime(FakeRuntime):
    """`pods` gives those of the node, whose annotations say what containers use."""

    def __init__(self, pods: Callable[[], Sequence[Obj]] = tuple, clock: Clock | None = None) -> None:
        super().__init__(clock or RealClock())
        self._known_pods = pods
        self._used: dict[str, tuple[float, float]] = {}
        """By container: up to which moment its processor time was counted, and the seconds."""

    async def info(self) -> RuntimeInfo:
        return replace(await super().info(), max_pods=_MAX_PODS)

    async def image(self, reference: str) -> Image | None:
        if _ABSENT not in reference.replace(":", "/").split("/") and reference not in self.local_images:
            self.add_image(reference)
        return await super().image(reference)

    async def pull(self, reference: str, auth: RegistryAuth | None) -> Image:
        image = await self.image(reference)
        if image is None:
            raise RuntimeFailure("ErrImagePull", f"manifest for {reference} not found: manifest unknown")
        return image

    async def exec(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> ExecSession:
        words = " ".join(command).split()
        if len(words) != 2 or words[0] != "exit" or not words[1].isdecimal():
            return _Said(_USAGE, _NOT_FOUND)
        self.end(container_id, int(words[1]) & 0xFF)
        return _Said("", 0)

    async def usage(self, ids: Sequence[str]) -> dict[str, ContainerUsage]:
        """What is annotated counts from the last time that somebody asked."""
        found = await super().usage(ids)
        pods = {pod["metadata"]["uid"]: pod for pod in self._known_pods()}
        running = {
            container.id: (container, pods.get(state.uid))
            for state in self.states()
            for container in state.containers
            if container.id in found
        }
        self._used = {id_: self._used[id_] for id_ in self._used if id_ in running}
        return {id_: self._pretended(id_, found[id_], *known) for id_, known in running.items()}

    def _pretended(
        self, id_: str, usage: ContainerUsage, container: ContainerState, pod: Obj | None
    ) -> ContainerUsage:
        since, seconds = self._used.get(id_, (container.started_at, 0.0))
        seconds += (usage.time - since) * _annotated(pod, CPU)
        self._used[id_] = usage.time, seconds
        memory = int(_annotated(pod, MEMORY))
        return replace(
            usage, cpu_nanoseconds=int(seconds * 10**9), memory_bytes=memory, working_set_bytes=memory, processes=1
        )


def _annotated(pod: Obj | None, name: str) -> float:
    """What is no quantity counts as if nothing were said."""
    text = ((pod or {}).get("metadata", {}).get("annotations") or {}).get(name, _DEFAULTS[name])
    try:
        return float(quantity.parse(text))
    except ValueError:
        return float(quantity.parse(_DEFAULTS[name]))


class _Said:
    """An exec that prints one line to stderr, if anything, and is over (meta.streams.ExecSession)."""

    def __init__(self, line: str, code: int) -> None:
        self._line = line
        self._code = code

    async def write_stdin(self, data: bytes) -> None:
        return None

    async def close_stdin(self) -> None:
        return None

    async def resize(self, width: int, height: int) -> None:
        return None

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        if self._line:
            yield 2, f"{self._line}\n".encode()

    async def exit_code(self) -> int:
        return self._code

    async def close(self) -> None:
        return None
