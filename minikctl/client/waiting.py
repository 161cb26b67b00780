"""Waiting until an object is gone. Source: k8s.io/kubectl/pkg/cmd/wait (IsDeleted)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from minikctl.client.errors import Failure, StatusError, is_not_found
from minikctl.client.watch import watch

if TYPE_CHECKING:
    from minikctl.client.builder import Info
    from minikctl.client.rest import Client


def wait_until_gone(client: Client, deleted: Iterable[tuple[Info, str]], timeout: float) -> None:
    """Return once no object has the name of one of `deleted` (with uids, or ""), or another one has it.

    Raises Failure after `timeout` seconds in all. A client that may delete but not read does not wait.
    """
    deadline = time.monotonic() + timeout
    for info, uid in deleted:
        _wait(client, info, uid, deadline)


def _wait(client: Client, info: Info, uid: str, deadline: float) -> None:
    collection = info.mapping.path(info.namespace)
    query = {"fieldSelector": f"metadata.name={info.name}"}
    while True:
        try:
            current = client.get(info.path())
        except StatusError as error:
            if is_not_found(error) or error.code in (403, 405):
                return
            raise
        meta = current["metadata"]
        if uid and meta.get("uid") != uid:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure(f"timed out waiting for the condition on {info.mapping.group_resource}/{info.name}")
        since = {**query, "resourceVersion": meta["resourceVersion"], "timeoutSeconds": str(max(1, int(left)))}
        try:
            with closing(watch(client, collection, since)) as events:
                if any(event.type == "DELETED" for event in events):
                    return
        except StatusError as error:
            if error.code != 410:
                raise
