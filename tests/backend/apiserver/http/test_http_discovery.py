from __future__ import annotations

import pytest

from tests.backend.apiserver.http.conftest import Running

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"


async def test_versions_and_groups(running: Running) -> None:
    assert (await running.get("/api")).json["versions"] == ["v1"]
    group = {"groupVersion": "coordination.k8s.io/v1", "version": "v1"}
    described = {"name": "coordination.k8s.io", "versions": [group], "preferredVersion": group}
    assert described in (await running.get("/apis")).json["groups"]
    assert (await running.get("/apis/coordination.k8s.io/")).json == {
        "kind": "APIGroup", "apiVersion": "v1", **described,
    }  # fmt: skip


async def test_resources_say_what_clients_need_to_use_them(running: Running) -> None:
    listed = (await running.get("/api/v1")).json
    assert (listed["kind"], listed["groupVersion"]) == ("APIResourceList", "v1")
    resources = {entry["name"]: entry for entry in listed["resources"]}
    pods = resources["pods"]
    assert pods.pop("storageVersionHash")
    assert pods == {
        "name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "shortNames": ["po"],
        "categories": ["all"],
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    }  # fmt: skip
    assert resources["pods/exec"] == {
        "name": "pods/exec", "singularName": "", "namespaced": True, "kind": "PodExecOptions",
        "verbs": ["create", "get"],
    }  # fmt: skip
    assert resources["pods/log"]["verbs"] == ["get"]
    assert resources["namespaces/finalize"]["verbs"] == ["update"]
    assert resources["pods/eviction"] == {
        "name": "pods/eviction", "singularName": "", "namespaced": True, "group": "policy", "version": "v1",
        "kind": "Eviction", "verbs": ["create"],
    }  # fmt: skip


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_the_aggregated_form_is_given_to_those_who_prefer_it(running: Running, version: str) -> None:
    accept = AGGREGATED.format(version) + ",application/json"
    reply = await running.get("/api", accept=accept)
    assert reply.headers["content-type"] == AGGREGATED.format(version)
    assert reply.json["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    assert reply.json["items"][0]["metadata"] == {"creationTimestamp": None}
    resources = {entry["resource"]: entry for entry in reply.json["items"][0]["versions"][0]["resources"]}
    assert resources["pods"]["responseKind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert resources["nodes"]["scope"] == "Cluster"
    assert {entry["subresource"] for entry in resources["pods"]["subresources"]} >= {"log", "exec", "status"}
    groups = (await running.get("/apis", accept=accept)).json["items"]
    assert "coordination.k8s.io" in [group["metadata"]["name"] for group in groups]
    again = await running.get("/api", accept=accept, if_none_match=reply.headers["etag"])
    assert (again.code, again.body) == (304, b"")


async def test_the_old_form_is_given_to_those_who_prefer_json(running: Running) -> None:
    reply = await running.get("/api", accept="application/json," + AGGREGATED.format("v2"))
    assert (reply.json["kind"], "etag" in reply.headers) == ("APIVersions", False)
