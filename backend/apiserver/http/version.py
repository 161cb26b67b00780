"""/version: which Kubernetes this API is. kubectl prints `gitVersion`, and warns of skew by the other two."""

from __future__ import annotations

import platform

from backend.meta.schema import KUBERNETES_VERSION
from backend.meta.types import Obj

MAJOR, MINOR, _ = KUBERNETES_VERSION.split(".")
GIT_VERSION = f"v{KUBERNETES_VERSION}"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def version() -> Obj:
    """version.Info; there is no Go here, and the fields that describe a Go build say so."""
    machine = platform.machine()
    return {
        "major": MAJOR, "minor": MINOR, "gitVersion": GIT_VERSION, "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "n/a", "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{ARCHITECTURES.get(machine, machine)}",
    }  # fmt: skip
