"""Files that a kubeconfig names, or has inside."""

from __future__ import annotations

import base64
import os

from minikctl.client.errors import Failure


def check_file(flag: str, path: str) -> None:
    """Failure unless `path`, of --`flag`, can be found."""
    try:
        os.stat(path)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Failure(f"could not stat {flag} file {path}: stat {path}: {reason}") from None


def encoded(path: str) -> str:
    """A file's bytes in base64."""
    try:
        with open(path, "rb") as file:
            return base64.b64encode(file.read()).decode()
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}") from None
