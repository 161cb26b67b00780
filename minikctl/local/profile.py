"""A profile: one local cluster and its folder under $MINIKCTL_HOME.

clusters/NAME/            0700, the backend's home
  backend.json            how to reach the running backend; written by it when ready
  backend.sock            its API for this user
  backend.log             what it printed
  kubeconfig              how this command line reaches it
  start.lock              held while somebody starts or stops it
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minikctl.command import CommandError

DEFAULT_PROFILE = "minikctl"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def minikctl_home() -> Path:
    """$MINIKCTL_HOME, or ~/.minikctl. Not made here."""
    configured = os.environ.get("MINIKCTL_HOME")
    return Path(configured).absolute() if configured else Path.home() / ".minikctl"


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    home: Path

    @classmethod
    def named(cls, name: str) -> Profile:
        """Raises CommandError for a name that cannot be a folder, a kubeconfig entry and a Docker label."""
        if not _NAME.fullmatch(name):
            raise CommandError(
                f'error: invalid cluster name "{name}": at most 40 lower case letters, digits and "-", '
                "starting and ending with a letter or a digit"
            )
        return cls(name, minikctl_home() / "clusters" / name)

    @classmethod
    def existing(cls) -> list[Profile]:
        """All that were ever started and not deleted, by name."""
        folder = minikctl_home() / "clusters"
        if not folder.is_dir():
            return []
        return [cls(path.name, path) for path in sorted(folder.iterdir()) if _NAME.fullmatch(path.name)]

    @property
    def socket(self) -> Path:
        return self.home / "backend.sock"

    @property
    def log(self) -> Path:
        return self.home / "backend.log"

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def context(self) -> str:
        """The name of its cluster, user and context in a kubeconfig."""
        return self.name if self.name == DEFAULT_PROFILE else f"{DEFAULT_PROFILE}-{self.name}"

    def description(self) -> dict[str, Any] | None:
        """What the backend wrote when it became ready: pid, endpoint, socket, version, startedAt, caFile,
        tokenFile. None when it never did, or stopped cleanly; a killed backend leaves it behind."""
        try:
            loaded = json.loads((self.home / "backend.json").read_text())
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            return None
        except OSError as error:
            raise CommandError(f"error: cannot read {error.filename}: {error.strerror}") from None
        return loaded if isinstance(loaded, dict) else None

    def make_home(self) -> None:
        """Make the folder, for this user only."""
        try:
            for folder in (minikctl_home(), minikctl_home() / "clusters", self.home):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"error: cannot make {error.filename}: {error.strerror}") from None
