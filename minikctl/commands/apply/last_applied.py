"""The annotation in which `apply` keeps what it applied the last time.

Source: k8s.io/kubectl/pkg/util/apply.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info
from minikctl.commands.create.creating import LAST_APPLIED
from minikctl.output.json_out import dumps


def with_annotation(obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` with all of it, as it is without the annotation, in the annotation."""
    bare = without_annotation(obj)
    return _with_annotations(obj, {**bare["metadata"]["annotations"], LAST_APPLIED: dumps(bare, None) + "\n"})


def without_annotation(obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` with annotations, be they empty, among which that one is not."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return _with_annotations(obj, {key: value for key, value in annotations.items() if key != LAST_APPLIED})


def _with_annotations(obj: dict[str, Any], annotations: dict[str, Any]) -> dict[str, Any]:
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "annotations": annotations}}


def in_words(info: Info) -> str:
    """What object it is, in two lines. Source: cli-runtime resource.Info.String."""
    mapping = info.mapping
    group_version = f"{mapping.group}/{mapping.version}"
    return (
        f'Resource: "{group_version}, Resource={mapping.resource}", GroupVersionKind: "{group_version},'
        f' Kind={mapping.kind}"\nName: "{info.name}", Namespace: "{info.namespace}"'
    )
