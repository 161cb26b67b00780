"""What a client is warned of when it writes volumes, claims, storage classes and capacities.

Sources: pkg/api/persistentvolume/util.go, pkg/api/persistentvolumeclaim/util.go, pkg/api/storage/util.go.
"""

from __future__ import annotations

from backend.meta import quantity
from backend.meta.causes import go_quote
from backend.meta.types import Obj
from backend.resources.core.pod_warnings import OLD_LABELS, node_term_warnings
from backend.resources.core.storage_cells import CLASS_ANNOTATION

_RECYCLE = (
    "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
)
_OLD_SOURCES = {
    "cephfs": "spec.cephfs: deprecated in v1.28, non-functional in v1.31+",
    "photonPersistentDisk": "spec.photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "spec.scaleIO: deprecated in v1.16, non-functional in v1.22+",
    "storageos": "spec.storageOS: deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "spec.glusterfs: deprecated in v1.25, non-functional in v1.26+",
    "rbd": "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
}


def volume_warnings(volume: Obj, _old: Obj | None) -> list[str]:
    spec = volume["spec"]
    found = _old_annotation(volume)
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        found.append(f"spec.persistentVolumeReclaimPolicy: {_RECYCLE}")
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
    for index, term in enumerate(terms):
        found += node_term_warnings(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
    return found + [text for kind, text in _OLD_SOURCES.items() if spec.get(kind) is not None]


def claim_warnings(claim: Obj, _old: Obj | None) -> list[str]:
    found = _old_annotation(claim)
    resources = claim["spec"].get("resources") or {}
    for field in ("requests", "limits"):
        amount = (resources.get(field) or {}).get("storage")
        if amount is not None and quantity.parse(amount).denominator != 1:
            text = f"fractional byte value {go_quote(amount)} is invalid, must be an integer"
            found.append(f"spec.resources.{field}[storage]: {text}")
    return found


def _old_annotation(obj: Obj) -> list[str]:
    if CLASS_ANNOTATION not in (obj["metadata"].get("annotations") or {}):
        return []
    text = 'deprecated since v1.8; use "storageClassName" attribute instead'
    return [f"metadata.annotations[{CLASS_ANNOTATION}]: {text}"]


def class_warnings(storage_class: Obj, _old: Obj | None) -> list[str]:
    return [
        f"allowedTopologies[{number}].matchLabelExpressions[{index}].key: {OLD_LABELS[expression['key']]}"
        for number, term in enumerate(storage_class.get("allowedTopologies") or ())
        for index, expression in enumerate(term.get("matchLabelExpressions") or ())
        if expression.get("key") in OLD_LABELS
    ]


def capacity_warnings(capacity: Obj, _old: Obj | None) -> list[str]:
    topology = capacity.get("nodeTopology") or {}
    found = [
        f"nodeTopology.matchExpressions[{index}].key: {OLD_LABELS[expression['key']]}"
        for index, expression in enumerate(topology.get("matchExpressions") or ())
        if expression.get("key") in OLD_LABELS
    ]
    labels = topology.get("matchLabels") or {}
    return found + [f"nodeTopology.matchLabels.{key}: {OLD_LABELS[key]}" for key in labels if key in OLD_LABELS]
