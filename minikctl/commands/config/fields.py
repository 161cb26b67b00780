"""The fields of a kubeconfig, in the order in which kubectl prints them as JSON.

Source: k8s.io/client-go/tools/clientcmd/api/v1/types.go.
"""

from __future__ import annotations

from typing import Any

FIELDS: dict[str, dict[str, str]] = {
    "clusters": {
        "server": "string",
        "tls-server-name": "string",
        "insecure-skip-tls-verify": "bool",
        "certificate-authority": "string",
        "certificate-authority-data": "bytes",
        "proxy-url": "string",
        "disable-compression": "bool",
        "extensions": "object",
    },
    "users": {
        "client-certificate": "string",
        "client-certificate-data": "bytes",
        "client-key": "string",
        "client-key-data": "bytes",
        "token": "string",
        "tokenFile": "string",
        "as": "string",
        "as-uid": "string",
        "as-groups": "object",
        "as-user-extra": "object",
        "username": "string",
        "password": "string",
        "auth-provider": "object",
        "exec": "object",
        "extensions": "object",
    },
    "contexts": {"cluster": "string", "user": "string", "namespace": "string", "extensions": "object"},
}

_DOCUMENT = ("kind", "apiVersion", "preferences", "clusters", "users", "contexts", "current-context", "extensions")
_EXEC = ("command", "args", "env", "apiVersion", "installHint", "provideClusterInfo", "interactiveMode")
_SECRETS = ("token", "password")


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """A normalized document with its keys in this order, those that are not known last."""
    made = _ordered(document, _DOCUMENT)
    for section, fields in FIELDS.items():
        key = section.removesuffix("s")
        if document[section] is not None:
            made[section] = [
                {"name": entry["name"], key: _ordered(entry[key], tuple(fields))} for entry in document[section]
            ]
    return made


def with_plugin_defaults(user: dict[str, Any]) -> dict[str, Any]:
    """A user, its credential plugin with the fields that are always written."""
    if not isinstance(user.get("exec"), dict):
        return user
    plugin = {"args": None, "env": None, "provideClusterInfo": False, **user["exec"]}
    return {**user, "exec": _ordered(plugin, _EXEC)}


def _ordered(value: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value[key] for key in (*(key for key in keys if key in value), *value)}


def redacted(document: dict[str, Any]) -> dict[str, Any]:
    """Without what may not be shown: secrets and certificates' bytes."""
    made = dict(document)
    for section, fields in FIELDS.items():
        key = section.removesuffix("s")
        if document[section] is not None:
            made[section] = [
                {"name": entry["name"], key: {name: _shown(name, one, fields) for name, one in entry[key].items()}}
                for entry in document[section]
            ]
    return made


def _shown(name: str, value: Any, fields: dict[str, str]) -> Any:
    if value and fields.get(name) == "bytes":
        return "DATA+OMITTED"
    return "REDACTED" if value and name in _SECRETS else value
