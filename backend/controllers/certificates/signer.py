"""Signs approved requests for the signers of kubernetes.io. Source: pkg/controller/certificates/signer/signer.go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from backend.controllers.certificates.conditions import CSRS, certificate, has, with_condition
from backend.machinery.client import Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.types import Obj
from backend.resources.certificates import requests

Sign = Callable[[str, Collection[str], int | None], str]
"""(spec.request, usages, seconds asked for) -> the certificate, PEM in base64. Blocks."""


class CsrSigner:
    def __init__(self, client: Client, sign: Sign, *, csrs: Informer, clock: Clock | None = None) -> None:
        self._client = client
        self._sign = sign
        self._csrs = csrs
        self.controller = Controller("csrsigning", self.reconcile, clock=clock, informers=(csrs,))
        csrs.on_change(self.controller.enqueue_changed)

    async def reconcile(self, key: Key) -> None:
        csr = self._csrs.get("", key.name)
        if csr is None or certificate(csr) or not has(csr, "Approved") or has(csr, "Denied") or has(csr, "Failed"):
            return
        spec = csr["spec"]
        fault = _fault(spec)
        if fault is None:
            return
        if fault:
            await self._client.update(
                CSRS, with_condition(csr, "Failed", "SignerValidationFailure", fault), "status"
            )
            return
        usages, seconds = spec.get("usages") or [], spec.get("expirationSeconds")
        signed = await asyncio.to_thread(self._sign, spec["request"], usages, seconds)
        await self._client.update(CSRS, {**csr, "status": {**csr["status"], "certificate": signed}}, "status")


def _fault(spec: Obj) -> str | None:
    """Why it cannot be signed, "" if it can; None if the signer is somebody else."""
    signer, usages = spec["signerName"], spec.get("usages") or []
    if signer == requests.KUBE_APISERVER_CLIENT:
        return requests.api_client_fault(usages)
    if signer == requests.KUBELET_CLIENT:
        return requests.kubelet_client_fault(requests.parse(spec["request"]), usages)
    if signer == requests.KUBELET_SERVING:
        return requests.kubelet_serving_fault(requests.parse(spec["request"]), usages)
    return "" if signer == requests.LEGACY_UNKNOWN else None
