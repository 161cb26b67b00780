"""`minikctl top pod`. Source: k8s.io/kubectl/pkg/cmd/top/top_pod.go."""

from __future__ import annotations

import time

from backend.meta import timefmt
from backend.meta.resource_list import add
from minikctl.client.discovery import BUILT_IN
from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.top import usage
from minikctl.commands.top.usage import Obj
from minikctl.output.tabwriter import TabWriter

_PODS = next(mapping for mapping in BUILT_IN if mapping.resource == "pods")
_TITLES = {"cpu": "CPU(cores)", "memory": "MEMORY(bytes)", "swap": "SWAP(bytes)"}
_LINE = "________"
_DELAY_SECONDS = 120
"""How old a pod may be that has no metrics yet."""


def run(call: Invocation) -> int:
    flags = call.flags
    conflict = "only one of NAME or selector can be provided"
    name = usage.check(call, COMMAND.use, ("selector", "field-selector"), conflict)
    query = _query(call)
    client = call.factory.client
    usage.require_metrics_api(client)
    namespace = "" if flags["all-namespaces"] else call.factory.namespace
    if name:
        metrics = [client.get(usage.PODS.path(namespace, name))]
    else:
        labels = {key: value for key, value in query.items() if key == "labelSelector"}
        metrics = client.get(usage.PODS.path(namespace), labels)["items"]
        if flags["field-selector"]:
            pods = client.get(_PODS.path(namespace), query)["items"]
            chosen = {(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods}
            metrics = [one for one in metrics if (one["metadata"]["namespace"], one["metadata"]["name"]) in chosen]
    if not metrics:
        _check_pods(client.get(_PODS.path(namespace), query)["items"])
        where = f" in {namespace} namespace." if namespace else ""
        call.streams.err.write(f"No resources found{where}\n")
        return 0
    _print(call, metrics)
    return 0


def _query(call: Invocation) -> dict[str, str]:
    from backend.meta.errors import ApiError
    from backend.meta.selectors import parse_field_selector

    labels, fields = usage.label_selector(call.flags["selector"]), call.flags["field-selector"]
    try:
        parse_field_selector(fields)
    except ApiError as error:
        raise Failure(str(error)) from None
    query = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in query.items() if value}


def _check_pods(pods: list[Obj]) -> None:
    """Why there are no metrics. Raises Failure if there are pods."""
    for pod in pods:
        meta = pod["metadata"]
        age = time.time() - timefmt.parse(meta["creationTimestamp"])
        if age > _DELAY_SECONDS:
            where = f"{meta['namespace']}/{meta['name']}"
            raise Failure(f"Metrics not available for pod {where}, age: {_duration(age)}")
    if pods:
        raise Failure("metrics not available yet")


def _duration(seconds: float) -> str:
    """As Go prints one."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:.9f}".rstrip("0").rstrip(".")
    return f"{f'{hours}h' if hours else ''}{minutes}m{shown}s"


def _print(call: Invocation, metrics: list[Obj]) -> None:
    flags, by = call.flags, call.flags["sort-by"]
    resources = ("cpu", "memory", "swap") if flags["show-swap"] else ("cpu", "memory")
    writer = TabWriter(call.streams.out)
    width = 1 + len(resources)
    if not flags["no-headers"]:
        heads = (["NAMESPACE"] if flags["all-namespaces"] else []) + (["POD"] if flags["containers"] else [])
        writer.row([*heads, "NAME", *(_TITLES[resource] for resource in resources), ""])
        width += len(heads)
    totals = [_total(one) for one in metrics]
    pairs = sorted(zip(metrics, totals, strict=True), key=lambda pair: _place(pair[0], pair[1], by))
    for one, total in pairs:
        meta = one["metadata"]
        begin = [meta["namespace"]] if flags["all-namespaces"] else []
        if not flags["containers"]:
            writer.row([*begin, meta["name"], *(usage.shown(total, resource) for resource in resources), ""])
            continue
        for container in sorted(one.get("containers") or [], key=lambda each: _container_place(each, by)):
            cells = (usage.shown(container["usage"], resource) for resource in resources)
            writer.row([*begin, meta["name"], container["name"], *cells, ""])
    if flags["sum"]:
        _print_sum(writer, totals, resources, width)
    writer.flush()


def _print_sum(writer: TabWriter, totals: list[Obj], resources: tuple[str, ...], width: int) -> None:
    """Under the last two of `width` columns, as kubectl counts them: without headers these are fewer."""
    total: Obj = {}
    for one in totals:
        total = add(total, one)
    writer.row([*[""] * (width - 2), _LINE, _LINE, ""])
    writer.row([*[""] * (width - 3), "", *(usage.shown(total, resource) for resource in resources), ""])


def _total(metrics: Obj) -> Obj:
    total: Obj = {}
    for container in metrics.get("containers") or []:
        total = add(total, container["usage"])
    return total


def _place(metrics: Obj, total: Obj, by: str) -> tuple[int, str, str]:
    meta = metrics["metadata"]
    return (usage.order(total, by), "", "") if by else (0, meta["namespace"], meta["name"])


def _container_place(container: Obj, by: str) -> tuple[int, str]:
    return (usage.order(container["usage"], by), "") if by else (0, container["name"])


COMMAND = Command(
    use="pod [NAME | -l label]",
    short="Display resource (CPU/memory) usage of pods",
    long="Display resource (CPU/memory) usage of pods.\n\n"
    "A pod that has just started may not be measured yet.",
    examples="""
  # What the pods of the namespace use
  minikctl top pod

  # What the pods of another namespace use
  minikctl top pod --namespace=NAMESPACE

  # What each container of a pod uses
  minikctl top pod POD_NAME --containers

  # What the pods with the label name=myLabel use
  minikctl top pod -l name=myLabel""",
    run=run,
    flags=(
        shared_flags.ALL_NAMESPACES,
        Flag("containers", "bool", False, "If present, print usage of containers within a pod."),
        shared_flags.FIELD_SELECTOR,
        Flag("no-headers", "bool", False, "If present, print output without headers."),
        shared_flags.SELECTOR,
        Flag("show-swap", "bool", False, "Print pod resources related to swap memory."),
        Flag(
            "sort-by", "string", "",
            "If non-empty, sort pods list using specified field. The field can be either 'cpu' or 'memory'.",
        ),
        Flag("sum", "bool", False, "Print the sum of the resource usage"),
        usage.PROTOBUF_FLAG,
    ),
    aliases=("pods", "po"),
)  # fmt: skip
