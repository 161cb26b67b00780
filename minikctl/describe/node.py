"""kubectl's describe of a Node. Source: k8s.io/kubectl/pkg/describe.describeNode."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from backend.meta import quantity
from minikctl.client.errors import StatusError
from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

ROLE = "node-role.kubernetes.io/"
SYSTEM_INFO = (
    ("Machine ID", "machineID"), ("System UUID", "systemUUID"), ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"), ("OS Image", "osImage"), ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"), ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"), ("Kube-Proxy Version", "kubeProxyVersion"),
)  # fmt: skip
SHARED = ("cpu", "memory", "ephemeral-storage")


def describe(client: Client, node: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    writer.write(0, f"Name:\t{meta['name']}\n")
    labels = meta.get("labels") or {}
    roles = sorted(label.removeprefix(ROLE) for label in labels if label.startswith(ROLE) and label != ROLE)
    writer.write(0, f"Roles:\t{','.join(roles) or '<none>'}\n")
    common.pairs(writer, "Labels", labels)
    common.annotation_lines(writer, meta.get("annotations"))
    writer.write(0, f"CreationTimestamp:\t{common.rfc1123z(meta.get('creationTimestamp'))}\n")
    common.column(writer, "Taints", _taints(spec.get("taints") or []))
    writer.write(0, f"Unschedulable:\t{'true' if spec.get('unschedulable') else 'false'}\n")
    _lease(client, writer, meta["name"])
    _conditions(writer, status.get("conditions") or [])
    _facts(writer, spec, status)
    _pods(client, writer, meta["name"], status)
    if show_events:
        about = {**node, "metadata": {"name": meta["name"], "uid": meta["name"]}}
        found = common.find_events(client, about) or []
        found += common.find_events(client, node) or []
        common.events(writer, found)
    return writer.text()


def _taints(taints: list[Obj]) -> list[str]:
    lines = [
        taint["key"] + (f"={taint['value']}" if taint.get("value") else "") + f":{taint['effect']}"
        for taint in taints
    ]
    return sorted(lines) or ["<none>"]


def _lease(client: Client, writer: Writer, name: str) -> None:
    try:
        lease = client.get(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}")
    except StatusError as error:
        writer.write(0, f"Lease:\tFailed to get lease: {error}\n")
        return
    spec = lease.get("spec") or {}
    writer.write(0, "Lease:\n")
    writer.write(1, f"HolderIdentity:\t{spec.get('holderIdentity', '<unset>')}\n")
    acquired = spec.get("acquireTime")
    writer.write(1, f"AcquireTime:\t{common.rfc1123z(acquired) if acquired else '<unset>'}\n")
    renewed = spec.get("renewTime")
    writer.write(1, f"RenewTime:\t{common.rfc1123z(renewed) if renewed else '<unset>'}\n")


def _conditions(writer: Writer, conditions: list[Obj]) -> None:
    if not conditions:
        return
    writer.write(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n")
    writer.write(1, "----\t------\t-----------------\t------------------\t------\t-------\n")
    for condition in conditions:
        beat, changed = (common.rfc1123z(condition.get(f"last{what}Time")) for what in ("Heartbeat", "Transition"))
        reason, message = condition.get("reason", ""), condition.get("message", "")
        writer.write(
            1, f"{condition['type']} \t{condition['status']} \t{beat} \t{changed} \t{reason} \t{message}\n"
        )


def _facts(writer: Writer, spec: Obj, status: Obj) -> None:
    writer.write(0, "Addresses:\n")
    for address in status.get("addresses") or []:
        writer.write(1, f"{address['type']}:\t{address['address']}\n")
    for title in ("Capacity", "Allocatable"):
        amounts = status.get(title.lower()) or {}
        if amounts:
            writer.write(0, f"{title}:\n")
        for name in sorted(amounts):
            writer.write(1, f"{name}:\t{amounts[name]}\n")
    info = status.get("nodeInfo") or {}
    writer.write(0, "System Info:\n")
    for title, field in SYSTEM_INFO:
        if field != "kubeProxyVersion" or info.get(field):
            writer.write(1, f"{title}:\t{info.get(field, '')}\n")
    for title, field in (("PodCIDR", "podCIDR"), ("ProviderID", "providerID")):
        if spec.get(field):
            writer.write(0, f"{title}:\t{spec[field]}\n")
        if field == "podCIDR" and spec.get("podCIDRs"):
            writer.write(0, f"PodCIDRs:\t{','.join(spec['podCIDRs'])}\n")


def _pods(client: Client, writer: Writer, name: str, status: Obj) -> None:
    selector = f"spec.nodeName={name},status.phase!=Failed,status.phase!=Succeeded"
    pods = client.get("/api/v1/pods", {"fieldSelector": selector})["items"]
    allocatable = status.get("allocatable") or status.get("capacity") or {}
    writer.write(0, f"Non-terminated Pods:\t({len(pods)} in total)\n")
    writer.write(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n")
    writer.write(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n")
    for pod in pods:
        meta = pod["metadata"]
        shown = [
            _share(_of_pod(pod, kind).get(resource, Fraction(0)), resource, allocatable)
            for resource in ("cpu", "memory")
            for kind in ("requests", "limits")
        ]
        age = common.since(meta.get("creationTimestamp"))
        writer.write(1, f"{meta['namespace']}\t{meta['name']}\t\t" + "\t".join(shown) + f"\t{age}\n")
    _allocated(writer, pods, allocatable)


def _allocated(writer: Writer, pods: list[Obj], allocatable: Obj) -> None:
    writer.write(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n")
    writer.write(1, "Resource\tRequests\tLimits\n")
    writer.write(1, "--------\t--------\t------\n")
    totals: dict[str, dict[str, Fraction]] = {"requests": {}, "limits": {}}
    for pod in pods:
        for kind, total in totals.items():
            for resource, amount in _of_pod(pod, kind).items():
                total[resource] = total.get(resource, Fraction(0)) + amount
    others = sorted(name for name in allocatable if name.startswith("hugepages-"))
    extended = sorted(name for name in allocatable if "/" in name)
    for resource in (*SHARED, *others):
        requested, limited = (
            _share(total.get(resource, Fraction(0)), resource, allocatable) for total in totals.values()
        )
        writer.write(1, f"{resource}\t{requested}\t{limited}\n")
    for resource in extended:
        requested, limited = (_amount(total.get(resource, Fraction(0)), resource) for total in totals.values())
        writer.write(1, f"{resource}\t{requested}\t{limited}\n")


def _of_pod(pod: Obj, kind: str) -> dict[str, Fraction]:
    """The pod's requests or limits: the sum over containers and sidecars, or an init container's if that is more.

    Source: k8s.io/component-helpers/resource.PodRequests.
    """
    spec = pod["spec"]
    total: dict[str, Fraction] = {}
    for container in spec["containers"]:
        _add(total, container, kind)
    sidecars: dict[str, Fraction] = {}
    peak: dict[str, Fraction] = {}
    for container in spec.get("initContainers") or []:
        needed = dict(sidecars)
        _add(needed, container, kind)
        if container.get("restartPolicy") == "Always":
            _add(total, container, kind)
            sidecars = needed
        for name, amount in needed.items():
            peak[name] = max(peak.get(name, Fraction(0)), amount)
    return {name: max(total.get(name, Fraction(0)), peak.get(name, Fraction(0))) for name in {*total, *peak}}


def _add(total: dict[str, Fraction], container: Obj, kind: str) -> None:
    for name, amount in ((container.get("resources") or {}).get(kind) or {}).items():
        total[name] = total.get(name, Fraction(0)) + quantity.parse(amount)


def _share(amount: Fraction, resource: str, allocatable: Obj) -> str:
    whole = quantity.parse(allocatable[resource]) if resource in allocatable else Fraction(0)
    percent = int(amount * 100 / whole) if whole else 0
    return f"{_amount(amount, resource)} ({percent}%)"


def _amount(amount: Fraction, resource: str) -> str:
    if resource == "cpu":
        millis = -(-amount * 1000 // 1)
        return str(int(amount)) if amount.denominator == 1 else f"{int(millis)}m"
    whole = int(-(-amount // 1))
    for suffix, factor in (
        ("Ei", 2**60),
        ("Pi", 2**50),
        ("Ti", 2**40),
        ("Gi", 2**30),
        ("Mi", 2**20),
        ("Ki", 2**10),
    ):
        if whole and whole % factor == 0:
            return f"{whole // factor}{suffix}"
    return str(whole)
