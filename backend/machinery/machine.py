"""What a part has to know of the machine that it runs on."""

from __future__ import annotations

import socket
from pathlib import Path


def primary_address() -> str:
    """This machine's address on the way to the world (nothing is sent); 127.0.0.1 where there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


def boot_id() -> str:
    """What the kernel made up when it started; "" where it does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
