"""A volume's own directory: whatever user a container runs as may use it (kubelet's emptyDir mode)."""

from __future__ import annotations

from pathlib import Path


def open_directory(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o777 != 0o777:
        directory.chmod(0o777)
