"""`minikctl create role`. Source: k8s.io/kubectl/pkg/cmd/create/create_role.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Invocation
from minikctl.commands.create import creating, policy_rules
from minikctl.commands.create.policy_rules import RBAC_GROUP

ROLES = ResourceMapping(RBAC_GROUP, "v1", "roles", "Role", True, "role")


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    creating.check_flags(call)
    meta = creating.metadata(call, name)
    wanted = policy_rules.asked(call)
    if not wanted.verbs:
        raise Failure("at least one verb must be specified")
    policy_rules.warn_of_verbs(call, wanted.verbs)
    if not wanted.targets:
        raise Failure("at least one resource must be specified")
    policy_rules.check_targets(call, wanted)
    rules = policy_rules.rules(call, wanted)
    role = {"kind": "Role", "apiVersion": f"{RBAC_GROUP}/v1", "metadata": meta, "rules": rules}
    return creating.create(call, ROLES, role, _failure)


def _failure(error: StatusError) -> Exception:
    return error


COMMAND = Command(
    use="role NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename]"
    " [--dry-run=server|client|none]",
    short="Create a role with single rule",
    long="Create a role with a single rule.",
    examples="""
  # Whoever has the role may read pods
  minikctl create role pod-reader --verb=get --verb=list --verb=watch --resource=pods

  # Two pods only
  minikctl create role pod-reader --verb=get --resource=pods --resource-name=readablepod --resource-name=anotherpod

  # A resource of another API group
  minikctl create role foo --verb=get,list,watch --resource=rs.apps

  # A subresource
  minikctl create role foo --verb=get,list,watch --resource=pods,pods/status""",
    run=run,
    flags=(*creating.CREATE_FLAGS, *policy_rules.RULE_FLAGS),
)
