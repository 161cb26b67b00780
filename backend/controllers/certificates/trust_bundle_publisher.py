"""Publishes the CA of the API server as a ClusterTrustBundle, which pods may project instead of `kube-root-ca.crt`.

Source: pkg/controller/certificates/clustertrustbundlepublisher.
"""

from __future__ import annotations

import hashlib

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

TRUST_BUNDLES = GVR("certificates.k8s.io", "v1", "clustertrustbundles")
SIGNER = "kubernetes.io/kube-apiserver-serving"
_HASHED_BYTES = 12


class TrustBundlePublisher:
    """The bundle of our signer is named by what is in it: another CA has another bundle, and the old one goes."""

    def __init__(self, client: Client, ca_bundle: str, *, clock: Clock | None = None) -> None:
        """`ca_bundle` is PEM text."""
        self._client = client
        self._ca_bundle = ca_bundle
        digest = hashlib.sha256(ca_bundle.encode()).digest()[:_HASHED_BYTES].hex()
        self.name = f"{SIGNER.replace('/', ':')}:{digest}"
        self.bundles = Informer(client, TRUST_BUNDLES, clock=clock, fieldSelector=f"spec.signerName={SIGNER}")
        self.controller = Controller(
            "trust-bundle-publisher", self.reconcile, clock=clock, informers=(self.bundles,)
        )
        self.bundles.on_change(self._changed)
        self.controller.enqueue("", self.name)

    def _changed(self, _new: Obj | None, _old: Obj | None) -> None:
        self.controller.enqueue("", self.name)

    async def reconcile(self, _key: Key) -> None:
        current = self.bundles.get("", self.name)
        spec = {"signerName": SIGNER, "trustBundle": self._ca_bundle}
        if current is None:
            await self._client.create(TRUST_BUNDLES, {"metadata": {"name": self.name}, "spec": spec})
        elif current["spec"] != spec:
            await self._client.update(TRUST_BUNDLES, {**current, "spec": spec})
        for bundle in self.bundles.list():
            if bundle["metadata"]["name"] != self.name:
                await self._delete(bundle["metadata"]["name"])

    async def _delete(self, name: str) -> None:
        try:
            await self._client.delete(TRUST_BUNDLES, name)
        except ApiError as error:
            if error.code != 404:
                raise
