"""`minikctl api-versions`. Source: k8s.io/kubectl/pkg/cmd/apiresources/apiversions.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation, UsageError


def run(call: Invocation) -> int:
    if call.args:
        raise UsageError(f"unexpected arguments: [{' '.join(call.args)}]")
    client = call.factory.client
    versions = list(client.get("/api").get("versions") or [])
    for group in client.get("/apis").get("groups") or []:
        versions += [version["groupVersion"] for version in group["versions"]]
    call.streams.out.write("".join(f"{version}\n" for version in sorted(versions)))
    return 0


COMMAND = Command(
    use="api-versions",
    short='Print the supported API versions on the server, in the form of "group/version"',
    long='Print the supported API versions on the server, in the form of "group/version".',
    examples="""
  # Every version of every API group
  minikctl api-versions""",
    run=run,
)
