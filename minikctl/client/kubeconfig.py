"""Which server to talk to, and as whom: a small kubeconfig loader.

minikctl reads `--kubeconfig`, else `$MINIKCTL_KUBECONFIG` (a list, as $PATH is), else the chosen profile's own file;
never `$KUBECONFIG`, so that it does not touch a real cluster by accident.
Source of the merge rules: k8s.io/client-go/tools/clientcmd (the first file to set a name wins).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import CommandError

DEFAULT_PROFILE = "minikctl"


def home() -> str:
    """$MINIKCTL_HOME, or ~/.minikctl: where profiles and caches live."""
    return os.environ.get("MINIKCTL_HOME") or os.path.join(os.path.expanduser("~"), ".minikctl")


def profile_name(flag: str) -> str:
    """The local cluster that `--cluster`, else $MINIKCTL_CLUSTER, chooses."""
    return flag or os.environ.get("MINIKCTL_CLUSTER") or DEFAULT_PROFILE


def profile_dir(profile: str) -> str:
    return os.path.join(home(), "clusters", profile)


class Kubeconfig:
    """Merged files: clusters, users and contexts by name, and the current context's name.

    Relative paths inside a file are made absolute against that file's directory.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, dict[str, Any]] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.contexts: dict[str, dict[str, Any]] = {}
        self.current = ""

    def context(self, name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """(context, cluster, user) of `name`, else of the current context; Failure if a name leads nowhere."""
        chosen = name or self.current
        if not chosen:
            return {}, {}, {}
        context = self.contexts.get(chosen)
        if context is None:
            if name:
                raise CommandError(f"Error in configuration: context was not found for specified context: {name}")
            return {}, {}, {}
        return (
            context,
            self.clusters.get(context.get("cluster", ""), {}),
            self.users.get(context.get("user", ""), {}),
        )


def load(flags: Mapping[str, Any], profile: str) -> tuple[Kubeconfig, bool]:
    """(the configuration, whether it is the profile's own file). A missing file is as an empty one, except
    one that --kubeconfig names."""
    if path := flags.get("kubeconfig"):
        if not os.path.exists(path):
            raise Failure(f"stat {path}: no such file or directory")
        return _merge([path]), False
    if paths := os.environ.get("MINIKCTL_KUBECONFIG"):
        return _merge(list(dict.fromkeys(p for p in paths.split(os.pathsep) if p))), False
    return _merge([os.path.join(profile_dir(profile), "kubeconfig")]), True


def _merge(paths: list[str]) -> Kubeconfig:
    merged = Kubeconfig()
    for path in paths:
        document = read(path)
        base = os.path.dirname(os.path.abspath(path))
        for section, key, into in (
            ("clusters", "cluster", merged.clusters),
            ("users", "user", merged.users),
            ("contexts", "context", merged.contexts),
        ):
            for entry in document.get(section) or []:
                value = entry.get(key) or {}
                for name in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                    if value.get(name):
                        value[name] = os.path.join(base, value[name])
                into.setdefault(entry.get("name", ""), value)
        merged.current = merged.current or document.get("current-context") or ""
    return merged


def read(path: str) -> dict[str, Any]:
    """A file's document; {} if there is no such file. Failure for one that is no kubeconfig."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Failure(f'error loading config file "{path}": open {path}: {reason}') from None
    # Our own file is JSON, which YAML contains: parsing it as such saves PyYAML's import.
    try:
        document = json.loads(text) if text.lstrip().startswith(b"{") else None
    except ValueError:
        document = None
    if document is None:
        from minikctl.client.yaml_load import YamlFault, load_document

        try:
            document = load_document(text)
        except YamlFault as fault:
            raise Failure(f'error loading config file "{path}": {fault}') from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise Failure(f'error loading config file "{path}": cannot unmarshal into a Config')
    return document
