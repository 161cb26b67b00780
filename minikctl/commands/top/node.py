"""`minikctl top node`. Source: k8s.io/kubectl/pkg/cmd/top/top_node.go."""

from __future__ import annotations

from backend.meta import quantity
from minikctl.client.discovery import BUILT_IN
from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.top import usage
from minikctl.commands.top.usage import Obj
from minikctl.output.tabwriter import TabWriter

_NODES = next(mapping for mapping in BUILT_IN if mapping.resource == "nodes")
_HEADERS = {
    "cpu": ("CPU(cores)", "CPU(%)"),
    "memory": ("MEMORY(bytes)", "MEMORY(%)"),
    "swap": ("SWAP(bytes)", "SWAP(%)"),
}


def run(call: Invocation) -> int:
    flags = call.flags
    name = usage.check(call, COMMAND.use, ("selector",), "only one of NAME or --selector can be provided")
    selector = usage.label_selector(flags["selector"])
    client = call.factory.client
    usage.require_metrics_api(client)
    query = {"labelSelector": selector} if selector else {}
    if name:
        metrics, nodes = [client.get(usage.NODES.path(name=name))], [client.get(_NODES.path(name=name))]
    else:
        metrics = client.get(usage.NODES.path(), query)["items"]
        if metrics:
            nodes = client.get(_NODES.path(), query)["items"]
    if not metrics:
        raise Failure("metrics not available yet")
    resources = ("cpu", "memory", "swap") if flags["show-swap"] else ("cpu", "memory")
    offered = {node["metadata"]["name"]: _offered(node, flags["show-capacity"]) for node in nodes}
    _print(call, metrics, offered, resources)
    return 0


def _offered(node: Obj, capacity: bool) -> Obj:
    status = node.get("status") or {}
    found = dict(status.get("capacity" if capacity else "allocatable") or {})
    swap = ((status.get("nodeInfo") or {}).get("swap") or {}).get("capacity")
    return {**found, "swap": swap} if swap is not None else found


def _print(call: Invocation, metrics: list[Obj], offered: dict[str, Obj], resources: tuple[str, ...]) -> None:
    writer = TabWriter(call.streams.out)
    if not call.flags["no-headers"]:
        writer.row(["NAME", *(title for resource in resources for title in _HEADERS[resource]), ""])
    by = call.flags["sort-by"]
    if by:
        metrics = sorted(metrics, key=lambda one: usage.order(one["usage"], by))
    else:
        metrics = sorted(metrics, key=lambda one: str(one["metadata"]["name"]))
    for one in metrics:
        name = one["metadata"]["name"]
        has = offered.pop(name, {})
        writer.row([name, *(cell for resource in resources for cell in _cells(one["usage"], has, resource)), ""])
    for name in sorted(offered):
        writer.row([name, *[usage.UNKNOWN] * 2 * len(resources), ""])
    writer.flush()


def _cells(used: Obj, has: Obj, resource: str) -> list[str]:
    if resource == "swap" and resource not in used:
        return [usage.UNKNOWN, usage.UNKNOWN]
    total = quantity.parse(str(has.get(resource, "0")))
    if not total:
        return [usage.shown(used, resource), usage.UNKNOWN]
    share = quantity.parse(str(used.get(resource, "0"))) / total * 100
    return [usage.shown(used, resource), f"{int(share)}%"]


COMMAND = Command(
    use="node [NAME | -l label]",
    short="Display resource (CPU/memory) usage of nodes",
    long="Display resource (CPU/memory) usage of nodes.\n\n"
    "What nodes use is shown beside how much that is of what they offer to pods.",
    examples="""
  # What all nodes use
  minikctl top node

  # What one node uses
  minikctl top node NODE_NAME""",
    run=run,
    flags=(
        Flag("no-headers", "bool", False, "If present, print output without headers"),
        shared_flags.SELECTOR,
        Flag(
            "show-capacity", "bool", False,
            "Print node resources based on Capacity instead of Allocatable(default) of the nodes.",
        ),
        Flag("show-swap", "bool", False, "Print node resources related to swap memory."),
        Flag(
            "sort-by", "string", "",
            "If non-empty, sort nodes list using specified field. The field can be either 'cpu' or 'memory'.",
        ),
        usage.PROTOBUF_FLAG,
    ),
    aliases=("nodes", "no"),
)  # fmt: skip
