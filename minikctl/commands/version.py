"""`minikctl version`. Source: k8s.io/kubectl/pkg/cmd/version."""

from __future__ import annotations

import platform
from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.version import GIT_COMMIT, KUBERNETES, KUSTOMIZE, MINIKCTL


def run(call: Invocation) -> int:
    """Print the client's and the server's versions; a server that does not answer fails after the client's."""
    output = call.flags["output"]
    if call.args:
        raise Failure(f"extra arguments: [{' '.join(call.args)}]")
    if output not in ("", "yaml", "json"):
        raise Failure("--output must be 'yaml' or 'json'")
    document: dict[str, Any] = {"clientVersion": client_version(), "kustomizeVersion": KUSTOMIZE}
    failure: Exception | None = None
    if not call.flags["client"]:
        from minikctl.client.errors import ConnectError, StatusError

        try:
            document["serverVersion"] = call.factory.client.get("/version")
        except (ConnectError, StatusError) as error:
            failure = error
    _print(call, document, output)
    if failure is not None:
        raise failure
    return 0


def client_version() -> dict[str, str]:
    """What `version -o json` says of this program: the Kubernetes release whose kubectl it follows."""
    major, minor = KUBERNETES.removeprefix("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"{KUBERNETES}+minikctl-{MINIKCTL}",
        "gitCommit": GIT_COMMIT,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{_machine()}",
    }


def _machine() -> str:
    """The processor's name in Go's words."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _print(call: Invocation, document: dict[str, Any], output: str) -> None:
    out = call.streams.out
    if output == "json":
        from minikctl.output.json_out import dumps

        out.write(dumps(document, 2, sort_keys=False) + "\n")
    elif output == "yaml":
        from minikctl.output import yaml_out

        out.write(yaml_out.dumps(document))
    else:
        out.write(f"Client Version: {document['clientVersion']['gitVersion']}\n")
        out.write(f"Kustomize Version: {KUSTOMIZE}\n")
        if "serverVersion" in document:
            out.write(f"Server Version: {document['serverVersion'].get('gitVersion', '')}\n")


COMMAND = Command(
    use="version [flags]",
    short="Print the client and server version information",
    long="Print the versions of minikctl and of the server that the current context names.",
    examples="""
# Both versions
minikctl version

# Only this program's, without a server
minikctl version --client""",
    run=run,
    flags=(
        Flag("client", "bool", False, "If true, shows client version only (no server required)."),
        Flag("output", "string", "", "One of 'yaml' or 'json'.", short="o"),
    ),
)
