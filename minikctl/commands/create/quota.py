"""`minikctl create quota`. Source: k8s.io/kubectl/pkg/cmd/create/create_quota.go."""

from __future__ import annotations

from typing import Any

from backend.meta import quantity
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating

RESOURCE_QUOTAS = ResourceMapping("", "v1", "resourcequotas", "ResourceQuota", True, "resourcequota")


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    creating.check_flags(call)
    spec: dict[str, Any] = {}
    meta = creating.metadata(call, name)
    hard, scopes = parse_hard(call.flags["hard"]), parse_scopes(call.flags["scopes"])
    if hard:
        spec["hard"] = hard
    if scopes:
        spec["scopes"] = scopes
    quota = {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {}}
    return creating.create(call, RESOURCE_QUOTAS, quota, _failure)


def parse_hard(text: str) -> dict[str, str]:
    """`pods=1,cpu=500m`, canonical and by name. Source: populateResourceListV1."""
    found = {}
    for statement in text.split(",") if text else ():
        parts = statement.split("=")
        if len(parts) != 2:
            raise Failure(f"Invalid argument syntax {statement}, expected <resource>=<value>")
        try:
            found[parts[0]] = quantity.canonical(parts[1])
        except ValueError as error:
            raise Failure(str(error)) from None
    return dict(sorted(found.items()))


def parse_scopes(text: str) -> list[str]:
    scopes = text.split(",") if text else []
    if "" in scopes:
        raise Failure('invalid resource quota scope ""')
    return scopes


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create quota: {error}")


COMMAND = Command(
    use="quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]",
    short="Create a quota with the specified name",
    long="Create a resource quota with the specified name, hard limits, and optional scopes.",
    examples="""
  # Create a new resource quota named my-quota
  minikctl create quota my-quota --hard=cpu=1,memory=1G,pods=2,services=3,secrets=5

  # Create a new resource quota named best-effort
  minikctl create quota best-effort --hard=pods=100 --scopes=BestEffort""",
    run=run,
    aliases=("resourcequota",),
    flags=(
        *creating.CREATE_FLAGS,
        Flag("hard", "string", "", "A comma-delimited set of resource=quantity pairs that define a hard limit."),
        Flag(
            "scopes", "string", "",
            "A comma-delimited set of quota scopes that must all match each object tracked by the quota.",
        ),
    ),
)  # fmt: skip
