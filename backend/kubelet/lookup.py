"""The Secrets and ConfigMaps that a pod refers to, by name in its own namespace, and trust bundles."""

from __future__ import annotations

from collections.abc import Callable

from backend.meta.types import Obj

Lookup = Callable[[str, str], Obj | None]
"""("Secret", "ConfigMap" or "ClusterTrustBundle", name) -> the object of that name (in the pod's namespace); None when
there is none. (SIGNER, name) -> {"items": all trust bundles of that signer}. Looked up beforehand: it answers at once
and in any thread."""

SIGNER = "ClusterTrustBundles by signer"


class MissingReference(Exception):
    """What the pod refers to is not there; the text is the kubelet's."""


def required(lookup: Lookup, kind: str, name: str) -> Obj:
    """Raises MissingReference: `secret "x" not found`."""
    found = lookup(kind, name)
    if found is None:
        raise MissingReference(f'{kind.lower()} "{name}" not found')
    return found
