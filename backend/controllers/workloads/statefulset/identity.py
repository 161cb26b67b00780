"""The identities of a StatefulSet's pods: a name with an ordinal, a host name in its service, and claims of its own.

Source: pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable

from backend.controllers.workloads.history import REVISION_LABEL
from backend.controllers.workloads.pods import pod_from
from backend.meta.types import Obj

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-([0-9]+)")


def ordinal(owner: Obj, pod: Obj) -> int:
    """-1 for a name that this StatefulSet would not give."""
    match = _NAME.fullmatch(pod["metadata"]["name"])
    if match is None or match[1] != owner["metadata"]["name"]:
        return -1
    return int(match[2])


def first_ordinal(owner: Obj) -> int:
    return int((owner["spec"].get("ordinals") or {}).get("start", 0))


def ordinals(owner: Obj) -> range:
    first = first_ordinal(owner)
    return range(first, first + int(owner["spec"].get("replicas", 1)))


def name_of(owner: Obj, number: int) -> str:
    return f"{owner['metadata']['name']}-{number}"


def claim_name(owner: Obj, template: Obj, number: int) -> str:
    return f"{template['metadata']['name']}-{name_of(owner, number)}"


def claim_templates(owner: Obj) -> list[Obj]:
    return list(owner["spec"].get("volumeClaimTemplates") or ())


def new_pod(owner: Obj, template: Obj, number: int, revision: str) -> Obj:
    """The pod of an ordinal, made from a template at a revision."""
    pod = pod_from(template, owner, name=name_of(owner, number))
    pod["metadata"].setdefault("labels", {})[REVISION_LABEL] = revision
    with_identity(owner, pod, number)
    return pod


def with_identity(owner: Obj, pod: Obj, number: int) -> None:
    """Give the pod, in place, what its ordinal makes of it."""
    name = name_of(owner, number)
    pod["metadata"].setdefault("labels", {}).update({POD_NAME_LABEL: name, POD_INDEX_LABEL: str(number)})
    spec = pod["spec"]
    spec["hostname"] = name
    if owner["spec"].get("serviceName"):
        spec["subdomain"] = owner["spec"]["serviceName"]
    templates = claim_templates(owner)
    if templates:
        own = {entry["metadata"]["name"] for entry in templates}
        others = [volume for volume in spec.get("volumes") or () if volume["name"] not in own]
        spec["volumes"] = [*_claim_volumes(owner, templates, number), *others]


def _claim_volumes(owner: Obj, templates: Iterable[Obj], number: int) -> list[Obj]:
    return [
        {
            "name": template["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": claim_name(owner, template, number)},
        }
        for template in templates
    ]


def has_identity(owner: Obj, pod: Obj, number: int) -> bool:
    """Whether the pod's labels and claims are its ordinal's."""
    labels = pod["metadata"].get("labels") or {}
    name = name_of(owner, number)
    if labels.get(POD_NAME_LABEL) != name or labels.get(POD_INDEX_LABEL) != str(number):
        return False
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    wanted = _claim_volumes(owner, claim_templates(owner), number)
    return all(
        (volumes.get(volume["name"], {}).get("persistentVolumeClaim") or {}).get("claimName")
        == volume["persistentVolumeClaim"]["claimName"]
        for volume in wanted
    )


def repaired(owner: Obj, pod: Obj, number: int) -> Obj:
    """A copy of the pod with its labels put right: its volumes cannot be changed any more."""
    fixed = copy.deepcopy(pod)
    labels = fixed["metadata"].setdefault("labels", {})
    labels.update({POD_NAME_LABEL: name_of(owner, number), POD_INDEX_LABEL: str(number)})
    return fixed
