"""From root in the backend's container to the backend as its user, with the few privileges that it needs.

Run as a file of its own, by `python -I -S FILE PID ORDER`: descriptor ORDER of process PID, which waits, has a JSON
object with `command`, `environment`, `uid`, `gid`, `groups` and `capabilities` (numbers) of what is to be run, the
descriptor `output` of that process for what it prints and, unless null, `ready` for what it says to --ready-fd.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Sequence

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAPABILITY_VERSION = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: two sets of 32 bits each."""


def main(arguments: Sequence[str]) -> None:
    """Does not return."""
    pid, number = arguments
    with open(_descriptor(pid, number), encoding="utf-8") as file:
        order = json.load(file)
    output = os.open(_descriptor(pid, order["output"]), os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    command = order["command"]
    if order["ready"] is not None:
        ready = os.open(_descriptor(pid, order["ready"]), os.O_WRONLY)
        os.set_inheritable(ready, True)
        command = [*command, "--ready-fd", str(ready)]
    _become(order["uid"], order["gid"], order["groups"], order["capabilities"])
    os.chdir("/")
    os.execve(command[0], command, order["environment"])


def _descriptor(pid: str, number: str | int) -> str:
    return f"/proc/{pid}/fd/{number}"


def _become(uid: int, gid: int, groups: Sequence[int], capabilities: Sequence[int]) -> None:
    """That user, whose programs keep the capabilities when they become others. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    mask = sum(1 << number for number in capabilities)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)
    _check(libc.capset(header, sets))
    for number in capabilities:
        _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv[1:])
