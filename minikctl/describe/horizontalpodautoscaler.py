"""kubectl's describe of a HorizontalPodAutoscaler of v2. Source: describeHorizontalPodAutoscalerV2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer
from minikctl.flags import go_quote

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

_UNKNOWN = "<unknown>"


def describe(client: Client, autoscaler: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = autoscaler["metadata"], autoscaler["spec"], autoscaler.get("status") or {}
    common.header(writer, autoscaler)
    writer.write(0, f"CreationTimestamp:\t{common.rfc1123z(meta.get('creationTimestamp'))}\n")
    target = spec.get("scaleTargetRef") or {}
    writer.write(0, f"Reference:\t{target.get('kind', '')}/{target.get('name', '')}\n")
    writer.write(0, "Metrics:\t( current / target )\n")
    current = status.get("currentMetrics") or []
    for index, metric in enumerate(spec.get("metrics") or []):
        writer.write(1, f"{_metric(metric, current[index] if index < len(current) else {})}\n")
    writer.write(0, f"Min replicas:\t{spec.get('minReplicas', '<unset>')}\n")
    writer.write(0, f"Max replicas:\t{spec.get('maxReplicas', 0)}\n")
    behavior = spec.get("behavior")
    if behavior is not None:
        writer.write(0, "Behavior:\n")
        _direction(writer, "Scale Up", behavior.get("scaleUp"))
        _direction(writer, "Scale Down", behavior.get("scaleDown"))
    pods = f"{status.get('currentReplicas', 0)} current / {status.get('desiredReplicas', 0)} desired"
    writer.write(0, f"{target.get('kind', '')} pods:\t{pods}\n")
    _conditions(writer, status.get("conditions") or [])
    if show_events:
        common.events(writer, common.find_events(client, autoscaler))
    return writer.text()


def _metric(metric: Obj, status: Obj) -> str:
    kind = metric.get("type", "")
    field = kind[:1].lower() + kind[1:]
    source = metric.get(field) or {}
    target, current = source.get("target") or {}, (status.get(field) or {}).get("current") or {}
    if kind in ("Resource", "ContainerResource"):
        container = f" of container {go_quote(source.get('container', ''))}" if kind == "ContainerResource" else ""
        return f"resource {source.get('name', '')}{container} on pods{_usage(target, current)}"
    name = go_quote((source.get("metric") or {}).get("name", ""))
    if kind == "Pods":
        return f"{name} on pods:\t{current.get('averageValue', _UNKNOWN)} / {target.get('averageValue', '<nil>')}"
    if kind == "Object":
        described = source.get("describedObject") or {}
        name += f" on {described.get('kind', '')}/{described.get('name', '')}"
        average = target.get("type") == "AverageValue"
    elif kind == "External":
        average = "averageValue" in target
    else:
        return f"<unknown metric type {go_quote(kind)}>"
    field, title = ("averageValue", "target average value") if average else ("value", "target value")
    return f"{name} ({title}):\t{current.get(field, _UNKNOWN)} / {target.get(field, '<nil>')}"


def _usage(target: Obj, current: Obj) -> str:
    if "averageValue" in target:
        return f":\t{current.get('averageValue', _UNKNOWN)} / {target['averageValue']}"
    used, aim = current.get("averageUtilization"), target.get("averageUtilization")
    shown = _UNKNOWN if used is None else f"{used}% ({current.get('averageValue', '<nil>')})"
    return f"  (as a percentage of request):\t{shown} / {'<auto>' if aim is None else f'{aim}%'}"


def _direction(writer: Writer, title: str, rules: Obj | None) -> None:
    if rules is None:
        return
    writer.write(1, f"{title}:\n")
    if "stabilizationWindowSeconds" in rules:
        writer.write(2, f"Stabilization Window: {rules['stabilizationWindowSeconds']} seconds\n")
    if rules.get("policies"):
        writer.write(2, f"Select Policy: {rules.get('selectPolicy', 'Max')}\n")
        writer.write(2, "Policies:\n")
    for policy in rules.get("policies") or []:
        value, period = policy.get("value", 0), policy.get("periodSeconds", 0)
        writer.write(3, f"- Type: {policy.get('type', '')}\tValue: {value}\tPeriod: {period} seconds\n")


def _conditions(writer: Writer, given: list[Obj]) -> None:
    if not given:
        return
    writer.write(0, "Conditions:\n")
    writer.write(1, "Type\tStatus\tReason\tMessage\n")
    writer.write(1, "----\t------\t------\t-------\n")
    for one in given:
        cells = (one["type"], one["status"], one.get("reason", ""), one.get("message", ""))
        writer.write(1, "\t".join(cells) + "\n")
