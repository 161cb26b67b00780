"""What this process may do of what only root can. Source of the numbers: linux/capability.h."""

from __future__ import annotations

from functools import cache

NUMBERS = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "SETGID": 6, "SETUID": 7, "NET_BIND_SERVICE": 10,
    "NET_ADMIN": 12, "NET_RAW": 13, "SYS_MODULE": 16, "SYS_CHROOT": 18, "SYS_PTRACE": 19, "SYS_ADMIN": 21,
}  # fmt: skip
"""Those that somebody here asks about, by the names that container engines give them."""


@cache
def holds(name: str) -> bool:
    """Whether the capability was in effect for this process when it was first asked about: nothing here gives one up.
    False where there are none (not Linux)."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
            masks = [line.split()[1] for line in lines if line.startswith("CapEff:")]
    except OSError:
        return False
    return bool(masks) and bool(int(masks[0], 16) >> NUMBERS[name] & 1)
