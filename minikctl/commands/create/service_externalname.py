"""`minikctl create service externalname`."""

from __future__ import annotations

from backend.meta.names import dns1123_subdomain
from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.service import TCP_FLAG, send


def run(call: Invocation) -> int:
    if "external-name" not in call.changed:
        raise Failure('required flag(s) "external-name" not set')
    creating.single_name(call)
    external = call.flags["external-name"]
    if dns1123_subdomain(external):
        raise Failure(f"invalid service external name {external}")
    return send(call, "ExternalName", externalName=external)


COMMAND = Command(
    use="externalname NAME --external-name external.name [--dry-run=server|client|none]",
    short="Create an ExternalName service",
    long="Create an ExternalName service with the specified name.\n\n"
    "Its name is an alias of a name outside of the cluster, instead of an address for pods.",
    examples="""
  # Let my-ns mean bar.com
  minikctl create service externalname my-ns --external-name bar.com""",
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        Flag("external-name", "string", "", "External name of service"),
        TCP_FLAG,
    ),
)
