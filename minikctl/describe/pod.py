"""kubectl's describe of a Pod. Source: k8s.io/kubectl/pkg/describe.describePod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.containers import containers, resources
from minikctl.describe.pod_template import tolerations, topology_spread
from minikctl.describe.volumes import volumes
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, pod: Obj, show_events: bool) -> str:
    writer = Writer()
    spec, status = pod["spec"], pod.get("status") or {}
    _identity(writer, pod, spec, status)
    _phase(writer, pod, spec, status)
    _addresses(writer, pod, status)
    if spec.get("resources"):
        writer.write(0, "Resources:\n")
        resources(writer, 1, spec["resources"])
    for title, field, required in (
        ("Init Containers", "initContainer", False),
        ("Containers", "container", True),
        ("Ephemeral Containers", "ephemeralContainer", False),
    ):
        given = spec.get(f"{field}s") or []
        if given or required:
            containers(writer, title, pod, given, status.get(f"{field}Statuses") or [])
    _conditions(writer, spec, status)
    volumes(writer, spec.get("volumes") or [])
    writer.write(0, f"QoS Class:\t{status.get('qosClass', 'BestEffort')}\n")
    common.pairs(writer, "Node-Selectors", spec.get("nodeSelector"))
    common.column(writer, "Tolerations", tolerations(spec.get("tolerations") or []))
    topology_spread(writer, spec.get("topologySpreadConstraints") or [])
    if show_events:
        common.events(writer, common.find_events(client, pod))
    return writer.text()


def _identity(writer: Writer, pod: Obj, spec: Obj, status: Obj) -> None:
    meta = pod["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    if "priority" in spec:
        writer.write(0, f"Priority:\t{spec['priority']}\n")
    for title, field in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(field):
            writer.write(0, f"{title}:\t{spec[field]}\n")
    node = f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>"
    writer.write(0, f"Node:\t{node}\n")
    if status.get("startTime"):
        writer.write(0, f"Start Time:\t{common.rfc1123z(status['startTime'])}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))


def _phase(writer: Writer, pod: Obj, spec: Obj, status: Obj) -> None:
    meta, phase = pod["metadata"], status.get("phase", "")
    if meta.get("deletionTimestamp") and phase not in ("Failed", "Succeeded"):
        writer.write(0, f"Status:\tTerminating (lasts {common.since(meta['deletionTimestamp'])})\n")
        writer.write(0, f"Termination Grace Period:\t{meta.get('deletionGracePeriodSeconds', 0)}s\n")
    else:
        writer.write(0, f"Status:\t{phase}\n")
    for field in ("reason", "message"):
        if status.get(field):
            writer.write(0, f"{field.title()}:\t{status[field]}\n")
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    if profile:
        writer.write(0, f"SeccompProfile:\t{profile['type']}\n")
        if profile["type"] == "Localhost":
            writer.write(0, f"LocalhostProfile:\t{profile.get('localhostProfile', '')}\n")


def _addresses(writer: Writer, pod: Obj, status: Obj) -> None:
    writer.write(0, f"IP:\t{status.get('podIP', '')}\n")
    addresses = status.get("podIPs") or []
    writer.write(0, "IPs:\n" if addresses else "IPs:\t<none>\n")
    for address in addresses:
        writer.write(1, f"IP:\t{address['ip']}\n")
    for owner in pod["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            writer.write(0, f"Controlled By:\t{owner['kind']}/{owner['name']}\n")
    if status.get("nominatedNodeName"):
        writer.write(0, f"NominatedNodeName:\t{status['nominatedNodeName']}\n")


def _conditions(writer: Writer, spec: Obj, status: Obj) -> None:
    conditions = status.get("conditions") or []
    gates = spec.get("readinessGates") or []
    if gates:
        by_type = {condition["type"]: condition["status"] for condition in conditions}
        writer.write(0, "Readiness Gates:\n  Type\tStatus\n")
        for gate in gates:
            name = gate["conditionType"]
            writer.write(1, f"{name} \t{by_type.get(name, '<none>')} \n")
    if conditions:
        writer.write(0, "Conditions:\n  Type\tStatus\n")
        for condition in conditions:
            writer.write(1, f"{condition['type']} \t{condition['status']} \n")
