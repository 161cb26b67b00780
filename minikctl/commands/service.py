"""`minikctl service`: the URL by which a service is reached from this machine, as `minikube service` tells it."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from minikctl.client.errors import Failure, StatusError, TimedOut
from minikctl.client.rest import Client, ResourceMapping
from minikctl.client.watch import watch
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands.service_urls import ServiceUrl, has_ready_endpoint, is_external, service_urls
from minikctl.output.tabwriter import TabWriter

Obj = dict[str, Any]

_SERVICES = ResourceMapping("", "v1", "services", "Service", namespaced=True)
_NODES = ResourceMapping("", "v1", "nodes", "Node", namespaced=False)
_SLICES = ResourceMapping("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", namespaced=True)
_SERVICE_NAME = "kubernetes.io/service-name"


def run(call: Invocation) -> int:
    every = call.flags["all"]
    if every == bool(call.args):
        raise UsageError("the name of a service, or --all, is required")
    client, namespace = call.factory.client, call.factory.namespace
    if every:
        services = client.get(_SERVICES.path(namespace))["items"]
    else:
        services = [client.get(_SERVICES.path(namespace, name)) for name in call.args]
    _require_network(call)
    deadline = time.monotonic() + call.flags["wait"]
    rows = []
    for service in services:
        try:
            found = _urls(call, service, deadline)
            rows += [(service, url) for url in found]
            if not is_external(service):
                _await_answers(call, found, deadline)
        except Failure as error:
            if not every:
                raise
            call.streams.err.write(f"{error}\n")
    _print(call, rows)
    return 0 if rows else 1


def _urls(call: Invocation, service: Obj, deadline: float) -> list[ServiceUrl]:
    """Raises Failure for a service that nothing is to be reached by."""
    client, meta = call.factory.client, service["metadata"]
    about = f'service "{meta["name"]}" in namespace "{meta["namespace"]}"'
    if not service["spec"].get("ports"):
        raise Failure(f"{about} has no ports")
    slices = [] if is_external(service) else _ready_slices(client, meta["namespace"], meta["name"], deadline)
    if slices is None:
        hint = f"minikctl describe service {meta['name']} -n {meta['namespace']}"
        raise Failure(f'{about} has no ready endpoint (waited {call.flags["wait"]:g}s): see "{hint}"')
    urls = service_urls(service, slices, _node_address(client), https=call.flags["https"])
    if not urls:
        raise Failure(f"{about} has no port that a ready endpoint has")
    return urls


def _ready_slices(client: Client, namespace: str, name: str, deadline: float) -> list[Obj] | None:
    """The service's EndpointSlices once an endpoint in them is ready; None if none was until `deadline`."""
    path, query = _SLICES.path(namespace), {"labelSelector": f"{_SERVICE_NAME}={name}"}
    while True:
        page = client.get(path, query)
        slices = {each["metadata"]["name"]: each for each in page["items"]}
        if has_ready_endpoint([*slices.values()]):
            return [*slices.values()]
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        since = {**query, "resourceVersion": page["metadata"]["resourceVersion"]}
        try:
            with closing(watch(client, path, since, timeout=left)) as events:
                for event in events:
                    slices[event.object["metadata"]["name"]] = event.object
                    if event.type != "DELETED" and has_ready_endpoint([event.object]):
                        break
        except TimedOut:
            return None
        except StatusError as error:
            if error.code != 410:
                raise


def _await_answers(call: Invocation, found: list[ServiceUrl], deadline: float) -> None:
    """Return once all that is TCP can be connected to: an endpoint may be ready before its program listens, and before
    the proxy knows of it. Of what cannot be until `deadline` a warning tells."""
    for url in (each.url for each in found):
        if not url.startswith(("udp:", "sctp:")) and not _listens(url, deadline):
            call.streams.err.write(f"warning: nothing answers at {url} yet\n")


def _listens(url: str, deadline: float) -> bool:
    """There is no event to wait for."""
    parts = urlsplit(url)
    assert parts.port is not None
    while True:
        try:
            socket.create_connection((parts.hostname, parts.port), max(deadline - time.monotonic(), 0.2)).close()
            return True
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)


def _node_address(client: Client) -> str:
    """The node's address for node ports; "" where the machine has none but its loopback."""
    for node in client.get(_NODES.path())["items"]:
        for address in (node.get("status") or {}).get("addresses") or ():
            if address["type"] == "InternalIP" and not address["address"].startswith("127."):
                return str(address["address"])
    return ""


def _require_network(call: Invocation) -> None:
    """Raises Failure where services cannot be reached by their addresses from here."""
    from minikctl.local.networks import problem

    why = problem(call.factory.target)
    if why:
        raise Failure(f'services have no address on this machine: {why}; use "minikctl port-forward" instead')


def _print(call: Invocation, rows: list[tuple[Obj, ServiceUrl]]) -> None:
    out = call.streams.out
    if call.flags["url"]:
        out.writelines(f"{found.url}\n" for _, found in rows)
        return
    if not rows:
        return
    table = TabWriter(out)
    table.row(("NAMESPACE", "NAME", "TARGET PORT", "URL"))
    for service, found in rows:
        meta = service["metadata"]
        table.row((meta["namespace"], meta["name"], found.port, found.url))
    table.flush()


COMMAND = Command(
    use="service (NAME... | --all) [flags]",
    short="Show by which URLs a service is reached from this machine",
    long="Show by which URLs a service of the local cluster is reached from this machine, one for each of its"
    " ports.\n\n"
    "It waits until the service has an endpoint that is ready and answers, so that what is printed works. The URL has"
    " the address of the load balancer, for a node port that of the node, else the service's own; for a service without"
    " one that of a pod. A port whose name, appProtocol or number says so is https, others http; ports of UDP and SCTP"
    " are shown as udp:// and sctp://.",
    examples="""
  # Where the service web is
  minikctl service web

  # Ask it for something
  curl $(minikctl service web --url)

  # All services of a namespace
  minikctl service --all -n shop""",
    run=run,
    flags=(
        Flag("all", "bool", False, "If true, show all services of the namespace."),
        Flag("https", "bool", False, "If true, show URLs of TCP ports with https, whatever they are called."),
        Flag("url", "bool", False, "If true, print only the URLs, one a line."),
        Flag("wait", "duration", 2.0, "How long to wait for an endpoint that is ready (e.g. 1s, 2m, 3h)."),
    ),
)  # fmt: skip
