"""ServiceAccount: a pod runs as an account that exists, with that account's token and its image pull secrets.

Source: plugin/pkg/admission/serviceaccount.
"""

from __future__ import annotations

import asyncio
import random

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.mountable_secrets import check_secrets, enforced, uses_secrets
from backend.apiserver.call import Server
from backend.meta.types import Obj
from backend.resources.resource import Resource
from backend.store.api import Entry

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_MIRROR = "kubernetes.io/config.mirror"
_ACCOUNT_WAIT_SECONDS = 10.0
"""How long a pod waits for the account `default` of a new namespace, which a controller makes."""
_VOLUME = "kube-api-access-"
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_TOKEN_SECONDS = 3607


class ServiceAccount:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if resource.qualified != "pods":
            return False
        return (operation, subresource) in (("CREATE", ""), ("UPDATE", "ephemeralcontainers"))

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.new
        if attributes.operation != "CREATE" or _is_mirror(pod):
            return
        spec = pod["spec"]
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        account = await _account(attributes, name)
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        if _wants_token(account, spec):
            _mount_token(spec)
        pull_secrets = account.get("imagePullSecrets")
        if pull_secrets and not spec.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(secret) for secret in pull_secrets]

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.new
        spec = pod["spec"]
        if _is_mirror(pod):
            if attributes.operation == "CREATE":
                _check_mirror(attributes, spec)
            return
        name = spec.get("serviceAccountName")
        if not name:
            raise attributes.forbidden(
                f"no service account specified for pod {attributes.namespace}/{attributes.name}"
            )
        account = await _account(attributes, name)
        if enforced(account):
            containers = ("ephemeralContainers",) if attributes.subresource else ("initContainers", "containers")
            fault = check_secrets(account, spec, containers, whole_pod=not attributes.subresource)
            if fault:
                raise attributes.forbidden(fault)


def _is_mirror(pod: Obj) -> bool:
    """Whether it only shows a pod that a node has from a file of its own: nothing may change it."""
    return _MIRROR in (pod["metadata"].get("annotations") or {})


def _check_mirror(attributes: Attributes, spec: Obj) -> None:
    if spec.get("serviceAccountName"):
        raise attributes.forbidden("a mirror pod may not reference service accounts")
    if uses_secrets(spec):
        raise attributes.forbidden("a mirror pod may not reference secrets")
    for volume in spec.get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if source.get("serviceAccountToken") is not None:
                raise attributes.forbidden("a mirror pod may not use ServiceAccountToken volume projections")


def _wants_token(account: Obj, spec: Obj) -> bool:
    """The pod's word is the last, then the account's."""
    for said in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if said is not None:
            return bool(said)
    return True


def _mount_token(spec: Obj) -> None:
    """Give every container the token, the CA and the namespace, unless it has something of its own there."""
    volumes = spec.get("volumes") or []
    name = next((volume["name"] for volume in volumes if volume["name"].startswith(_VOLUME)), "")
    made = "" if name else _VOLUME + "".join(random.choices(_SUFFIX_ALPHABET, k=5))
    mount = {"name": name or made, "readOnly": True, "mountPath": MOUNT_PATH}
    needed = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        mounts = container.get("volumeMounts") or []
        if all(other.get("mountPath") != MOUNT_PATH for other in mounts):
            container["volumeMounts"] = [*mounts, dict(mount)]
            needed = True
    if made and needed:
        spec["volumes"] = [*volumes, _volume(made)]


def _volume(name: str) -> Obj:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}


async def _account(attributes: Attributes, name: str) -> Obj:
    """The account, or why the pod is refused."""
    namespace, server = attributes.namespace, attributes.call.server
    entry = await _find_account(server, f"core/serviceaccounts/{namespace}/{name}", wait=name == "default")
    if entry is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise attributes.forbidden(why)
    return entry.obj


async def _find_account(server: Server, key: str, *, wait: bool) -> Entry | None:
    entry = server.store.get(key)
    if entry is not None or not wait:
        return entry
    watch = server.store.watch(key)
    try:
        async with asyncio.timeout(_ACCOUNT_WAIT_SECONDS):
            async for event in watch:
                if event.type != "DELETED":
                    return event.entry
    except TimeoutError:
        pass
    finally:
        watch.close()
    return None
