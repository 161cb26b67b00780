"""What the secret commands share: the object, its keys, its hash.

Source: k8s.io/kubectl/pkg/cmd/create/create_secret.go and k8s.io/kubectl/pkg/util/hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from backend.meta.names import config_map_key
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Flag, Invocation
from minikctl.commands.create import creating
from minikctl.flags import go_quote

SECRETS = ResourceMapping("", "v1", "secrets", "Secret", True, "secret")

HASH_FLAG = Flag(creating.APPEND_HASH, "bool", False, "Append a hash of the secret to its name.")


class Keys:
    """The data of a new secret, with kubectl's errors for keys."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def add(self, key: str, value: bytes) -> None:
        faults = config_map_key(key)
        if faults:
            raise Failure(f"{go_quote(key)} is not valid key name for a Secret {';'.join(faults)}")
        if key in self.data:
            raise Failure(f"cannot add key {key}, another key by that name already exists")
        self.data[key] = value


def send(call: Invocation, name: str, type_: str, data: dict[str, bytes]) -> int:
    """Make the Secret of these values, send and print it."""
    meta = creating.metadata(call, name)
    secret: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "metadata": meta}
    encoded = {key: base64.b64encode(data[key]).decode() for key in sorted(data)}
    if encoded:
        secret["data"] = encoded
    if type_:
        secret["type"] = type_
    if call.flags[creating.APPEND_HASH]:
        hashed = {"data": encoded, "kind": "Secret", "name": name, "type": type_}
        meta["name"] = f"{name}-{name_hash(hashed)}"
    return creating.create(call, SECRETS, secret, _failure)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create secret {error}")


_READABLE = str.maketrans("013ae", "ghkmt")


def name_hash(content: dict[str, Any]) -> str:
    """Ten characters of the SHA-256 of the object's canonical JSON, without those that could spell words."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(_READABLE)
