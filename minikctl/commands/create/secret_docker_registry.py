"""`minikctl create secret docker-registry`: what a pod needs to pull from a private registry.

Source: k8s.io/kubectl/pkg/cmd/create/create_secret_docker.go.
"""

from __future__ import annotations

import base64

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating, sources
from minikctl.commands.create.secret import HASH_FLAG, Keys, send
from minikctl.output.json_out import dumps

TYPE = "kubernetes.io/dockerconfigjson"
KEY = ".dockerconfigjson"


def run(call: Invocation) -> int:
    flags = call.flags
    name = creating.single_name(call)
    creating.metadata(call, name)
    server, user, password = (flags[f"docker-{part}"] for part in ("server", "username", "password"))
    if not flags["from-file"] and not (server and user and password):
        raise Failure(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is"
            " required"
        )
    keys = Keys()
    if flags["from-file"]:
        sources.add_files((_with_key(source) for source in flags["from-file"]), keys.add)
    else:
        keys.add(KEY, docker_config(server, user, password, flags["docker-email"]))
    return send(call, name, TYPE, keys.data)


def _with_key(source: str) -> str:
    """A file without a key is the .dockerconfigjson."""
    return source if "=" in source else f"{KEY}={source}"


def docker_config(server: str, user: str, password: str, email: str) -> bytes:
    """A ~/.docker/config.json with one registry."""
    entry = {"username": user, "password": password}
    if email:
        entry["email"] = email
    entry["auth"] = base64.b64encode(f"{user}:{password}".encode()).decode()
    return dumps({"auths": {server: entry}}, None, sort_keys=False).encode()


COMMAND = Command(
    use="docker-registry NAME --docker-username=user --docker-password=password --docker-email=email"
    " [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]",
    short="Create a secret for use with a Docker registry",
    long="Create a secret with which pods pull images from a private registry.\n\n"
    "It holds a Docker configuration with one registry's credentials, or the file that `docker login` wrote. A pod uses"
    " it when its spec.imagePullSecrets names it.",
    examples="""
  # From a user's name and password
  minikctl create secret docker-registry my-secret --docker-username=me --docker-password=secret

  # From the file that docker login wrote
  minikctl create secret docker-registry my-secret --from-file=path/to/.docker/config.json""",
    run=run,
    flags=(
        HASH_FLAG,
        *creating.CREATE_FLAGS,
        Flag("docker-email", "string", "", "Email for Docker registry"),
        Flag("docker-password", "string", "", "Password for Docker registry authentication"),
        Flag("docker-server", "string", "https://index.docker.io/v1/", "Server location for Docker registry"),
        Flag("docker-username", "string", "", "Username for Docker registry authentication"),
        Flag(
            "from-file", "stringSlice", [],
            "Key files can be specified using their file path, in which case a default name of .dockerconfigjson will"
            " be given to them, or optionally with a name and file path, in which case the given name will be used."
            " Specifying a directory will iterate each named file in the directory that is a valid secret key. For this"
            " command, the key should always be .dockerconfigjson.",
        ),
    ),
)  # fmt: skip
