"""Waiting until an object is gone, or as it should be. Source: k8s.io/kubectl/pkg/cmd/wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import Failure, StatusError, TimedOut, is_not_found
from minikctl.client.watch import Event, watch

if TYPE_CHECKING:
    from minikctl.client.builder import Info
    from minikctl.client.rest import Client

TIMED_OUT = "timed out waiting for the condition"


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
            raise _timed_out(info)
        since = {**query, "resourceVersion": meta["resourceVersion"], "timeoutSeconds": str(max(1, int(left)))}
        try:
            with closing(watch(client, collection, since)) as events:
                if any(event.type == "DELETED" for event in events):
                    return
        except StatusError as error:
            if error.code != 410:
                raise


def wait_until(
    client: Client, info: Info, holds: Callable[[dict[str, Any]], bool], deadline: float
) -> dict[str, Any]:
    """The object of `info`'s name as soon as it `holds`; one that is deleted on the way may come again.

    Raises Failure at `deadline` (of time.monotonic), StatusError if there is no such object at first.
    """
    for event in object_events(client, info, deadline):
        if event.type in ("ADDED", "MODIFIED") and holds(event.object):
            return event.object
    raise _timed_out(info)


def object_events(client: Client, info: Info, deadline: float | None) -> Generator[Event]:
    """ADDED with the object of `info`'s name as it is, then what becomes of it, until `deadline` (of time.monotonic).

    StatusError if there is no such object at first. What happened before an expired watch was renewed is left out.
    """
    collection = info.mapping.path(info.namespace)
    query = {"fieldSelector": f"metadata.name={info.name}"}
    version, first = "", True
    while (left := _left(deadline)) > 0:
        if not version:
            page = client.get(collection, query)
            items = page.get("items") or []
            if first and not items:
                client.get(info.path())  # Refuses, in the server's words.
            version, first = page["metadata"]["resourceVersion"], False
            for item in items:
                yield Event("ADDED", {"apiVersion": info.mapping.api_version, "kind": info.mapping.kind, **item})
        timeout = None if deadline is None else left
        try:
            with closing(
                watch(client, collection, {**query, "resourceVersion": version}, timeout=timeout)
            ) as events:
                for event in events:
                    version = event.object["metadata"]["resourceVersion"]
                    yield event
        except TimedOut:
            return
        except StatusError as error:
            if error.code != 410:
                raise
            version = ""


def _left(deadline: float | None) -> float:
    return math.inf if deadline is None else deadline - time.monotonic()


def _timed_out(info: Info) -> Failure:
    return Failure(f"{TIMED_OUT} on {info.mapping.resource}/{info.name}")
