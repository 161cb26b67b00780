"""What `top pod` and `top node` share. Source: k8s.io/kubectl/pkg/cmd/top and k8s.io/kubectl/pkg/metricsutil."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.meta import quantity
from minikctl.client.errors import Failure
from minikctl.client.rest import Client, ResourceMapping
from minikctl.command import Flag, Invocation, UsageError

Obj = dict[str, Any]

GROUP = "metrics.k8s.io"
VERSION = "v1beta1"
PODS = ResourceMapping(GROUP, VERSION, "pods", "PodMetrics", True)
NODES = ResourceMapping(GROUP, VERSION, "nodes", "NodeMetrics", False)
UNKNOWN = "<unknown>"
_UNITS = {"cpu": "m", "memory": "Mi", "swap": "Mi"}
_MEBI = 1024 * 1024

PROTOBUF_FLAG = Flag("use-protocol-buffers", "bool", True, "Enables using protocol-buffers to access Metrics API.")
"""Taken as kubectl takes it; the answers are the same in JSON, which is what is asked for."""


def check(call: Invocation, use: str, selectors: tuple[str, ...], conflict: str) -> str:
    """The name that was given, if any. Raises what is wrong with arguments and flags."""
    if len(call.args) > 1:
        raise UsageError(use)
    name = call.args[0] if call.args else ""
    if call.flags["sort-by"] not in ("", "cpu", "memory"):
        raise Failure("--sort-by accepts only cpu or memory")
    if name and any(call.flags[selector] for selector in selectors):
        raise Failure(conflict)
    return name


def label_selector(text: str) -> str:
    """As the server is asked for it. Raises Failure for what is none."""
    from backend.meta.errors import ApiError
    from backend.meta.selectors import parse_label_selector

    try:
        return str(parse_label_selector(text))
    except ApiError as error:
        raise Failure(str(error)) from None


def require_metrics_api(client: Client) -> None:
    for group in client.get("/apis").get("groups") or []:
        if group["name"] == GROUP and any(version["version"] == VERSION for version in group["versions"]):
            return
    raise Failure("Metrics API not available")


def amount(usage: Mapping[str, Any], resource: str) -> int:
    """In the unit that is shown: thousandths of a core, rounded up, or whole MiB."""
    exact = quantity.parse(str(usage.get(resource, "0")))
    if resource == "cpu":
        return -(-(exact * 1000).numerator // (exact * 1000).denominator)
    return int(exact) // _MEBI


def shown(usage: Mapping[str, Any], resource: str) -> str:
    return f"{amount(usage, resource)}{_UNITS[resource]}"


def order(usage: Mapping[str, Any], resource: str) -> int:
    """To sort by: the largest first."""
    exact = quantity.parse(str(usage.get(resource, "0")))
    return -int(exact * 1000) if resource == "cpu" else -int(exact)
