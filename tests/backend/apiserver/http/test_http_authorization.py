"""Who may do what, over HTTP: what the authorizer is asked, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.apiserver import pki
from backend.apiserver.authorization.attributes import Attributes
from backend.apiserver.http.request_info import requested
from backend.meta.types import ADMIN
from tests.backend.apiserver.http.conftest import Connection, Running

POD = "/api/v1/namespaces/default/pods/p"
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "v5.channel.k8s.io",
}  # fmt: skip


async def jane(running: Running, folder: Path) -> Connection:
    return await running.tls(pki.client_certificate(running.keys, "jane", ["dev"]), folder)


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
async def test_whoever_may_only_get_does_not_get_into_a_container(
    running: Running, tmp_path: Path, subresource: str
) -> None:
    path = f"{POD}/{subresource}?command=ls&container=c&stdout=true&ports=1"
    reply = await (await jane(running, tmp_path)).request("GET", path, UPGRADE)
    assert (reply.code, reply.json["message"]) == (
        403,
        f'pods "p" is forbidden: User "jane" cannot get resource "pods/{subresource}" in API group "" in the namespace'
        ' "default"',
    )
    running.authorizer.allowed.add(("get", f"pods/{subresource}"))
    reply = await (await jane(running, tmp_path)).request("GET", path, UPGRADE)
    assert (reply.code, reply.json["message"]) == (403, 'pods "p" is forbidden: ')
    running.authorizer.allowed.add(("create", f"pods/{subresource}"))
    reply = await (await jane(running, tmp_path)).request("GET", path, UPGRADE)
    assert (reply.code, reply.json["message"]) == (404, 'pods "p" not found')


async def test_what_is_refused_is_escaped(running: Running, tmp_path: Path) -> None:
    reply = await (await jane(running, tmp_path)).request("GET", "/<b>&")
    assert reply.json["message"] == 'forbidden: User "jane" cannot get path "/&lt;b&gt;&amp;"'
    assert reply.json["details"] == {}


async def test_a_head_of_a_path_is_a_verb_of_its_own(running: Running, tmp_path: Path) -> None:
    connection = await jane(running, tmp_path)
    assert (await connection.request("HEAD", "/api")).code == 403


async def test_a_namespace_is_in_itself(running: Running, tmp_path: Path) -> None:
    await (await jane(running, tmp_path)).request("GET", "/api/v1/namespaces/n")
    asked = running.authorizer.asked[-1]
    assert (asked.namespace, asked.resource, asked.name) == ("n", "namespaces", "n")


async def test_a_list_of_one_name_is_about_it(running: Running, tmp_path: Path) -> None:
    connection = await jane(running, tmp_path)
    await connection.request("GET", "/api/v1/secrets?fieldSelector=metadata.name%3Da&watch=1")
    assert (running.authorizer.asked[-1].verb, running.authorizer.asked[-1].name) == ("watch", "a")
    await connection.request("GET", "/api/v1/secrets?fieldSelector=metadata.name%21%3Da")
    assert (running.authorizer.asked[-1].verb, running.authorizer.asked[-1].name) == ("list", "")


async def test_nobody_learns_what_is_not_served(running: Running, tmp_path: Path) -> None:
    connection = await jane(running, tmp_path)
    reply = await connection.request("GET", "/apis/x.io/v1/namespaces/default/things/t/scale")
    assert (reply.code, reply.json["message"]) == (
        403,
        'things.x.io "t" is forbidden: User "jane" cannot get resource "things/scale" in API group "x.io" in the'
        ' namespace "default"',
    )


def attributes(verb: str, **fields: str) -> Attributes:
    return Attributes(ADMIN, verb, **fields)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/things", attributes("list", resource="things")),
        ("HEAD", "/api/v1/things/t", attributes("get", resource="things", name="t")),
        ("POST", "/api/v1/namespaces/n/things", attributes("create", resource="things", namespace="n")),
        ("DELETE", "/apis/g/v1/things", attributes("deletecollection", group="g", resource="things")),
        ("GET", "/api/v1/watch/things/t", attributes("watch", resource="things", name="t")),
        (
            "PUT",
            "/api/v1/namespaces/n/finalize",
            attributes("update", resource="namespaces", namespace="n", name="n", subresource="finalize"),
        ),
        ("GET", "/apis/g/v1", attributes("get", path="/apis/g/v1")),
        ("GET", "/api/v1//things", attributes("get", path="/api/v1//things")),
        ("POST", "/else", attributes("post", path="/else")),
    ],
)
def test_what_a_path_asks_for(method: str, path: str, expected: Attributes) -> None:
    assert requested(ADMIN, method, path) == expected
