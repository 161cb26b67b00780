"""`minikctl create clusterrolebinding`. Source: k8s.io/kubectl/pkg/cmd/create/create_clusterrolebinding.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.binding_subjects import binding, subject_flags
from minikctl.commands.create.policy_rules import RBAC_GROUP

CLUSTER_ROLE_BINDINGS = ResourceMapping(
    RBAC_GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", False, "clusterrolebinding"
)


def run(call: Invocation) -> int:
    if "clusterrole" not in call.changed:
        raise Failure('required flag(s) "clusterrole" not set')
    name = creating.single_name(call)
    creating.check_flags(call)
    meta = creating.metadata(call, name, namespaced=False)
    made = binding(call, "ClusterRoleBinding", meta, "ClusterRole", call.flags["clusterrole"])
    return creating.create(call, CLUSTER_ROLE_BINDINGS, made, _failure)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create clusterrolebinding: {error}")


COMMAND = Command(
    use="clusterrolebinding NAME --clusterrole=NAME [--user=username] [--group=groupname]"
    " [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    short="Create a cluster role binding for a particular cluster role",
    long="Give a cluster role to users, groups and service accounts in all namespaces.",
    examples="""
  # Two users and a group may do everything
  minikctl create clusterrolebinding cluster-admin --clusterrole=cluster-admin --user=user1 --user=user2 --group=group1
""".rstrip(),
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        *subject_flags("clusterrole"),
        Flag("clusterrole", "string", "", "ClusterRole this ClusterRoleBinding should reference"),
    ),
)
