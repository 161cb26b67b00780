"""`minikctl create rolebinding`. Source: k8s.io/kubectl/pkg/cmd/create/create_rolebinding.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.binding_subjects import binding, subject_flags
from minikctl.commands.create.policy_rules import RBAC_GROUP

ROLE_BINDINGS = ResourceMapping(RBAC_GROUP, "v1", "rolebindings", "RoleBinding", True, "rolebinding")


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    creating.check_flags(call)
    meta = creating.metadata(call, name)
    cluster_role, role = call.flags["clusterrole"], call.flags["role"]
    if bool(cluster_role) == bool(role):
        raise Failure("exactly one of clusterrole or role must be specified")
    kind = "Role" if role else "ClusterRole"
    return creating.create(
        call, ROLE_BINDINGS, binding(call, "RoleBinding", meta, kind, role or cluster_role), _failure
    )


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create rolebinding: {error}")


COMMAND = Command(
    use="rolebinding NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname]"
    " [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    short="Create a role binding for a particular role or cluster role",
    long="Give a role, or a cluster role within one namespace, to users, groups and service accounts.",
    examples="""
  # Two users and a group get the cluster role admin in this namespace
  minikctl create rolebinding admin --clusterrole=admin --user=user1 --user=user2 --group=group1

  # A service account gets the role admin
  minikctl create rolebinding admin-binding --role=admin --serviceaccount=monitoring:sa-dev""",
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        *subject_flags("role"),
        Flag("clusterrole", "string", "", "ClusterRole this RoleBinding should reference"),
        Flag("role", "string", "", "Role this RoleBinding should reference"),
    ),
)
