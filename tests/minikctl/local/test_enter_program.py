"""The program that leaves a container's files for those of another process."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from minikctl.local.enter_image import FAILED, enter_program

EMULATORS = {"x86_64": "qemu-x86_64-static", "aarch64": "qemu-aarch64-static"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root enters namespaces")


@pytest.fixture(params=["x86_64", "aarch64"])
def enter(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The command, without its arguments."""
    machine = request.param
    path = tmp_path / "enter"
    path.write_bytes(enter_program(machine))
    path.chmod(0o755)
    if machine == platform.machine():
        return [str(path)]
    if shutil.which(EMULATORS[machine]) is None:
        pytest.skip(f"this machine runs no {machine} programs")
    return [EMULATORS[machine], str(path)]


def enters(enter: list[str]) -> None:
    if len(enter) > 1:
        pytest.skip("an emulator has threads, and a process with threads enters no mount namespace")


@needs_root
def test_it_becomes_a_program_of_the_other_mount_namespace_with_its_arguments_and_environment(
    enter: list[str], tmp_path: Path
) -> None:
    enters(enter)
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "file").write_text("seen")
    script = f"mount -t tmpfs tmpfs {tmp_path / 'hidden'} && exec {' '.join(enter)} /proc/{os.getpid()}/ns/mnt"
    shown = f'cat {tmp_path / "hidden" / "file"}; echo "$WORD" "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{script} /bin/sh -c "$1" sh one "two words"', "sh", shown],
        env={"PATH": os.environ["PATH"], "WORD": "env"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "seenenv one two words\n"


def test_its_exit_code_says_that_there_is_no_such_process(enter: list[str]) -> None:
    assert subprocess.run([*enter, "/proc/0/ns/mnt", "/bin/true"], check=False).returncode == FAILED + errno.ENOENT


@needs_root
def test_its_exit_code_says_that_the_program_cannot_be_run(enter: list[str]) -> None:
    enters(enter)
    assert subprocess.run([*enter, "/proc/self/ns/mnt", "/"], check=False).returncode == FAILED + errno.EACCES


@pytest.mark.parametrize(("machine", "number"), [("amd64", 62), ("arm64", 183)])
def test_it_is_a_static_executable_for_the_architecture(machine: str, number: int) -> None:
    program = enter_program(machine)
    assert program[:4] == b"\x7fELF"
    assert struct.unpack_from("<HH", program, 16) == (2, number)


def test_an_architecture_that_nobody_wrote_it_for_is_named() -> None:
    with pytest.raises(KeyError, match="riscv64"):
        enter_program("riscv64")
