"""Accounts whose pods may use only the Secrets that the account names.

Source: limitSecretReferences and limitEphemeralContainerSecretReferences of plugin/pkg/admission/serviceaccount.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.meta.types import Obj

_ANNOTATION = "kubernetes.io/enforce-mountable-secrets"
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_WORDS = {
    "initContainers": "init container",
    "containers": "container",
    "ephemeralContainers": "ephemeral container",
}


def enforced(account: Obj) -> bool:
    return (account["metadata"].get("annotations") or {}).get(_ANNOTATION) in _TRUE


def check_secrets(account: Obj, spec: Obj, containers: Sequence[str], *, whole_pod: bool) -> str:
    """Why a pod of the account is refused, "" if it is not.

    `containers` are the lists of the spec that count; `whole_pod`: its volumes and pull secrets count too.
    """
    allowed = {secret.get("name") for secret in account.get("secrets") or ()}
    own = f"because service account {account['metadata']['name']} does not reference that"
    if whole_pod:
        for volume in spec.get("volumes") or ():
            name = (volume.get("secret") or {}).get("secretName")
            if name is not None and name not in allowed:
                return f'volume with secret.secretName="{name}" is not allowed {own} secret'
    for kind in containers:
        for container in spec.get(kind) or ():
            for how, name in _environment(container):
                if name not in allowed:
                    who = f"{_WORDS[kind]} {container['name']} with {how} referencing"
                    return f'{who} secret.secretName="{name}" is not allowed {own} secret'
    pulling = {secret.get("name") for secret in account.get("imagePullSecrets") or ()}
    for index, secret in enumerate(spec.get("imagePullSecrets") or () if whole_pod else ()):
        if secret.get("name") not in pulling:
            return f'imagePullSecrets[{index}].name="{secret.get("name")}" is not allowed {own} imagePullSecret'
    return ""


def uses_secrets(spec: Obj) -> bool:
    """Whether a pod names a Secret anywhere that Kubernetes looks."""
    if spec.get("imagePullSecrets"):
        return True
    for kind in _WORDS:
        for container in spec.get(kind) or ():
            if any(True for _ in _environment(container)):
                return True
    return any(_names_secret(volume) for volume in spec.get("volumes") or ())


def _names_secret(volume: Obj) -> bool:
    sources = (volume.get("projected") or {}).get("sources") or ()
    return bool(volume.get("secret")) or any(source.get("secret") for source in sources)


def _environment(container: Obj) -> Iterator[tuple[str, str | None]]:
    """(how, the Secret's name) of what its environment takes from Secrets."""
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if reference is not None:
            yield f"envVar {variable['name']}", reference.get("name")
    for source in container.get("envFrom") or ():
        if source.get("secretRef") is not None:
            yield "envFrom", source["secretRef"].get("name")
