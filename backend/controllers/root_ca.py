"""Every active namespace has the CA that pods trust the API server by, in the config map `kube-root-ca.crt`.

Source: pkg/controller/certificates/rootcacertpublisher.
"""

from __future__ import annotations

from backend.controllers.per_namespace import PerNamespace
from backend.machinery.client import CONFIGMAPS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller
from backend.machinery.informer import Informer
from backend.meta.types import Obj

NAME = "kube-root-ca.crt"
_FILE = "ca.crt"
_DESCRIPTION = "kubernetes.io/description"
_TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
    "Kubernetes clusters."
)


def informer(client: Client, clock: Clock | None = None) -> Informer:
    """The config maps of that name, which are all that `make` looks at."""
    return Informer(client, CONFIGMAPS, clock=clock, fieldSelector=f"metadata.name={NAME}")


def make(
    client: Client, ca_bundle: str, *, namespaces: Informer, config_maps: Informer, clock: Clock | None = None
) -> Controller:
    """`ca_bundle` is PEM text."""

    def desired(current: Obj | None) -> Obj | None:
        if current is None:
            meta = {"name": NAME, "annotations": {_DESCRIPTION: _TEXT}}
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {_FILE: ca_bundle}}
        annotations = current["metadata"].get("annotations") or {}
        if current.get("data") == {_FILE: ca_bundle} and annotations.get(_DESCRIPTION):
            return None
        meta = {**current["metadata"], "annotations": {**annotations, _DESCRIPTION: _TEXT}}
        return {**current, "metadata": meta, "data": {_FILE: ca_bundle}}

    parts = PerNamespace(client, CONFIGMAPS, NAME, namespaces=namespaces, objects=config_maps, desired=desired)
    return parts.controller("root-ca", clock)
