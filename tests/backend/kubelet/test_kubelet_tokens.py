"""The tokens that pods' volumes show: there before the first container, renewed in time, kept while they can be."""

from __future__ import annotations

from pathlib import Path

from backend.meta.types import Obj
from tests.support.kubelet_node import Node

HOUR = 3600


def volume(audience: str = "", seconds: int = HOUR) -> Obj:
    source = {"path": "token", "expirationSeconds": seconds, **({"audience": audience} if audience else {})}
    return {"name": "v", "projected": {"defaultMode": 0o644, "sources": [{"serviceAccountToken": source}]}}


def file_of(node: Node, uid: str) -> Path:
    return node.root / f"pods/{uid}/volumes/kubernetes.io~projected/v/token"


def text_of(node: Node, uid: str) -> str:
    try:
        return file_of(node, uid).read_text()
    except FileNotFoundError:
        return ""  # It is being replaced: whoever is on the way through the old directory finds it gone.


def asked(node: Node) -> list[Obj]:
    return [request.body["spec"] for request in node.api.requests if request.subresource == "token"]


async def test_a_token_is_asked_for_the_pod_and_its_audience(node: Node) -> None:
    uid = node.pod(volumes=[volume("vault")])
    await node.until(lambda: node.running())
    assert text_of(node, uid) == "token-1 for vault"
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": uid}
    assert asked(node) == [{"audiences": ["vault"], "boundObjectRef": reference, "expirationSeconds": HOUR}]


async def test_a_token_is_renewed_when_four_fifths_of_its_life_are_over(node: Node) -> None:
    uid = node.pod(volumes=[volume()])
    await node.until(lambda: node.running())
    await node.clock.advance(0.8 * HOUR - 30)
    assert text_of(node, uid) == "token-1 for the API server"
    await node.advance_until(lambda: text_of(node, uid) == "token-2 for the API server", limit=60)


async def test_a_token_for_years_is_renewed_every_day(node: Node) -> None:
    uid = node.pod(volumes=[volume(seconds=365 * 24 * HOUR)])
    await node.until(lambda: node.running())
    await node.advance_until(lambda: text_of(node, uid).startswith("token-2"), step=HOUR, limit=25 * HOUR)


async def test_a_restarted_kubelet_gives_running_pods_a_fresh_token(node: Node) -> None:
    uid = node.pod(volumes=[volume()])
    await node.until(lambda: node.running())
    await node.stop()
    await node.start()
    await node.until(lambda: text_of(node, uid).startswith("token-2"))


async def test_without_a_token_nothing_starts_and_an_event_says_why(node: Node) -> None:
    node.api.refuse_tokens = "no tokens today"
    node.pod(volumes=[volume()])
    await node.advance_until(lambda: "FailedMount" in node.reasons(), step=0.1, limit=5)
    text = 'MountVolume.SetUp failed for volume "v" : failed to fetch token: no tokens today'
    await node.told("FailedMount", text)
    assert not node.running()


async def test_a_token_that_cannot_be_renewed_stays(node: Node) -> None:
    uid = node.pod(volumes=[volume()])
    await node.until(lambda: node.running())
    node.api.refuse_tokens = "no tokens today"
    await node.advance_until(lambda: len(asked(node)) > 2, step=60, limit=HOUR)
    assert text_of(node, uid) == "token-1 for the API server"
    node.api.refuse_tokens = ""
    await node.advance_until(lambda: text_of(node, uid).startswith("token-2"), limit=120)
