"""The claims of a StatefulSet's pods: made before the pod, and kept or deleted as the retention policy says.

Source: pkg/controller/statefulset/{stateful_pod_control,stateful_set_utils}.go.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from backend.controllers.workloads.ownership import reference_to
from backend.controllers.workloads.statefulset import identity
from backend.machinery.client import GVR, Client
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

CLAIMS = GVR("", "v1", "persistentvolumeclaims")


class ClaimControl:
    def __init__(self, client: Client, claims: Informer, recorder: EventRecorder) -> None:
        self._client = client
        self._claims = claims
        self._recorder = recorder

    async def ensure(self, owner: Obj, number: int) -> None:
        """Make the ordinal's claims that are not there. Raises ApiError."""
        namespace = owner["metadata"]["namespace"]
        for template in identity.claim_templates(owner):
            name = identity.claim_name(owner, template, number)
            if self._claims.get(namespace, name) is None:
                await self._create(owner, template, name, number)

    async def _create(self, owner: Obj, template: Obj, name: str, number: int) -> None:
        claim = copy.deepcopy(template)
        labels = {
            **(claim["metadata"].get("labels") or {}),
            **(owner["spec"]["selector"].get("matchLabels") or {}),
        }
        claim["metadata"] = {
            **claim["metadata"], "name": name, "namespace": owner["metadata"]["namespace"], "labels": labels,
        }  # fmt: skip
        claim.pop("status", None)
        pod_name = identity.name_of(owner, number)
        what = f"Claim {name} Pod {pod_name} in StatefulSet {owner['metadata']['name']}"
        try:
            await self._client.create(CLAIMS, claim, owner["metadata"]["namespace"])
        except ApiError as error:
            if error.code == 409:
                return
            self._recorder.event(owner, "Warning", "FailedCreate", f"create {what} failed error: {error}")
            raise
        self._recorder.event(owner, "Normal", "SuccessfulCreate", f"create {what} success")

    def is_stale(self, owner: Obj, number: int) -> bool:
        """Whether a claim of the ordinal is still on its way out with the pod before: the next pod has to wait."""
        return any(claim["metadata"].get("deletionTimestamp") for claim in self._of(owner, number))

    async def retain(self, owner: Obj, number: int, pod: Obj | None, *, condemned: bool) -> None:
        """Give the ordinal's claims the owners that the retention policy asks for. `pod` is the ordinal's own.

        Source: updateClaimOwnerRefForSetAndPod.
        """
        policy = owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        when_deleted, when_scaled = policy.get("whenDeleted", "Retain"), policy.get("whenScaled", "Retain")
        by_pod = condemned and when_scaled == "Delete" and pod is not None
        by_set = when_deleted == "Delete" and not by_pod
        for claim in self._of(owner, number):
            references = claim["metadata"].get("ownerReferences") or []
            possible = [owner, *([{"apiVersion": "v1", "kind": "Pod", **pod}] if pod is not None else [])]
            if any(_is_stale(entry, obj) for entry in references for obj in possible):
                continue  # It belongs to a set or pod of the same name that was before: hands off.
            wanted = [entry for entry in references if not any(_names(entry, obj) for obj in possible)]
            is_others = any(entry.get("controller") for entry in wanted)
            if by_set and not is_others:
                wanted.append(reference_to(owner))
            if by_pod and not is_others:
                wanted.append(reference_to(possible[1]))
            if wanted != references:
                meta = {**claim["metadata"], "ownerReferences": wanted}
                await self._client.update(CLAIMS, {**claim, "metadata": meta})

    def _of(self, owner: Obj, number: int) -> Sequence[Obj]:
        namespace = owner["metadata"]["namespace"]
        names = [identity.claim_name(owner, template, number) for template in identity.claim_templates(owner)]
        return [claim for name in names if (claim := self._claims.get(namespace, name)) is not None]


def _names(entry: Obj, obj: Obj) -> bool:
    """Whether an owner reference is to this object, or to one of its kind and name."""
    meta = obj["metadata"]
    return (entry["apiVersion"], entry["kind"], entry["name"]) == (obj["apiVersion"], obj["kind"], meta["name"])


def _is_stale(entry: Obj, obj: Obj) -> bool:
    return _names(entry, obj) and entry["uid"] != obj["metadata"]["uid"]
