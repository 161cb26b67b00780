"""A pod template, as the kinds that have one show it. Source: DescribePodTemplate of k8s.io/kubectl/pkg/describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.meta.label_selector import format_selector
from minikctl.describe import common
from minikctl.describe.containers import containers
from minikctl.describe.volumes import volumes
from minikctl.describe.writer import Writer

Obj = Mapping[str, Any]

_INDENT = "  "
_NO_POD: Obj = {"metadata": {}}
"""What fields of a pod are looked up in: a template has none yet."""


def pod_template(writer: Writer, template: Obj | None) -> None:
    writer.write(0, "Pod Template:\n")
    if template is None:
        writer.write(1, "<unset>")
        return
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    common.pairs(writer, "  Labels", meta.get("labels"))
    if meta.get("annotations"):
        common.annotation_lines(writer, meta["annotations"], "  Annotations")
    if spec.get("serviceAccountName"):
        writer.write(1, f"Service Account:\t{spec['serviceAccountName']}\n")
    if spec.get("initContainers"):
        containers(writer, "Init Containers", _NO_POD, spec["initContainers"], [], _INDENT)
    containers(writer, "Containers", _NO_POD, spec.get("containers") or [], [], _INDENT)
    volumes(writer, spec.get("volumes") or [], _INDENT)
    topology_spread(writer, spec.get("topologySpreadConstraints") or [], _INDENT)
    if spec.get("priorityClassName"):
        writer.write(1, f"Priority Class Name:\t{spec['priorityClassName']}\n")
    common.pairs(writer, "Node-Selectors", spec.get("nodeSelector"), _INDENT)
    lines = tolerations(spec.get("tolerations") or [])
    common.column(writer, f"{_INDENT}Tolerations", lines, _INDENT)


def topology_spread(writer: Writer, given: list[Obj], indent: str = "") -> None:
    if not given:
        return
    lines = []
    for constraint in sorted(given, key=lambda constraint: str(constraint.get("topologyKey", ""))):
        line = f"{constraint.get('topologyKey', '')}:{constraint.get('whenUnsatisfiable', '')}"
        line += f" when max skew {constraint.get('maxSkew', 0)} is exceeded"
        if constraint.get("labelSelector") is not None:
            line += f" for selector {format_selector(constraint['labelSelector'])}"
        lines.append(line)
    common.column(writer, f"{indent}Topology Spread Constraints", lines, indent)


def tolerations(given: list[Obj]) -> list[str]:
    lines = []
    for toleration in sorted(given, key=lambda toleration: str(toleration.get("key", ""))):
        key, value, effect = (toleration.get(name, "") for name in ("key", "value", "effect"))
        line = key + (f"={value}" if value else "") + (f":{effect}" if effect else "")
        if toleration.get("operator") == "Exists" and not value:
            line += " op=Exists" if line else "op=Exists"
        if toleration.get("tolerationSeconds") is not None:
            line += f" for {toleration['tolerationSeconds']}s"
        lines.append(line)
    return lines or ["<none>"]
