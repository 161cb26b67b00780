"""The pod template that workloads have. Source: ValidatePodTemplateSpec, SetDefaults_PodSpec."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_annotations, validate_labels
from backend.meta.selectors import Selector
from backend.meta.types import Obj
from backend.resources.core.pod_defaults import default_pod_spec
from backend.resources.core.pod_validation import validate_pod_spec


def default_template(owner: Obj) -> Obj:
    """Fill in `owner["template"]`, in place, and give it. Go's struct is written even where it is empty."""
    template: Obj = owner.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))
    return template


def labels(template: Obj) -> Obj | None:
    return (template.get("metadata") or {}).get("labels")


def validate_template(template: Obj, path: str) -> list[Cause]:
    found = validate_template_metadata(template, path)
    found += validate_pod_spec(template["spec"], f"{path}.spec")
    if template["spec"].get("ephemeralContainers"):
        detail = "ephemeral containers not allowed in pod template"
        found.append(causes.forbidden(f"{path}.spec.ephemeralContainers", detail))
    return found


def validate_template_metadata(template: Obj, path: str) -> list[Cause]:
    """kube-apiserver leaves `metadata` out of these paths."""
    meta = template.get("metadata") or {}
    found = validate_labels(meta.get("labels") or {}, f"{path}.labels")
    return found + validate_annotations(meta.get("annotations") or {}, f"{path}.annotations")


def validate_selected(template: Obj, selector: Selector, path: str) -> list[Cause]:
    """That a workload selects the pods that it makes."""
    present = labels(template)
    if not selector or selector.matches(present):
        return []
    detail = "`selector` does not match template `labels`"
    return [causes.invalid_value(f"{path}.metadata.labels", present, detail)]


def validate_endless(template: Obj, path: str, owner: str) -> list[Cause]:
    """That its pods run until they are deleted; `owner` is the kind that asks for it."""
    spec = template["spec"]
    found: Sequence[Cause] = ()
    if spec.get("restartPolicy") != "Always":
        found = [causes.not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy", ""), ("Always",))]
    if spec.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {owner} is not Supported"
        found = [*found, causes.forbidden(f"{path}.spec.activeDeadlineSeconds", detail)]
    return list(found)
