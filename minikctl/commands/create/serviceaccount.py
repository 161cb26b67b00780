"""`minikctl create serviceaccount`. Source: k8s.io/kubectl/pkg/cmd/create/create_serviceaccount.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Invocation
from minikctl.commands.create import creating

SERVICE_ACCOUNTS = ResourceMapping("", "v1", "serviceaccounts", "ServiceAccount", True, "serviceaccount")


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": creating.metadata(call, name)}
    return creating.create(call, SERVICE_ACCOUNTS, account, _failure)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create serviceaccount: {error}")


COMMAND = Command(
    use="serviceaccount NAME [--dry-run=server|client|none]",
    short="Create a service account with the specified name",
    long="Create a service account with the specified name.",
    examples="""
  # Create a new service account named my-service-account
  minikctl create serviceaccount my-service-account""",
    run=run,
    aliases=("sa",),
    flags=creating.CREATE_FLAGS,
)
