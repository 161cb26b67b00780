"""An image's only layer, made from this machine's static busybox: nothing is pulled for a test."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")


def busybox_layer() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in ("bin", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        tar.add(BUSYBOX, "bin/busybox")
        for applet in (
            "sh",
            "cat",
            "sleep",
            "echo",
            "ls",
            "hostname",
            "id",
            "ps",
            "stty",
            "wget",
            "nc",
            "head",
            "kill",
            "true",
            "printf",
        ):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return archive.getvalue()
