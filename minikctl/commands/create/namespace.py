"""`minikctl create namespace`. Source: k8s.io/kubectl/pkg/cmd/create/create_namespace.go."""

from __future__ import annotations

from minikctl.client.errors import StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Invocation
from minikctl.commands.create import creating

NAMESPACES = ResourceMapping("", "v1", "namespaces", "Namespace", False, "namespace")


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    meta = creating.metadata(call, name, namespaced=False)
    namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": meta, "spec": {}, "status": {}}
    return creating.create(call, NAMESPACES, namespace, _failure)


def _failure(error: StatusError) -> Exception:
    return error


COMMAND = Command(
    use="namespace NAME [--dry-run=server|client|none]",
    short="Create a namespace with the specified name",
    long="Create a namespace with the specified name.",
    examples="""
  # Create a new namespace named my-namespace
  minikctl create namespace my-namespace""",
    run=run,
    aliases=("ns",),
    flags=creating.CREATE_FLAGS,
)
