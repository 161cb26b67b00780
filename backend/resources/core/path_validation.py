"""Rules of paths in volumes. Source: validateLocalDescendingPath and its fellows."""

from __future__ import annotations

from backend.meta import causes
from backend.meta.errors import Cause


def validate_no_backsteps(text: str, path: str) -> list[Cause]:
    if ".." in text.split("/"):
        return [causes.invalid_value(path, text, "must not contain '..'")]
    return []


def validate_local_descending_path(text: str, path: str) -> list[Cause]:
    """Relative, and never up."""
    found = [causes.invalid_value(path, text, "must be a relative path")] if text.startswith("/") else []
    return found + validate_no_backsteps(text, path)


def validate_local_path(text: str, path: str) -> list[Cause]:
    """The same, and not one of the names that the kubelet keeps for itself (`..data`)."""
    found = validate_local_descending_path(text, path)
    if text.startswith("..") and not text.startswith("../"):
        found.append(causes.invalid_value(path, text, "must not start with '..'"))
    return found
