"""This machine's programs in a pod, read only: Python, its packages, and kubectl, which no image of the tests has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_LIBRARIES = ("/lib", "/lib64", "/usr/lib")


def add_to(pod: dict[str, Any]) -> dict[str, Any]:
    """`pod` itself, whose containers then have `sys.executable` and what is beside it at the same paths."""
    folders = sorted(folder for folder in {*_LIBRARIES, sys.prefix, sys.base_prefix} if Path(folder).is_dir())
    spec = pod["spec"]
    spec["volumes"] = [
        {"name": f"host-{number}", "hostPath": {"path": path}} for number, path in enumerate(folders)
    ]
    for container in spec["containers"]:
        container["volumeMounts"] = [
            {"name": f"host-{number}", "mountPath": path, "readOnly": True} for number, path in enumerate(folders)
        ]
    return pod
