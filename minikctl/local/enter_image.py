"""The image of the backend's own container: one static program that leaves the container's files for this machine's.

`/enter /proc/PID/ns/mnt PROGRAM ARGUMENTS...` enters that mount namespace and becomes PROGRAM, which is then where it
would be had a user started it: all paths are as they were, and what it mounts is seen by everybody. That is few enough
instructions to write them down. It ends with FAILED + the system's error number where it cannot.
"""

from __future__ import annotations

import struct

from backend.meta.elf import executable, image_archive, is_x86_64

IMAGE = "minikctl/enter:1"
PROGRAM = "/enter"
FAILED = 100
_O_CLOEXEC = 0x80000
_CLONE_NEWNS = 0x20000


def enter_image(machine: str) -> bytes:
    """The archive that an engine imports. Raises KeyError for an architecture that nobody wrote the program for."""
    return image_archive(PROGRAM.lstrip("/"), enter_program(machine))


def enter_program(machine: str) -> bytes:
    return executable(machine, _x86_64() if is_x86_64(machine) else _aarch64())


def _x86_64() -> bytes:
    opening = b"\x48\x8b\x7c\x24\x10"  # mov rdi, [rsp+16]: argv[1]
    opening += b"\xbe" + struct.pack("<I", _O_CLOEXEC)  # mov esi, O_RDONLY | O_CLOEXEC
    opening += b"\xb8" + struct.pack("<I", 2) + b"\x0f\x05\x85\xc0"  # mov eax, open; syscall; test eax, eax
    entering = b"\x89\xc7\xbe" + struct.pack("<I", _CLONE_NEWNS)  # mov edi, eax; mov esi, CLONE_NEWNS
    entering += b"\xb8" + struct.pack("<I", 308) + b"\x0f\x05\x85\xc0"  # mov eax, setns; syscall; test eax, eax
    becoming = b"\x48\x8b\x7c\x24\x18"  # mov rdi, [rsp+24]: argv[2]
    becoming += b"\x48\x8d\x74\x24\x18"  # lea rsi, [rsp+24]: what follows argv[1]
    becoming += b"\x48\x8b\x04\x24\x48\x8d\x54\xc4\x10"  # mov rax, [rsp]; lea rdx, [rsp+rax*8+16]: the environment
    becoming += b"\xb8" + struct.pack("<I", 59) + b"\x0f\x05"  # mov eax, execve; syscall
    failing = b"\xbf" + struct.pack("<I", FAILED) + b"\x29\xc7"  # mov edi, FAILED; sub edi, eax
    failing += b"\xb8" + struct.pack("<I", 231) + b"\x0f\x05"  # mov eax, exit_group; syscall
    entering += b"\x78" + bytes([len(becoming)])  # js failing
    opening += b"\x78" + bytes([len(entering) + len(becoming)])  # js failing
    return opening + entering + becoming + failing


def _aarch64() -> bytes:
    def mov(register: int, value: int) -> list[int]:
        low = 0xD2800000 | (value & 0xFFFF) << 5 | register  # movz
        high = 0xF2A00000 | (value >> 16 & 0xFFFF) << 5 | register  # movk, lsl 16
        return [low, high]

    svc = 0xD4000001

    def load(register: int, offset: int) -> int:
        return 0xF9400000 | offset // 8 << 10 | 31 << 5 | register  # ldr register, [sp, offset]

    def to_failing(words: list[int]) -> int:
        return 0xB7F80000 | (len(words) + 1) << 5  # tbnz x0, 63: over `words`

    becoming = [load(0, 24), 0x91000000 | 24 << 10 | 31 << 5 | 1]  # add x1, sp, 24
    becoming += [load(3, 0), 0x91000000 | 16 << 10 | 31 << 5 | 2]  # argc; add x2, sp, 16
    becoming += [0x8B000000 | 3 << 16 | 3 << 10 | 2 << 5 | 2]  # add x2, x2, x3, lsl 3
    becoming += [*mov(8, 221), svc]  # execve
    entering = [*mov(1, _CLONE_NEWNS), *mov(8, 268), svc]  # setns
    entering += [to_failing(becoming)]
    opening = [0x92800000 | 99 << 5, load(1, 16), *mov(2, _O_CLOEXEC), *mov(3, 0), *mov(8, 56), svc]  # openat
    opening += [to_failing(entering + becoming)]
    failing = [*mov(1, FAILED), 0xCB000000 | 0 << 16 | 1 << 5 | 0, *mov(8, 94), svc]  # sub x0, x1, x0; exit_group
    words = opening + entering + becoming + failing
    return struct.pack(f"<{len(words)}I", *words)
