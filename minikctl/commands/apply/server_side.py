"""Server-side apply: the server merges what it is sent, and keeps who owns which field.

Source: k8s.io/kubectl/pkg/cmd/apply/apply.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info
from minikctl.client.errors import Failure, StatusError
from minikctl.command import Flag, Invocation

APPLY_PATCH = "application/apply-patch+yaml"

FIELD_MANAGER = Flag(
    "field-manager", "string", "kubectl-client-side-apply", "Name of the manager used to track field ownership."
)

_ADVICE = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def field_manager(call: Invocation) -> str:
    """--field-manager, whose default tells the two kinds of apply apart. Source: apply.GetApplyFieldManagerFlag."""
    if call.flags["server-side"] and "field-manager" not in call.changed:
        return "kubectl"
    return str(call.flags["field-manager"])


def server_side_apply(call: Invocation, info: Info, query: dict[str, str]) -> dict[str, Any]:
    """The object after the server applied it. Failure, with what can be done, for a conflict of managers and for a
    server that cannot apply; StatusError else."""
    path = info.path(call.flags.get("subresource", ""))
    force = "true" if call.flags["force-conflicts"] else "false"
    try:
        return call.factory.client.request(
            "PATCH", path, query={**query, "force": force}, body=info.object, content_type=APPLY_PATCH
        )
    except StatusError as error:
        if error.code == 415:
            raise Failure(f"Server-side apply not available on the server: ({error})") from None
        if error.reason == "Conflict":
            raise Failure(f"{error}{_ADVICE}") from None
        raise
