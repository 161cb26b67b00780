"""`minikctl create configmap`: a config map from files, folders, literals or env files.

Source: k8s.io/kubectl/pkg/cmd/create/create_configmap.go.
"""

from __future__ import annotations

import base64
from typing import Any

from backend.meta.names import config_map_key
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating, sources
from minikctl.commands.create.secret import name_hash
from minikctl.flags import go_quote

CONFIGMAPS = ResourceMapping("", "v1", "configmaps", "ConfigMap", True, "configmap")


class Keys:
    """Text goes to data, what is not UTF-8 to binaryData."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.data: dict[str, str] = {}
        self.binary: dict[str, str] = {}

    def add(self, key: str, value: bytes) -> None:
        faults = config_map_key(key)
        if faults:
            raise Failure(f"{go_quote(key)} is not a valid key name for a ConfigMap: {','.join(faults)}")
        for where, taken in (("Data", self.data), ("BinaryData", self.binary)):
            if key in taken:
                raise Failure(
                    f"cannot add key {go_quote(key)}, another key by that name already exists in {where} for"
                    f" ConfigMap {go_quote(self._name)}"
                )
        try:
            self.data[key] = value.decode()
        except UnicodeDecodeError:
            self.binary[key] = base64.b64encode(value).decode()


def run(call: Invocation) -> int:
    flags = call.flags
    name = creating.single_name(call)
    meta = creating.metadata(call, name)
    sources.check_combination(flags["from-env-file"], flags["from-file"], flags["from-literal"])
    keys = Keys(name)
    sources.add_files(flags["from-file"], keys.add)
    sources.add_literals(flags["from-literal"], keys.add)
    sources.add_env_files(flags["from-env-file"], "config", keys.add)
    data = {key: keys.data[key] for key in sorted(keys.data)}
    binary = {key: keys.binary[key] for key in sorted(keys.binary)}
    configmap: dict[str, Any] = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta}
    if data:
        configmap["data"] = data
    if binary:
        configmap["binaryData"] = binary
    if flags[creating.APPEND_HASH]:
        hashed: dict[str, Any] = {"kind": "ConfigMap", "name": name, "data": data}
        if binary:
            hashed["binaryData"] = binary
        meta["name"] = f"{name}-{name_hash(hashed)}"
    return creating.create(call, CONFIGMAPS, configmap, _failure)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create configmap: {error}")


COMMAND = Command(
    use="configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    short="Create a config map from a local file, directory or literal value",
    long="Create a config map from files, folders or literal values.\n\n"
    "A file's key is its name, unless the key is given before it. A folder gives a key for each regular file in it"
    " whose name can be a key; links, folders and the like in it are passed over.",
    examples="""
  # A key for each file of the folder bar
  minikctl create configmap my-config --from-file=path/to/bar

  # Keys of your own choice instead of the files' names
  minikctl create configmap my-config --from-file=key1=file1.txt --from-file=key2=file2.txt

  # Values from the command line
  minikctl create configmap my-config --from-literal=key1=config1 --from-literal=key2=config2

  # From env files
  minikctl create configmap my-config --from-env-file=path/to/foo.env --from-env-file=path/to/bar.env""",
    run=run,
    aliases=("cm",),
    flags=(
        Flag(creating.APPEND_HASH, "bool", False, "Append a hash of the configmap to its name."),
        *creating.CREATE_FLAGS,
        *sources.source_flags("configmap"),
    ),
)
