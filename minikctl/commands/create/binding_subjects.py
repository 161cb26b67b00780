"""The subjects of a new binding, from --user, --group and --serviceaccount.

Source: k8s.io/kubectl/pkg/cmd/create/{create_rolebinding,create_clusterrolebinding}.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Flag, Invocation
from minikctl.commands.create.policy_rules import RBAC_GROUP


def subject_flags(role: str) -> tuple[Flag, ...]:
    return (
        Flag(
            "group", "stringArray", [],
            f"Groups to bind to the {role}. The flag can be repeated to add multiple groups.",
        ),
        Flag(
            "serviceaccount", "stringArray", [],
            f"Service accounts to bind to the {role}, in the format <namespace>:<name>. The flag can be repeated to"
            " add multiple service accounts.",
        ),
        Flag(
            "user", "stringArray", [],
            f"Usernames to bind to the {role}. The flag can be repeated to add multiple users.",
        ),
    )  # fmt: skip


def binding(call: Invocation, kind: str, meta: dict[str, Any], role_kind: str, role: str) -> dict[str, Any]:
    """The object, with its keys in the order of kubectl's structs."""
    made: dict[str, Any] = {"kind": kind, "apiVersion": f"{RBAC_GROUP}/v1", "metadata": meta}
    subjects = _subjects(call)
    if subjects:
        made["subjects"] = subjects
    made["roleRef"] = {"apiGroup": RBAC_GROUP, "kind": role_kind, "name": role}
    return made


def _subjects(call: Invocation) -> list[dict[str, str]]:
    found = [
        {"kind": kind, "apiGroup": RBAC_GROUP, "name": name}
        for kind, flag in (("User", "user"), ("Group", "group"))
        for name in call.flags[flag]
    ]
    for account in call.flags["serviceaccount"]:
        parts = account.split(":")
        if len(parts) != 2 or not all(parts):
            raise Failure("serviceaccount must be <namespace>:<name>")
        found.append({"kind": "ServiceAccount", "name": parts[1], "namespace": parts[0]})
    return found
