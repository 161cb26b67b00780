"""The kubeconfig files that `config` reads and changes. Source: k8s.io/client-go/tools/clientcmd/config.go."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

from minikctl.client import kubeconfig
from minikctl.client.errors import Failure
from minikctl.command import Invocation
from minikctl.commands.config.fields import with_plugin_defaults

SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
"""Each list of named entries, and the key of an entry's value."""

_PATHS = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}
_ALWAYS = {"clusters": {"server": ""}, "contexts": {"cluster": "", "user": ""}, "users": {}}


class Files:
    """The files in the order in which they count, as they are now; `save` writes those that were changed.

    `cluster` is the profile that --cluster chose, or "" where that flag means something else.
    """

    def __init__(self, call: Invocation, cluster: str) -> None:
        self.paths: list[str]
        given = os.environ.get("MINIKCTL_KUBECONFIG", "")
        if flag := call.flags["kubeconfig"]:
            self.paths = [flag]
        elif listed := [path for path in given.split(os.pathsep) if path]:
            self.paths = list(dict.fromkeys(listed))
        else:
            self.paths = [os.path.join(kubeconfig.profile_dir(kubeconfig.profile_name(cluster)), "kubeconfig")]
        self._documents = {path: kubeconfig.read(path) for path in self.paths}
        self._read = copy.deepcopy(self._documents)

    @property
    def default(self) -> str:
        """Where new entries go: the first file that exists, else the last one."""
        return next((path for path in self.paths if os.path.exists(path)), self.paths[-1])

    @property
    def current(self) -> str:
        """The current context's name."""
        names = (str(self._documents[path].get("current-context") or "") for path in self.paths)
        return next((name for name in names if name), "")

    @current.setter
    def current(self, name: str) -> None:
        holders = [path for path in self.paths if self._documents[path].get("current-context")]
        self._documents[(holders or [self.default])[0]]["current-context"] = name

    def entries(self, section: str) -> dict[str, dict[str, Any]]:
        """The values by name; the first file to set a name wins."""
        found: dict[str, dict[str, Any]] = {}
        for path in self.paths:
            for entry in self._documents[path].get(section) or []:
                found.setdefault(entry.get("name", ""), entry.get(SECTIONS[section]) or {})
        return found

    def merged(self) -> dict[str, Any]:
        """One document of all files; what is in none of its sections is the first file's that has it."""
        made: dict[str, Any] = {}
        for path in reversed(self.paths):
            made.update(self._documents[path])
        for section, key in SECTIONS.items():
            made[section] = [{"name": name, key: dict(value)} for name, value in self.entries(section).items()]
        made["current-context"] = self.current
        return made

    def put(self, section: str, name: str, value: dict[str, Any]) -> None:
        """Set an entry in the file that has it. Paths of files in that file's folder become relative to it."""
        path = self._holder(section, name)
        base = os.path.dirname(os.path.abspath(path))
        for key in _PATHS.get(section, ()):
            if os.path.isabs(value.get(key) or ""):
                relative = os.path.relpath(value[key], base)
                value = {**value, key: value[key] if relative.startswith("../") else relative}
        document = self._documents[path]
        kept = [entry for entry in document.get(section) or [] if entry.get("name") != name]
        document[section] = [*kept, {"name": name, SECTIONS[section]: value}]

    def remove(self, section: str, name: str) -> None:
        """Drop an entry from the file whose entry counts; nothing happens if there is none."""
        document = self._documents[self._holder(section, name)]
        document[section] = [entry for entry in document.get(section) or [] if entry.get("name") != name]

    def clear(self, section: str) -> None:
        """Drop a section's entries from every file."""
        for document in self._documents.values():
            if section in document:
                document[section] = []

    def set_preference(self, name: str, value: Any) -> None:
        """Set one of the preferences; None unsets it."""
        document = self._documents[self.default]
        preferences = {**(document.get("preferences") or {}), name: value}
        document["preferences"] = {key: one for key, one in preferences.items() if one is not None}

    def save(self) -> None:
        """Replace the changed files, each in one step, with its mode kept and in the form that it had."""
        from minikctl.local.kubeconfig import replace

        for path, document in self._documents.items():
            if document == self._read[path]:
                continue
            normal = normalized(document)
            try:
                replace(Path(os.path.realpath(path)), _text(normal, _is_json(path)))
            except OSError as error:
                raise Failure(f"open {path}: {(error.strerror or str(error)).lower()}") from None

    def _holder(self, section: str, name: str) -> str:
        for path in self.paths:
            if any(entry.get("name") == name for entry in self._documents[path].get(section) or []):
                return path
        return self.default


def normalized(document: dict[str, Any]) -> dict[str, Any]:
    """As kubectl writes it: entries by name, fields that are always there, none that are empty."""
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", **document}
    for section, key in SECTIONS.items():
        listed = [
            {
                "name": entry.get("name", ""),
                key: with_plugin_defaults({**_ALWAYS[section], **(entry.get(key) or {})}),
            }
            for entry in document.get(section) or []
        ]
        made[section] = sorted(listed, key=lambda entry: entry["name"]) or None
    made["current-context"] = document.get("current-context") or ""
    if not made.get("preferences"):
        made.pop("preferences", None)
    return made


def _is_json(path: str) -> bool:
    """The local cluster's own file is JSON, and must stay so: what starts the cluster reads it as such."""
    try:
        with open(path, "rb") as file:
            return file.read(64).lstrip().startswith(b"{")
    except FileNotFoundError:
        return False


def _text(document: dict[str, Any], as_json: bool) -> str:
    if as_json:
        return (
            json.dumps({key: [] if value is None else value for key, value in document.items()}, indent=2) + "\n"
        )
    from minikctl.output.yaml_out import dumps

    return dumps(document)
