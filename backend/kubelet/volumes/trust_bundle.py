"""Trust bundles as one file of certificates. Source: pkg/kubelet/clustertrustbundle/clustertrustbundle_manager.go."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.kubelet.lookup import SIGNER, MissingReference
from backend.kubelet.volumes.plugin import VolumeContext
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def trust_anchors(context: VolumeContext, source: Obj) -> bytes:
    """The certificates of the bundles that the source selects, each once; none where it is optional and there is no
    bundle. Raises MissingReference."""
    bundles = _by_name(context, source) if source.get("name") else _by_signer(context, source)
    texts = [bundle["spec"].get("trustBundle") or "" for bundle in bundles]
    anchors = {"".join(found.split()): found for text in texts for found in _CERTIFICATE.findall(text)}
    return "".join(f"{anchor}\n" for _, anchor in sorted(anchors.items())).encode()


def _by_name(context: VolumeContext, source: Obj) -> Sequence[Obj]:
    found = context.lookup("ClusterTrustBundle", source["name"])
    if found is None and not source.get("optional"):
        raise MissingReference(f'clustertrustbundle.certificates.k8s.io "{source["name"]}" not found')
    return [found] if found is not None else []


def _by_signer(context: VolumeContext, source: Obj) -> Sequence[Obj]:
    """Without a selector none of them, with an empty one all."""
    bundles = (context.lookup(SIGNER, source.get("signerName", "")) or {"items": []})["items"]
    selector = as_selector(source.get("labelSelector"))
    found = [bundle for bundle in bundles if selector.matches(bundle["metadata"].get("labels") or {})]
    if not found and not source.get("optional"):
        raise MissingReference("combination of signerName and labelSelector matched zero ClusterTrustBundles")
    return found
