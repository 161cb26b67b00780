"""Static programs of a few instructions, for container images that are made here: no compiler and no registry."""

from __future__ import annotations

import io
import struct
import tarfile

_BASE = 0x400000
_HEADERS_BYTES = 64 + 56
CODE_ADDRESS = _BASE + _HEADERS_BYTES
"""Where a program's first instruction is, which is also where it starts."""
_MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183}


def is_x86_64(machine: str) -> bool:
    """Whether it is that of the two architectures that programs are known for. Raises KeyError for a third one."""
    return _MACHINES[machine] == 62


def executable(machine: str, content: bytes) -> bytes:
    """An ELF file of one segment, readable and executable, that holds the headers and `content` (code, then data).

    `machine` is as uname -m or Docker say it; KeyError for one that nobody wrote code for.
    """
    size = _HEADERS_BYTES + len(content)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    fields = (2, _MACHINES[machine], 1, CODE_ADDRESS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    header = identity + struct.pack("<HHIQQQIHHHHHH", *fields)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000) + content


def image_archive(name: str, program: bytes) -> bytes:
    """What an engine imports as an image that has nothing but `program`, at /NAME."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(program)
        entry.mode = 0o755
        tar.addfile(entry, io.BytesIO(program))
    return archive.getvalue()
