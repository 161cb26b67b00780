"""`minikctl set subject`. Source: k8s.io/kubectl/pkg/cmd/set/set_subject.go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create.creating import dry_run
from minikctl.commands.create.policy_rules import RBAC_GROUP
from minikctl.commands.set import setting

Obj = dict[str, Any]

_KINDS = ("RoleBinding", "ClusterRoleBinding")


def run(call: Invocation) -> int:
    dry_run(call)
    infos = setting.find(call, call.args)
    _validate(call, infos)
    subjects = _subjects(call)

    def change(info: Info) -> None:
        if info.mapping.group != RBAC_GROUP or info.mapping.kind not in _KINDS:
            raise Failure("setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        present = info.object.get("subjects") or []
        added = [one for one in subjects if one not in present]
        if added:
            info.object["subjects"] = [*present, *added]

    failed = "failed to patch subjects to rolebinding: "
    return setting.change_all(call, infos, change, done="subjects updated", failed=failed)


def _validate(call: Invocation, infos: Sequence[Info]) -> None:
    flags = call.flags
    setting.check_all(call)
    if not (flags["user"] or flags["group"] or flags["serviceaccount"]):
        raise Failure("you must specify at least one value of user, group or serviceaccount")
    for account in flags["serviceaccount"]:
        namespace, colon, name = account.partition(":")
        if not colon or not name or ":" in name:
            raise Failure("serviceaccount must be <namespace>:<name>")
        if not namespace and any(info.mapping.kind == "ClusterRoleBinding" for info in infos):
            raise Failure("serviceaccount must be <namespace>:<name>, namespace must be specified")


def _subjects(call: Invocation) -> list[Obj]:
    found = [
        {"kind": kind, "apiGroup": RBAC_GROUP, "name": name}
        for kind, flag in (("User", "user"), ("Group", "group"))
        for name in sorted(set(call.flags[flag]))
    ]
    for account in sorted(set(call.flags["serviceaccount"])):
        namespace, _, name = account.partition(":")
        namespace = namespace or call.factory.namespace
        found.append({"kind": "ServiceAccount", "name": name, "namespace": namespace})
    return found


COMMAND = Command(
    use="subject (-f FILENAME | TYPE NAME) [--user=username] [--group=groupname]"
    " [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    short="Update the user, group, or service account in a role binding or cluster role binding",
    long="Add users, groups and service accounts to role bindings or cluster role bindings.",
    examples="""
  # Bind a service account to what a cluster role binding binds
  minikctl set subject clusterrolebinding admin --serviceaccount=namespace:serviceaccount1

  # Two users and a group
  minikctl set subject rolebinding admin --user=user1 --user=user2 --group=group1

  # Show what a binding from a file would be with a user, without asking the server
  minikctl create rolebinding admin --role=admin --user=admin -o yaml --dry-run=client | minikctl set subject \\
    --local -f - --user=foo -o yaml""",
    run=run,
    flags=(
        *setting.set_flags("subject", "Filename, directory, or URL to files the resource to update the subjects"),
        setting.FIELD_MANAGER_FLAG,
        Flag("group", "stringArray", [], "Groups to bind to the role"),
        shared_flags.SELECTOR,
        Flag("serviceaccount", "stringArray", [], "Service accounts to bind to the role"),
        Flag("user", "stringArray", [], "Usernames to bind to the role"),
    ),
)
