"""The fake runtime as a cluster's own: `cluster start --runtime fake`.

Every image is there but those whose name has a part `missing`, and every container runs until it is told to end:
`exec POD -- exit CODE` ends it with that code. Nothing outlives the backend: a start finds what a reboot leaves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from backend.kubelet.runtime.api import Image, RegistryAuth, RuntimeFailure
from backend.kubelet.runtime.fake import FakeRuntime
from backend.machinery.clock import RealClock
from backend.meta.streams import ExecSession

_ABSENT = "missing"
_USAGE = 'only "exit CODE" can be executed here: nothing runs in the containers of the fake runtime'
_NOT_FOUND = 127


class PretendingRuntime(FakeRuntime):
    def __init__(self) -> None:
        super().__init__(RealClock())

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
