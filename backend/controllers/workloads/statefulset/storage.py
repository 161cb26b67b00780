"""The claims of a StatefulSet's pods: made before the pod, and kept or deleted as the retention policy says.

Source: pkg/controller/statefulset/{stateful_pod_control,stateful_set_utils}.go.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

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
        """Give the ordinal's claims the owners that the retention policy asks for. `pod` is the ordinal's own."""
        policy = owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        when_deleted, when_scaled = policy.get("whenDeleted", "Retain"), policy.get("whenScaled", "Retain")
        by_pod = condemned and when_scaled == "Delete" and pod is not None
        by_set = when_deleted == "Delete" and not by_pod
        for claim in self._of(owner, number):
            references = claim["metadata"].get("ownerReferences") or []
            wanted = [entry for entry in references if not _is_ours(entry, owner, number)]
            if by_set:
                wanted.append(_reference(owner))
            if by_pod and pod is not None:
                wanted.append(_reference({"apiVersion": "v1", "kind": "Pod", **pod}))
            if wanted != references:
                meta = {**claim["metadata"], "ownerReferences": wanted}
                await self._client.update(CLAIMS, {**claim, "metadata": meta})

    def _of(self, owner: Obj, number: int) -> Sequence[Obj]:
        namespace = owner["metadata"]["namespace"]
        names = [identity.claim_name(owner, template, number) for template in identity.claim_templates(owner)]
        return [claim for name in names if (claim := self._claims.get(namespace, name)) is not None]


def _reference(obj: Obj) -> Obj:
    meta = obj["metadata"]
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": meta["name"], "uid": meta["uid"]}


def _is_ours(entry: Obj, owner: Obj, number: int) -> bool:
    if entry["uid"] == owner["metadata"]["uid"]:
        return True
    return bool(entry["kind"] == "Pod" and entry["name"] == identity.name_of(owner, number))
