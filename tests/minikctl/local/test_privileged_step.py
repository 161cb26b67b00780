"""From root to a user with a few capabilities."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from backend.meta.capabilities import NUMBERS
from minikctl.local import privileged_step

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
UID, GID = 43210, 43211


def run(command: list[str], *, ready: int | None = None, capabilities: tuple[str, ...] = ()) -> str:
    """What the command prints when the step has it run."""
    order, output = os.memfd_create("order"), os.memfd_create("output")
    told = {
        "command": command, "environment": {"WORD": "told"}, "uid": UID, "gid": GID, "groups": [GID, 7],
        "capabilities": [NUMBERS[name] for name in capabilities], "output": output, "ready": ready,
    }  # fmt: skip
    try:
        os.write(order, json.dumps(told).encode())
        step = [sys.executable, "-I", "-S", privileged_step.__file__, str(os.getpid()), str(order)]
        subprocess.run(step, env={"WORD": "own"}, check=True, timeout=30)
        return os.pread(output, 65536, 0).decode()
    finally:
        os.close(order)
        os.close(output)


def test_it_becomes_the_user_with_the_groups_the_environment_and_no_privileges() -> None:
    shown = run(["/bin/sh", "-c", "id -u; id -g; id -G; echo $WORD; pwd; grep ^Cap /proc/self/status"])
    uid, gid, groups, word, folder, *masks = shown.splitlines()
    assert (uid, gid, groups, word, folder) == (str(UID), str(GID), f"{GID} 7", "told", "/")
    assert [mask.split()[1] for mask in masks if not mask.startswith("CapBnd")] == ["0" * 16] * 4


def test_the_capabilities_are_those_of_its_programs_too() -> None:
    shown = run(["/bin/sh", "-c", "grep CapEff /proc/self/status"], capabilities=("CHOWN", "NET_ADMIN"))
    assert int(shown.split()[1], 16) == 1 << 0 | 1 << 12


def test_the_command_is_given_the_pipe_of_who_waits() -> None:
    reader, writer = os.pipe()
    try:
        run(
            ["/bin/sh", "-c", 'test "$0" = --ready-fd && echo ready >&$1'],
            ready=writer,
            capabilities=("SYS_PTRACE",),
        )
        assert os.read(reader, 100) == b"ready\n"
    finally:
        os.close(reader)
        os.close(writer)
