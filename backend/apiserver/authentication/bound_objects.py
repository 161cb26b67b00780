"""Whether what a token is bound to still lives. Source: pkg/serviceaccount/{claims,legacy}.go, Validate."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from backend.meta import timefmt
from backend.meta.types import Obj
from backend.store.api import Entry, Store

_INVALIDATED = "service account token has been invalidated"


class TokenRefused(Exception):
    """Why a token is not believed; only for whom reviews tokens, never for whom presents one."""


@dataclass(frozen=True, slots=True)
class BoundObject:
    """What must live for the token to be valid. `key` is the store's; a Secret that keeps the token has no `uid`."""

    kind: str
    key: str
    name: str
    uid: str
    keeps_token: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """Whom a token is of and what it is bound to. A node beside a pod is information, not a condition."""

    namespace: str
    account: Obj
    pod: Obj | None
    node: Obj | None
    objects: Sequence[BoundObject]


def bind(
    namespace: str, account: Obj, *, pod: Obj | None = None, node: Obj | None = None, secret: Obj | None = None,
    keeps_token: bool = False,
) -> Bound:  # fmt: skip
    """References are {name, uid}; the Secret that `keeps_token` has no uid."""
    objects = [_object("serviceaccount", namespace, account)]
    if secret is not None:
        objects.append(_object("secret", namespace, secret, keeps_token))
    if pod is not None:
        objects.append(_object("pod", namespace, pod))
    elif node is not None:
        objects.append(_object("node", "", node))
    return Bound(namespace, account, pod, node, objects)


def _object(kind: str, namespace: str, reference: Obj, keeps_token: bool = False) -> BoundObject:
    name = reference["name"]
    place = f"{namespace}/{name}" if namespace else name
    return BoundObject(kind, f"core/{kind}s/{place}", name, reference.get("uid", ""), keeps_token)


class Objects:
    """Looks objects up in the store, which has them in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, bound: Bound, seen: dict[str, int], deleted_before: float, token: str) -> None:
        """Raise TokenRefused unless all are there, with the uids that the token names.

        What is being deleted counts as gone once its deletion was due before `deleted_before`. `seen` keeps the
        revisions that passed: an object that did not change is not looked at again.
        """
        for wanted in bound.objects:
            entry = self._store.get(wanted.key)
            if entry is not None and seen.get(wanted.key) == entry.revision:
                continue
            if wanted.kind == "serviceaccount":
                meta = _living_account(entry, wanted, bound.namespace, deleted_before)
            else:
                meta = _living(entry, wanted, deleted_before, token)
            if entry is not None and not meta.get("deletionTimestamp"):
                seen[wanted.key] = entry.revision


def _living_account(entry: Entry | None, wanted: BoundObject, namespace: str, deleted_before: float) -> Obj:
    if entry is None:
        raise TokenRefused(f'serviceaccounts "{wanted.name}" not found')
    meta: Obj = entry.obj["metadata"]
    if _deleted(meta, deleted_before):
        raise TokenRefused(f"service account {namespace}/{wanted.name} has been deleted")
    if meta["uid"] != wanted.uid:
        raise TokenRefused(f"service account UID ({meta['uid']}) does not match claim ({wanted.uid})")
    return meta


def _living(entry: Entry | None, wanted: BoundObject, deleted_before: float, token: str) -> Obj:
    if entry is None or _deleted(entry.obj["metadata"], deleted_before):
        raise TokenRefused(_INVALIDATED)
    meta: Obj = entry.obj["metadata"]
    if wanted.uid and wanted.uid != meta["uid"]:
        text = f"does not match service account {wanted.kind} ref claim ({wanted.uid})"
        raise TokenRefused(f"{wanted.kind} UID ({meta['uid']}) {text}")
    if wanted.keeps_token:
        kept = (entry.obj.get("data") or {}).get("token", "")
        if base64.b64decode(kept) != token.encode():
            raise TokenRefused("token does not match server's copy")
    return meta


def _deleted(meta: Obj, deleted_before: float) -> bool:
    due: str = meta.get("deletionTimestamp") or ""
    return due != "" and timefmt.parse(due) < deleted_before
