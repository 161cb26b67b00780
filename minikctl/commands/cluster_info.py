"""`minikctl cluster-info`. Source: k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo.go."""

from __future__ import annotations

import os

from minikctl.client import kubeconfig
from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation

_CLUSTER_SERVICES = "kubernetes.io/cluster-service=true"


def run(call: Invocation) -> int:
    """Print where the control plane and the cluster's services are.

    A server that serves no services is an error: so it is to kubectl.
    """
    if call.args[:1] == ["dump"]:
        raise Failure("cluster-info dump is not offered: use get, describe and logs")
    out = call.streams.out
    try:
        query = Query(args=["services"], selector=_CLUSTER_SERVICES)
        server = _server(call)
        services = collect(call.factory, query).check()
        out.write(f"Kubernetes control plane is running at {server}\n")
        for info in services:
            labels = info.object["metadata"].get("labels") or {}
            out.write(f"{labels.get('kubernetes.io/name') or info.name} is running at {_address(server, info)}\n")
    finally:
        out.write("\nTo further debug and diagnose cluster problems, use 'minikctl cluster-info dump'.\n")
        out.flush()
    return 0


def _server(call: Invocation) -> str:
    """The server's URL; the local cluster's is the one for others, since a browser cannot open its socket."""
    server = call.factory.client.server
    if not server.startswith("unix:"):
        return server
    port = os.path.join(kubeconfig.profile_dir(call.factory.target.local), "port")
    with open(port, encoding="ascii") as file:
        return f"https://127.0.0.1:{file.read().strip()}"


def _address(server: str, info: Info) -> str:
    """The service's load balancer, else its way through the API server's proxy."""
    ports = (info.object.get("spec") or {}).get("ports") or []
    balancers = ((info.object.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    if balancers:
        host = balancers[0].get("ip") or balancers[0].get("hostname", "")
        return "".join(f"http://{host}:{port['port']} " for port in ports)
    name = info.name
    if ports:
        first = ports[0].get("name", "")
        secure = first == "https" or ports[0]["port"] == 443
        if secure:
            name = f"https:{name}:{first}"
        elif first:
            name = f"{name}:{first}"
    return f"{server}/api/v1/namespaces/{info.namespace}/services/{name}/proxy"


COMMAND = Command(
    use="cluster-info",
    short="Display cluster information",
    long="Display addresses of the control plane and of the services with the label"
    " kubernetes.io/cluster-service=true.",
    examples="""
  # Where the control plane and the cluster's services are
  minikctl cluster-info""",
    run=run,
)
