"""Requests beyond what may be worked on at once are told to come again. The backend of these tests works on two
writes."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from backend.apiserver.http.limits import InFlight, Limits, TooManyRequests
from backend.meta.types import ADMIN, User
from tests.support.webhook_server import Webhook, webhook_server
from tests.support.wire import Answer, Wire

DEFAULT = "/api/v1/namespaces/default"
MAPS = f"{DEFAULT}/configmaps"
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
HOLD_SECONDS = 4


def hold(wire: Wire, webhook: Webhook) -> None:
    """From now on writes of what is labelled `hold` take until the webhook has not answered for long enough."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    hook = {
        "name": "hold.hostile.io", "clientConfig": {"url": webhook.url, "caBundle": webhook.ca_bundle},
        "rules": [rule], "objectSelector": {"matchLabels": {"hold": "yes"}}, "failurePolicy": "Ignore",
        "timeoutSeconds": HOLD_SECONDS, "sideEffects": "None", "admissionReviewVersions": ["v1"],
    }  # fmt: skip
    assert wire.call("POST", HOOKS, {"metadata": {"name": "hold"}, "webhooks": [hook]}).code == 201


def token(wire: Wire) -> str:
    """Of somebody who may do everything, but is no master."""
    assert wire.call("POST", f"{DEFAULT}/serviceaccounts", {"metadata": {"name": "busy"}}).code == 201
    binding = {
        "metadata": {"name": "busy"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "busy", "namespace": "default"}],
    }
    assert wire.call("POST", BINDINGS, binding).code == 201
    found: str = wire.call("POST", f"{DEFAULT}/serviceaccounts/busy/token", {}).json["status"]["token"]
    return found


async def test_a_write_too_many_is_told_to_come_again(wire: Wire, tmp_path: Path) -> None:
    async with webhook_server(tmp_path, lambda _: None) as webhook:
        bearer = f"Bearer {token(wire)}"

        def write(name: str, **headers: str) -> Answer:
            labels = {"hold": "yes"} if name.startswith("held") else {}
            sent = {"metadata": {"name": name, "labels": labels}}
            with closing(Wire(wire.path)) as own:
                return own.call("POST", f"{MAPS}?dryRun=All", sent, **headers)

        def ask(method: str, path: str) -> Answer:
            with closing(Wire(wire.path)) as own:
                return own.call(method, path, Authorization=bearer)

        hold(wire, webhook)
        held = [asyncio.create_task(asyncio.to_thread(write, f"held-{n}", Authorization=bearer)) for n in range(2)]
        while len(webhook.requests) < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        refused = await asyncio.to_thread(write, "third", Authorization=bearer)
        assert (refused.code, refused.headers["retry-after"]) == (429, "1")
        assert refused.body == b"Too many requests, please try again later.\n"
        assert (await asyncio.to_thread(ask, "GET", MAPS)).code == 200
        assert (await asyncio.to_thread(ask, "GET", f"{MAPS}?watch=1")).code == 200
        assert (await asyncio.to_thread(write, "master")).code == 201
        assert [answer.code for answer in await asyncio.gather(*held)] == [201, 201]
        assert (await asyncio.to_thread(write, "third", Authorization=bearer)).code == 201
    for path in (f"{HOOKS}/hold", f"{BINDINGS}/busy", f"{DEFAULT}/serviceaccounts/busy"):
        assert wire.call("DELETE", path).code == 200


def test_reads_and_writes_have_room_of_their_own() -> None:
    in_flight = InFlight(Limits(max_requests_inflight=1, max_mutating_requests_inflight=1))
    somebody = User("somebody", ())
    begun = [in_flight.begin("list", somebody), in_flight.begin("patch", somebody)]
    for verb in ("get", "deletecollection"):
        with pytest.raises(TooManyRequests):
            in_flight.begin(verb, somebody)
    in_flight.end(in_flight.begin("get", ADMIN))
    for counted in begun:
        in_flight.end(counted)
    in_flight.begin("get", somebody)
    in_flight.begin("create", somebody)
