"""Secrets of type kubernetes.io/service-account-token get a token of the account that they name.

Source: pkg/controller/serviceaccount/tokens_controller.go. Such a Secret goes with its account.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from backend.machinery.client import SECRETS, SERVICE_ACCOUNTS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"
_TYPE = "kubernetes.io/service-account-token"
_BY_ACCOUNT = "account"

SignToken = Callable[[Obj, str], str]
"""(account, name of the Secret) -> the token."""


class LegacyTokens:
    def __init__(
        self, client: Client, sign: SignToken, ca_bundle: str, *, accounts: Informer, clock: Clock | None = None
    ) -> None:
        """`ca_bundle` is PEM text; `accounts` has all service accounts."""
        self._client = client
        self._sign = sign
        self._ca_bundle = ca_bundle
        self._accounts = accounts
        self.secrets = Informer(
            client, SECRETS, indexers={_BY_ACCOUNT: _account_of}, clock=clock, fieldSelector=f"type={_TYPE}"
        )
        self.controller = Controller(
            "legacy-token", self.reconcile, clock=clock, informers=(accounts, self.secrets)
        )
        self.secrets.on_change(self.controller.enqueue_changed)
        accounts.on_change(self._account_changed)

    def _account_changed(self, new: Obj | None, old: Obj | None) -> None:
        account = new if new is not None else old
        if account is None or (new is not None and old is not None):
            return
        meta = account["metadata"]
        for secret in self.secrets.by_index(_BY_ACCOUNT, f"{meta['namespace']}/{meta['name']}"):
            self.controller.enqueue(meta["namespace"], secret["metadata"]["name"])

    async def reconcile(self, key: Key) -> None:
        secret = self.secrets.get(*key)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            return
        annotations = secret["metadata"].get("annotations") or {}
        account = await self._account(key.namespace, annotations[NAME])
        if account is None or annotations.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
            await self._delete(secret)
            return
        filled = self._filled(secret, account)
        if filled != secret:
            await self._client.update(SECRETS, filled)

    async def _account(self, namespace: str, name: str) -> Obj | None:
        """Asked of the API server where the cache has none: a cache that lags must cost nobody a token."""
        known = self._accounts.get(namespace, name)
        if known is not None:
            return known
        try:
            return await self._client.get(SERVICE_ACCOUNTS, name, namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def _filled(self, secret: Obj, account: Obj) -> Obj:
        meta, data = secret["metadata"], secret.get("data") or {}
        annotations = {**(meta.get("annotations") or {}), UID: account["metadata"]["uid"]}
        filled = {**data, "ca.crt": _encoded(self._ca_bundle)}
        if not data.get("namespace"):
            filled["namespace"] = _encoded(meta["namespace"])
        if not data.get("token"):
            filled["token"] = _encoded(self._sign(account, meta["name"]))
        return {**secret, "metadata": {**meta, "annotations": annotations}, "data": filled}

    async def _delete(self, secret: Obj) -> None:
        meta = secret["metadata"]
        preconditions = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        try:
            await self._client.delete(SECRETS, meta["name"], meta["namespace"], {"preconditions": preconditions})
        except ApiError as error:
            if error.code != 404:
                raise


def _account_of(secret: Obj) -> Sequence[str]:
    meta = secret["metadata"]
    name = (meta.get("annotations") or {}).get(NAME)
    return (f"{meta['namespace']}/{name}",) if name else ()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
