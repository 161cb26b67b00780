"""The sandbox's image, made here: one static program that waits, in a tar that the engine imports.

A pod's sandbox only holds namespaces, so its process has three duties: sleep for ever, end at once on SIGTERM
and SIGINT (the first process of a PID namespace ignores what it has no handler for), and leave no zombies
where the pod shares its PID namespace (an ignored SIGCHLD makes the kernel reap orphans). That is few enough
instructions to write them down, so that no compiler and no registry is needed to run a pod.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.kubelet.runtime.api import RuntimeFailure
from backend.meta.elf import CODE_ADDRESS, executable, image_archive, is_x86_64

if TYPE_CHECKING:
    from docker import APIClient

REPOSITORY = "minikctl/pause"
TAG = "1"
PAUSE_IMAGE = f"{REPOSITORY}:{TAG}"

_making = threading.Lock()

_SIGINT, _SIGTERM, _SIGCHLD = 2, 15, 17
_SA_RESTORER = 0x04000000  # x86-64 refuses a handler without it; ours never returns, so it is never followed
_SIG_IGN = 1

_Assembler = Callable[[int, int], tuple[bytes, int]]
"""(address of the ignoring sigaction, address of the ending one) -> (code, offset of the signal handler)."""


def ensure_pause_image(client: APIClient) -> None:
    """Imports the image for the engine's architecture unless the engine has it.

    Threads do so one after the other; of two processes that make it at once, one's image stays tagged.
    """
    with _making:
        if not client.images(PAUSE_IMAGE):
            _make(client)


def _make(client: APIClient) -> None:
    machine = client.info()["Architecture"]
    archive = image_archive("pause", pause_program(machine))
    client.import_image_from_data(archive, repository=REPOSITORY, tag=TAG, changes=['ENTRYPOINT ["/pause"]'])


def pause_program(machine: str) -> bytes:
    """A static ELF executable for `machine` (as uname -m says it). Raises RuntimeFailure for an unknown one."""
    try:
        assemble: _Assembler = _x86_64 if is_x86_64(machine) else _aarch64
    except KeyError:
        text = f"no sandbox image for the architecture {machine}"
        raise RuntimeFailure("CreatePodSandboxError", text) from None
    code, handler = assemble(0, 0)
    data_address = CODE_ADDRESS + len(code)
    code, handler = assemble(data_address, data_address + 32)
    data = struct.pack("<QQQQ", _SIG_IGN, 0, 0, 0)
    data += struct.pack("<QQQQ", CODE_ADDRESS + handler, _SA_RESTORER, CODE_ADDRESS + handler, 0)
    return executable(machine, code + data)


def _x86_64(ignore: int, end: int) -> tuple[bytes, int]:
    code = b""
    for signal, action in ((_SIGCHLD, ignore), (_SIGTERM, end), (_SIGINT, end)):
        code += b"\xb8" + struct.pack("<I", 13)  # mov eax, rt_sigaction
        code += b"\xbf" + struct.pack("<I", signal)  # mov edi, signal
        code += b"\xbe" + struct.pack("<I", action)  # mov esi, action
        code += b"\x31\xd2"  # xor edx, edx
        code += b"\x41\xba" + struct.pack("<I", 8)  # mov r10d, sizeof(sigset_t)
        code += b"\x0f\x05"  # syscall
    code += b"\xb8" + struct.pack("<I", 34) + b"\x0f\x05"  # mov eax, pause; syscall
    code += b"\xeb\xf7"  # jmp to the mov above
    handler = len(code)
    code += b"\x31\xff" + b"\xb8" + struct.pack("<I", 231) + b"\x0f\x05"  # xor edi, edi; exit_group
    return code + bytes(-len(code) % 8), handler


def _aarch64(ignore: int, end: int) -> tuple[bytes, int]:
    svc = 0xD4000001

    def mov(register: int, value: int) -> list[int]:
        low = 0xD2800000 | (value & 0xFFFF) << 5 | register  # movz
        high = 0xF2A00000 | (value >> 16 & 0xFFFF) << 5 | register  # movk, lsl 16
        return [low, high]

    words: list[int] = []
    for signal, action in ((_SIGCHLD, ignore), (_SIGTERM, end), (_SIGINT, end)):
        words += mov(0, signal) + mov(1, action) + mov(2, 0) + mov(3, 8) + mov(8, 134) + [svc]  # rt_sigaction
    loop = len(words)
    words += mov(0, 0) + mov(1, 0) + mov(2, 0) + mov(3, 0) + mov(8, 73) + [svc]  # ppoll of nothing, for ever
    words.append(0x14000000 | ((loop - len(words)) & 0x3FFFFFF))  # b loop
    handler = len(words) * 4
    words += mov(0, 0) + mov(8, 94) + [svc]  # exit_group(0)
    code = struct.pack(f"<{len(words)}I", *words)
    return code + bytes(-len(code) % 8), handler
