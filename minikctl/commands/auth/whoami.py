"""`minikctl auth whoami`. Source: k8s.io/kubectl/pkg/cmd/auth/whoami.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure, StatusError
from minikctl.command import Command, Invocation
from minikctl.describe.policy_rules import go_list
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.tabwriter import TabWriter

_PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def run(call: Invocation) -> int:
    printer = make_printer(call.flags, typed=True) if call.flags["output"] or call.flags["template"] else None
    body = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "status": {}}
    try:
        review = call.factory.client.request("POST", _PATH, body=body)
    except StatusError as error:
        raise _failure(error) from None
    if printer is None:
        _print_table(call, review["status"].get("userInfo") or {})
    else:
        printer.print(_in_struct_order(review), call.streams.out)
    return 0


def _failure(error: StatusError) -> Exception:
    disabled = "the selfsubjectreviews API is not enabled in the cluster"
    if error.reason == "Forbidden":
        return Failure(f"{disabled} or you do not have permission to call it")
    if error.reason == "NotFound":
        return Failure(
            f"{disabled}\nenable APISelfSubjectReview feature gate and authentication.k8s.io/v1alpha1 or"
            " authentication.k8s.io/v1beta1 API"
        )
    return error


def _print_table(call: Invocation, user: dict[str, Any]) -> None:
    writer = TabWriter(call.streams.out)
    writer.row(("ATTRIBUTE", "VALUE"))
    if user.get("username"):
        writer.row(("Username", user["username"]))
    if user.get("uid"):
        writer.row(("UID", user["uid"]))
    if user.get("groups"):
        writer.row(("Groups", go_list(user["groups"])))
    for key, values in sorted((user.get("extra") or {}).items()):
        writer.row((f"Extra: {key}", go_list(values)))
    writer.flush()


def _in_struct_order(review: dict[str, Any]) -> dict[str, Any]:
    return {key: review[key] for key in ("kind", "apiVersion", "metadata", "status")}


COMMAND = Command(
    use="whoami",
    short="Experimental: Check self subject attributes",
    long="Check who you are for the server: your name, groups and further attributes.",
    examples="""
  # A table
  minikctl auth whoami

  # The whole answer
  minikctl auth whoami -o json""",
    run=run,
    flags=output_flags(),
)
