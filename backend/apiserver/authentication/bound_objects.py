"""Whether what a token is bound to still lives. Source: pkg/serviceaccount/{claims,legacy}.go, Validate."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from backend.meta import timefmt
from backend.meta.types import Obj
from backend.store.api import Store

_INVALIDATED = "service account token has been invalidated"


class TokenRefused(Exception):
    """Why a token is not believed; only for whom reviews tokens, never for whom presents one."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The objects that a token names, each as {name, uid}. A node beside a pod is information, not a condition."""

    namespace: str
    account: Obj
    secret: Obj | None
    pod: Obj | None
    node: Obj | None
    legacy: bool = False


class Objects:
    """Looks objects up in the store, which has them in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, bound: Bound, seen: dict[str, int], deleted_before: float, token: str) -> None:
        """Raise TokenRefused unless all are there, with the uids that the token names.

        What is being deleted counts as gone once its deletion was due before `deleted_before`. `seen` keeps the
        revisions that passed: an object that did not change is not looked at again.
        """
        namespace = bound.namespace
        account = f"core/serviceaccounts/{namespace}/{bound.account['name']}"
        if not self._passed(account, seen):
            self._check_account(account, bound, seen, deleted_before)
        if bound.secret is not None:
            secret = f"core/secrets/{namespace}/{bound.secret['name']}"
            if not self._passed(secret, seen):
                if bound.legacy:
                    self._check_kept(secret, token)
                self._check_object(secret, "secret", bound.secret, seen, deleted_before)
        if bound.pod is not None:
            pod = f"core/pods/{namespace}/{bound.pod['name']}"
            if not self._passed(pod, seen):
                self._check_object(pod, "pod", bound.pod, seen, deleted_before)
        elif bound.node is not None:
            node = f"core/nodes/{bound.node['name']}"
            if not self._passed(node, seen):
                self._check_object(node, "node", bound.node, seen, deleted_before)

    def _passed(self, key: str, seen: dict[str, int]) -> bool:
        entry = self._store.get(key)
        return entry is not None and seen.get(key) == entry.revision

    def _check_account(self, key: str, bound: Bound, seen: dict[str, int], deleted_before: float) -> None:
        entry, name = self._store.get(key), bound.account["name"]
        if entry is None:
            raise TokenRefused(f'serviceaccounts "{name}" not found')
        meta = entry.obj["metadata"]
        if _deleted(meta, deleted_before):
            raise TokenRefused(f"service account {bound.namespace}/{name} has been deleted")
        if meta["uid"] != bound.account["uid"]:
            text = f"service account UID ({meta['uid']}) does not match claim ({bound.account['uid']})"
            raise TokenRefused(text)
        if not meta.get("deletionTimestamp"):
            seen[key] = entry.revision

    def _check_object(
        self, key: str, kind: str, reference: Obj, seen: dict[str, int], deleted_before: float
    ) -> None:
        entry = self._store.get(key)
        if entry is None or _deleted(entry.obj["metadata"], deleted_before):
            raise TokenRefused(_INVALIDATED)
        meta = entry.obj["metadata"]
        if reference.get("uid", meta["uid"]) != meta["uid"]:
            text = f"does not match service account {kind} ref claim ({reference['uid']})"
            raise TokenRefused(f"{kind} UID ({meta['uid']}) {text}")
        if not meta.get("deletionTimestamp"):
            seen[key] = entry.revision

    def _check_kept(self, key: str, token: str) -> None:
        """A token that is kept in a Secret is valid only as long as it is kept there."""
        entry = self._store.get(key)
        if entry is None:
            raise TokenRefused(_INVALIDATED)
        data = entry.obj.get("data") or {}
        if base64.b64decode(data.get("token", "")) != token.encode():
            raise TokenRefused("token does not match server's copy")


def _deleted(meta: Obj, deleted_before: float) -> bool:
    due: str = meta.get("deletionTimestamp") or ""
    return due != "" and timefmt.parse(due) < deleted_before
