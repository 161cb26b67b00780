"""The downward API: a pod's own fields and resources, as text for a variable or a file.

Source: k8s.io/kubernetes/pkg/fieldpath and pkg/api/v1/resource ExtractContainerResourceValue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction

from backend.meta.causes import go_quote
from backend.meta.quantity import parse
from backend.meta.types import Obj

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


class UnsupportedField(Exception):
    """The pod has no such field for the downward API."""


def pod_field(pod: Obj, path: str) -> str:
    """metadata.name, .namespace, .uid, .labels, .annotations and one label or annotation ("" when absent)."""
    meta = pod["metadata"]
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(meta.get(path.removeprefix("metadata."), ""))
    if path in ("metadata.labels", "metadata.annotations"):
        entries = meta.get(path.removeprefix("metadata.")) or {}
        return "\n".join(f"{key}={go_quote(entries[key])}" for key in sorted(entries))
    if match := _SUBSCRIPT.fullmatch(path):
        return str((meta.get(match[1]) or {}).get(match[2], ""))
    raise UnsupportedField(f"unsupported fieldPath: {path}")


def resource_field(container: Obj, reference: Obj, allocatable: Mapping[str, str]) -> str:
    """A request or a limit in units of the divisor, rounded up. A limit that is not set is what the node has."""
    kind, _, name = reference["resource"].partition(".")
    if kind not in ("limits", "requests") or not name:
        raise UnsupportedField(f"unsupported container resource : {reference['resource']}")
    amounts = (container.get("resources") or {}).get(kind) or {}
    if kind == "limits" and name in ("cpu", "memory", "ephemeral-storage"):
        amounts = {**allocatable, **amounts}
    divisor = parse(str(reference.get("divisor") or "0")) or Fraction(1)
    return str(math.ceil(parse(str(amounts.get(name, "0"))) / divisor))
