"""Kubeconfigs for a local cluster: for our own command line, for other clients, and merged into theirs."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from minikctl.command import CommandError
from minikctl.local.profile import Profile


def build(profile: Profile, description: dict[str, Any]) -> dict[str, Any]:
    """A kubeconfig that needs no other file. Source of the shape: client-go tools/clientcmd/api/v1."""
    ca = Path(description["caFile"]).read_bytes()
    token = Path(description["tokenFile"]).read_text().strip()
    name = profile.context
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "certificate-authority-data": base64.b64encode(ca).decode(),
                    "server": description["endpoint"],
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "users": [{"name": name, "user": {"token": token}}],
    }


def write_own(profile: Profile, description: dict[str, Any]) -> None:
    """Write the profile's kubeconfig, unless it says this already: a user's changes to it (a namespace in
    the context) are kept."""
    built = build(profile, description)
    try:
        current = json.loads(profile.kubeconfig.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        current = {}
    merged = merged_into(current, built) if current else built
    if merged != current:
        replace(profile.kubeconfig, json.dumps(merged, indent=2) + "\n")


def merged_into(existing: dict[str, Any], built: dict[str, Any]) -> dict[str, Any]:
    """`existing` with our cluster, user and context added or brought up to date, and nothing else changed.

    The current context stays what it is; only where there is none, ours becomes it. A namespace that the user gave
    our context is kept.
    """
    merged = {"apiVersion": "v1", "kind": "Config", **existing}
    for section, field in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        ours = built[section][0]
        entries = list(merged.get(section) or [])
        for index, entry in enumerate(entries):
            if isinstance(entry, dict) and entry.get("name") == ours["name"]:
                kept = entry.get(field) or {} if section == "contexts" else {}
                entries[index] = {"name": ours["name"], field: {**kept, **ours[field]}}
                break
        else:
            entries.append(ours)
        merged[section] = entries
    if not merged.get("current-context"):
        merged["current-context"] = built["current-context"]
    return merged


def merge_into_file(path: Path, built: dict[str, Any]) -> None:
    """Merge into a kubeconfig that other clients own. It is replaced in one step; a file that cannot be read as
    a kubeconfig is left alone and reported."""
    import yaml

    target = path.resolve()
    try:
        text = target.read_text()
    except FileNotFoundError:
        text = ""
    except OSError as error:
        raise CommandError(f"error: cannot read {path}: {error.strerror}") from None
    try:
        existing = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        raise CommandError(f"error: {path} is not YAML and was left as it is: {error}") from None
    if not _is_kubeconfig(existing):
        raise CommandError(f"error: {path} is not a kubeconfig and was left as it is")
    merged = merged_into(existing, built)
    if merged != existing:
        replace(target, yaml.safe_dump(merged, sort_keys=False))


def _is_kubeconfig(loaded: Any) -> bool:
    if not isinstance(loaded, dict) or loaded.get("kind", "Config") != "Config":
        return False
    return all(isinstance(loaded.get(section) or [], list) for section in ("clusters", "users", "contexts"))


def replace(path: Path, text: str) -> None:
    """Replace a file durably, keeping its mode; a new one is for its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
