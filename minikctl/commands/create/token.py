"""`minikctl create token`. Source: k8s.io/kubectl/pkg/cmd/create/create_token.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure, StatusError
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.serviceaccount import SERVICE_ACCOUNTS
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.struct_order import Shape, arranged

_KINDS = {"Node": "v1", "Pod": "v1", "Secret": "v1"}
"""What a token can be bound to, with its version."""

_SHAPE: Shape = {
    "kind": None, "apiVersion": None, "metadata": None,
    "spec": {
        "audiences": None, "expirationSeconds": None,
        "boundObjectRef": dict.fromkeys(("kind", "apiVersion", "name", "uid")),
    },
    "status": {"token": None, "expirationTimestamp": None},
}  # fmt: skip


def run(call: Invocation) -> int:
    name = creating.single_name(call)
    printer = make_printer(call.flags, typed=True)
    _validate(call, name)
    body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": _spec(call)}
    try:
        path = SERVICE_ACCOUNTS.path(call.factory.namespace, name, "token")
        answer = call.factory.client.request("POST", path, body=body)
    except StatusError as error:
        raise Failure(f"failed to create token: {error}") from None
    token = (answer.get("status") or {}).get("token")
    if not token:
        raise Failure("failed to create token: no token in server response")
    out = call.streams.out
    if call.flags["output"] or call.flags["template"]:
        printer.print(arranged(creating.in_struct_order(answer), _SHAPE), out)
    else:
        out.write(f"{token}\n" if out.isatty() else token)
    return 0


def _validate(call: Invocation, name: str) -> None:
    flags = call.flags
    seconds, kind = flags["duration"], flags["bound-object-kind"]
    if not name:
        raise Failure("service account name is required")
    if seconds < 0:
        raise Failure("--duration must be greater than or equal to 0")
    if seconds != int(seconds):
        raise Failure("--duration cannot be expressed in units less than seconds")
    if "" in flags["audience"]:
        raise Failure("--audience must not be an empty string")
    if not kind:
        for flag in ("bound-object-name", "bound-object-uid"):
            if flags[flag]:
                raise Failure(f"--{flag} can only be set if --bound-object-kind is provided")
    elif kind not in _KINDS:
        raise Failure(f"supported --bound-object-kind values are {', '.join(_KINDS)}")
    elif not flags["bound-object-name"]:
        raise Failure("--bound-object-name is required if --bound-object-kind is provided")


def _spec(call: Invocation) -> dict[str, Any]:
    flags, spec = call.flags, {"audiences": call.flags["audience"] or None}
    if flags["duration"]:
        spec["expirationSeconds"] = int(flags["duration"])
    kind = flags["bound-object-kind"]
    if kind:
        reference = {"kind": kind, "apiVersion": _KINDS[kind], "name": flags["bound-object-name"]}
        uid = flags["bound-object-uid"]
        spec["boundObjectRef"] = {**reference, "uid": uid} if uid else reference
    return spec


COMMAND = Command(
    use="token SERVICE_ACCOUNT_NAME",
    short="Request a service account token",
    long="Request a service account token.",
    examples="""
  # A token with which to ask the API server as the service account myapp
  minikctl create token myapp

  # The same for an account of another namespace
  minikctl create token myapp --namespace myns

  # A token that ends after ten minutes
  minikctl create token myapp --duration 10m

  # A token for somebody else than the API server
  minikctl create token myapp --audience https://example.com

  # A token that ends with the Secret mysecret
  minikctl create token myapp --bound-object-kind Secret --bound-object-name mysecret""",
    run=run,
    flags=(
        Flag(
            "audience", "stringArray", [],
            "Audience of the requested token. If unset, defaults to requesting a token for use with the Kubernetes API"
            " server. May be repeated to request a token valid for multiple audiences.",
        ),
        Flag(
            "bound-object-kind", "string", "",
            "Kind of an object to bind the token to. Supported kinds are Node, Pod, Secret. If set, --bound-object-name"
            " must be provided.",
        ),
        Flag(
            "bound-object-name", "string", "",
            "Name of an object to bind the token to. The token will expire when the object is deleted. Requires"
            " --bound-object-kind.",
        ),
        Flag(
            "bound-object-uid", "string", "",
            "UID of an object to bind the token to. Requires --bound-object-kind and --bound-object-name. If unset, the"
            " UID of the existing object is used.",
        ),
        Flag(
            "duration", "duration", 0.0,
            "Requested lifetime of the issued token. If not set or if set to 0, the lifetime will be determined by the"
            " server automatically. The server may return a token with a longer or shorter lifetime.",
        ),
        *output_flags(),
    ),
)  # fmt: skip
