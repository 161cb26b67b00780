from __future__ import annotations

import pytest

from backend.apiserver.http.routes import Router, UnknownPath
from backend.meta.errors import ApiError
from backend.resources.catalog import Catalog

ROUTER = Router(Catalog.builtin())


@pytest.mark.parametrize(
    ("method", "path", "verb", "found"),
    [
        ("GET", "/api/v1/pods", "list", ("pods", "", "", "")),
        ("GET", "/api/v1/namespaces/a/pods", "list", ("pods", "a", "", "")),
        ("HEAD", "/api/v1/namespaces/a/pods/", "list", ("pods", "a", "", "")),
        ("POST", "/api/v1/namespaces/a/pods", "create", ("pods", "a", "", "")),
        ("DELETE", "/api/v1/namespaces/a/pods", "deletecollection", ("pods", "a", "", "")),
        ("GET", "/api/v1/namespaces/a/pods/x", "get", ("pods", "a", "x", "")),
        ("PUT", "/api/v1/namespaces/a/pods/x", "update", ("pods", "a", "x", "")),
        ("PATCH", "/api/v1/namespaces/a/pods/x/status", "patch", ("pods", "a", "x", "status")),
        ("POST", "/api/v1/namespaces/a/pods/x/binding", "create", ("pods", "a", "x", "binding")),
        ("GET", "/api/v1/namespaces", "list", ("namespaces", "", "", "")),
        ("POST", "/api/v1/namespaces", "create", ("namespaces", "", "", "")),
        ("DELETE", "/api/v1/namespaces/a", "delete", ("namespaces", "", "a", "")),
        ("PUT", "/api/v1/namespaces/a/finalize", "update", ("namespaces", "", "a", "finalize")),
        ("GET", "/api/v1/watch/namespaces/a/pods", "watch", ("pods", "a", "", "")),
        ("GET", "/api/v1/watch/namespaces/a/pods/x", "watch", ("pods", "a", "x", "")),
        ("GET", "/apis/coordination.k8s.io/v1/namespaces/a/leases/x", "get", ("leases", "a", "x", "")),
    ],
)
def test_a_path_names_a_resource(method: str, path: str, verb: str, found: tuple[str, ...]) -> None:
    target = ROUTER.match(path)
    assert (target.resource.plural, target.namespace, target.name, target.subresource) == found
    assert target.verb(method, wants_watch=False) == verb


def test_a_list_that_asks_to_watch_is_a_watch_and_a_get_is_not() -> None:
    assert ROUTER.match("/api/v1/pods").verb("GET", wants_watch=True) == "watch"
    assert ROUTER.match("/api/v1/namespaces/a/pods/x").verb("GET", wants_watch=True) == "get"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/foos", "/api/v2/pods", "/api/v1/namespaces/a/nodes", "/api/v1/namespaces/a/pods/x/foo",
        "/api/v1/pods/x", "/api/v1/namespaces/a/pods/x/status/y", "/apis/coordination.k8s.io/v2/leases",
        "/api/v1/namespaces//pods", "/api/v1/watch",
    ],
)  # fmt: skip
def test_what_a_served_group_does_not_have_is_a_status_404(path: str) -> None:
    with pytest.raises(ApiError) as caught:
        ROUTER.match(path)
    assert (caught.value.code, caught.value.details) == (404, {})


def test_a_group_that_is_not_served_is_no_resource_path_at_all() -> None:
    with pytest.raises(UnknownPath):
        ROUTER.match("/apis/apps.example/v1/deployments")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/a/pods/x"), ("PUT", "/api/v1/namespaces/a/pods"), ("POST", "/api/v1/pods"),
        ("OPTIONS", "/api/v1/pods"), ("DELETE", "/api/v1/namespaces/a/pods/x/status"),
        ("GET", "/api/v1/namespaces/a/pods/x/binding"), ("POST", "/api/v1/watch/namespaces/a/pods"),
    ],
)  # fmt: skip
def test_a_verb_that_a_path_does_not_have_is_405(method: str, path: str) -> None:
    with pytest.raises(ApiError) as caught:
        ROUTER.match(path).verb(method, wants_watch=False)
    assert caught.value.code == 405
