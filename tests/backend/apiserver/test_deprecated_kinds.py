"""Every request for a kind that is deprecated is told so, also one whose patch is applied anew."""

from __future__ import annotations

from typing import Any

from tests.backend.apiserver.conftest import Cluster

DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


async def warnings(cluster: Cluster, verb: str, *args: Any, **more: Any) -> tuple[str, ...]:
    return (await cluster.send(verb, "endpoints", *args, **more)).warnings


async def test_every_verb_warns(cluster: Cluster) -> None:
    body = {"metadata": {"name": "x"}}
    assert await warnings(cluster, "create", "", body) == (DEPRECATED,)
    assert await warnings(cluster, "get", "x") == (DEPRECATED,)
    assert await warnings(cluster, "list") == (DEPRECATED,)
    assert await warnings(cluster, "update", "x", body) == (DEPRECATED,)
    merge = {"content_type": "application/merge-patch+json"}
    patch = {"subsets": [{"addresses": [{"ip": "2001:DB8::1"}]}], "nope": 1}
    assert await warnings(cluster, "patch", "x", patch, **merge) == (
        DEPRECATED,
        'unknown field "nope"',
        'subsets[0].addresses[0].ip: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format'
        ' ("2001:db8::1")',
    )
    assert await warnings(cluster, "delete", "x") == (DEPRECATED,)
