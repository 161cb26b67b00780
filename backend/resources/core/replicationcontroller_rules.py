"""Rules of v1 ReplicationController.

Source: SetDefaults_ReplicationController; ValidateReplicationControllerSpec, ValidatePodTemplateSpecForRC.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.resources.core.pod_template_spec import default_template, labels, validate_template

_PARTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")


def default(controller: Obj) -> None:
    """What a controller selects, and how it is labelled, is as its pods are unless it says otherwise."""
    spec = controller.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    controller.setdefault("status", {}).setdefault("replicas", 0)
    if "template" not in spec:
        return
    given = labels(default_template(spec))
    if given and not spec.get("selector"):
        spec["selector"] = dict(given)
    if given and not controller["metadata"].get("labels"):
        controller["metadata"]["labels"] = dict(given)


def validate(controller: Obj) -> Sequence[Cause]:
    spec = controller["spec"]
    selector = spec.get("selector")
    found = causes.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds"))
    if not selector:
        found.append(causes.required("spec.selector"))
    found += causes.nonnegative("spec.replicas", spec["replicas"])
    if "template" not in spec:
        return [*found, causes.required("spec.template")]
    return found + _validate_template(spec["template"], selector)


def _validate_template(template: Obj, selector: Obj | None) -> list[Cause]:
    path, spec = "spec.template", template["spec"]
    found: list[Cause] = []
    if selector and not as_selector({"matchLabels": selector}).matches(labels(template)):
        detail = "`selector` does not match template `labels`"
        found.append(causes.invalid_value(f"{path}.metadata.labels", labels(template), detail))
    found += validate_template(template, path)
    if spec["restartPolicy"] != "Always":
        found.append(causes.not_supported(f"{path}.spec.restartPolicy", spec["restartPolicy"], ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        detail = "activeDeadlineSeconds in ReplicationController is not Supported"
        found.append(causes.forbidden(f"{path}.spec.activeDeadlineSeconds", detail))
    return found


def validate_update(controller: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(controller)


def validate_status_update(controller: Obj, _old: Obj) -> Sequence[Cause]:
    """Source: ValidateReplicationControllerStatus."""
    status = controller["status"]
    found: list[Cause] = []
    for field in ("replicas", *_PARTS, "observedGeneration"):
        found += causes.nonnegative(f"status.{field}", status.get(field))
    for field in _PARTS:
        if status.get(field, 0) > status["replicas"]:
            detail = "cannot be greater than status.replicas"
            found.append(causes.invalid_value(f"status.{field}", status[field], detail))
    if status.get("availableReplicas", 0) > status.get("readyReplicas", 0):
        detail = "cannot be greater than readyReplicas"
        found.append(causes.invalid_value("status.availableReplicas", status["availableReplicas"], detail))
    return found
