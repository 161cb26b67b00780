"""The sandbox's program, without an engine."""

from __future__ import annotations

import platform
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from backend.kubelet.runtime.api import RuntimeFailure
from backend.kubelet.runtime.pause_image import pause_program

EMULATORS = {"x86_64": "qemu-x86_64-static", "aarch64": "qemu-aarch64-static"}


def command(machine: str, path: Path) -> list[str]:
    path.write_bytes(pause_program(machine))
    path.chmod(0o755)
    if machine == platform.machine():
        return [str(path)]
    if shutil.which(EMULATORS[machine]) is None:
        pytest.skip(f"this machine runs no {machine} programs")
    return [EMULATORS[machine], str(path)]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_sleeps_until_it_is_told_to_end(machine: str, number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(command(machine, tmp_path / "pause"))
    try:
        time.sleep(0.3)
        assert process.poll() is None
        assert ticks(process.pid) <= 5
        process.send_signal(signal.SIGCHLD)
        time.sleep(0.05)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(5) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def ticks(pid: int) -> int:
    """CPU time of a process, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.parametrize(("machine", "number"), [("amd64", 62), ("arm64", 183)])
def test_the_file_is_a_static_executable(machine: str, number: int) -> None:
    program = pause_program(machine)
    kind, architecture = struct.unpack_from("<HH", program, 16)
    assert program[:4] == b"\x7fELF"
    assert (kind, architecture) == (2, number)
    assert len(program) < 1024
    file_size, memory_size = struct.unpack_from("<QQ", program, 64 + 32)
    assert file_size == memory_size == len(program)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(RuntimeFailure, match="no sandbox image for the architecture s390x"):
        pause_program("s390x")
