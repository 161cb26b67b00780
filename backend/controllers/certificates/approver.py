"""Approves kubelets' requests for their own client certificates. Source: pkg/controller/certificates/approver."""

from __future__ import annotations

from backend.controllers.certificates.conditions import CSRS, is_decided, with_condition
from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.types import Obj
from backend.resources.certificates import requests

_REVIEWS = GVR("authorization.k8s.io", "v1", "subjectaccessreviews")


class CsrApprover:
    """Whoever asks must be allowed to `create` the subresource that stands for such a request."""

    def __init__(self, client: Client, *, csrs: Informer, clock: Clock | None = None) -> None:
        self._client = client
        self._csrs = csrs
        self.controller = Controller("csrapproving", self.reconcile, clock=clock, informers=(csrs,))
        csrs.on_change(self.controller.enqueue_changed)

    async def reconcile(self, key: Key) -> None:
        csr = self._csrs.get("", key.name)
        if csr is None or is_decided(csr) or csr["spec"]["signerName"] != requests.KUBELET_CLIENT:
            return
        spec = csr["spec"]
        wanted = requests.parse(spec["request"])
        if requests.kubelet_client_fault(wanted, spec.get("usages") or ()):
            return
        own = spec.get("username") == requests.common_name(wanted)
        for subresource, what in (("selfnodeclient", "self kubelet client"), ("nodeclient", "kubelet client")):
            if subresource == "selfnodeclient" and not own:
                continue
            if await self._allowed(spec, subresource):
                message = f"Auto approving {what} certificate after SubjectAccessReview."
                approved = with_condition(csr, "Approved", "AutoApproved", message)
                await self._client.update(CSRS, approved, "approval")
                return

    async def _allowed(self, spec: Obj, subresource: str) -> bool:
        asked = {"group": CSRS.group, "resource": CSRS.resource, "verb": "create", "subresource": subresource}
        who = {"user": spec.get("username", ""), "uid": spec.get("uid", ""), "groups": spec.get("groups") or []}
        review = {"spec": {**who, "extra": spec.get("extra") or {}, "resourceAttributes": asked}}
        answer = await self._client.create(_REVIEWS, review)
        return bool(answer["status"].get("allowed"))
