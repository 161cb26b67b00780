"""schemathesis over the OpenAPI v3 documents that the backend serves: whatever is sent, there is an answer, it is no
fault of the server's, refusals are Statuses, and a dry run and a refusal change nothing.

HOSTILE_EXAMPLES is how many times as long to search as CI does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.hostile.statuses import check
from tests.support.wire import Answer, Wire

MORE = int(os.environ.get("HOSTILE_EXAMPLES", "1"))
GROUPS = (
    "api/v1", "apis/admissionregistration.k8s.io/v1", "apis/apiextensions.k8s.io/v1", "apis/apiregistration.k8s.io/v1",
    "apis/apps/v1", "apis/authentication.k8s.io/v1", "apis/authorization.k8s.io/v1", "apis/autoscaling/v1",
    "apis/autoscaling/v2", "apis/batch/v1", "apis/certificates.k8s.io/v1", "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1", "apis/events.k8s.io/v1", "apis/flowcontrol.apiserver.k8s.io/v1",
    "apis/networking.k8s.io/v1", "apis/node.k8s.io/v1", "apis/policy/v1", "apis/rbac.authorization.k8s.io/v1",
    "apis/resource.k8s.io/v1", "apis/scheduling.k8s.io/v1", "apis/storage.k8s.io/v1", "apis/storagemigration.k8s.io/v1",
)  # fmt: skip
OF_EACH = 3
"""One of so many operations is searched in CI, always the same ones."""
DIALS = ("/exec", "/attach", "/portforward", "/proxy", "/log")
"""Subresources that reach beyond the API server, and know no dry run."""


def document(wire: Wire, group: str) -> dict[str, Any]:
    """The group's document, made narrower: objects of the right kind, with known fields, pass the first checks."""
    found = wire.call("GET", f"/openapi/v3/{group}").json
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        kinds = schema.get("x-kubernetes-group-version-kind", ())
        if len(kinds) == 1 and "apiVersion" in schema.get("properties", {}):
            kind = kinds[0]
            version = f"{kind['group']}/{kind['version']}".lstrip("/")
            schema["properties"]["apiVersion"] = {"type": "string", "enum": [version]}
            schema["properties"]["kind"] = {"type": "string", "enum": [kind["kind"]]}
    return found


def operations(wire: Wire, group: str) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(document(wire, group)).get_all_operations():
        operation = found.ok()
        if operation.path.endswith(DIALS) or "/proxy" in operation.path:
            continue
        if MORE > 1 or crc32(f"{operation.method}{operation.path}".encode()) % OF_EACH == 0:
            yield operation


def names(wire: Wire, path: str) -> list[str]:
    """Of what is there of a kind, by the path of one of its objects."""
    collection = path.partition("/{name}")[0].replace("{namespace}", "default")
    answer = wire.call("GET", collection)
    return [item["metadata"]["name"] for item in answer.json.get("items", ())] if answer.code == 200 else []


def send(wire: Wire, case: Any, known: list[str]) -> tuple[str, Answer]:
    """Every second case is of an object that is there, or in a namespace that is."""
    parameters = dict(case.path_parameters or {})
    chosen = len(str(case.body)) + len(str(case.query))
    if chosen % 4:
        parameters["namespace"] = "default"
    if known and chosen % 2:
        parameters["name"] = known[chosen % len(known)]
    path = case.path
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe="") or "x")
    query = {**(case.query or {})}
    if case.method.upper() not in ("GET", "HEAD"):
        query["dryRun"] = "All"
        if case.media_type == "application/apply-patch+yaml":
            query.setdefault("fieldManager", "tests")
    shown = f"{path}?{urlencode(query, doseq=True, errors='replace')}"
    body = None
    if type(case.body).__name__ != "NotSet":
        if isinstance(case.body, dict) and known and "name" in parameters and "metadata" in case.body:
            case.body["metadata"]["name"] = parameters["name"]
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    media = case.media_type if case.method == "PATCH" else "application/json"
    answer = wire.call(case.method.upper(), shown, body, media)
    return f"{case.method} {shown} {(body or b'')[:2000]!r}", answer


def search(wire: Wire, operation: Any) -> None:
    known = names(wire, operation.path) if "{name}" in operation.path else []

    @seed(len(operation.path))
    @settings(
        max_examples=(2 if operation.method == "get" else 3) * MORE, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy())
    def one(case: Any) -> None:
        check(*send(wire, case, known))

    one()


def test_every_document_with_kinds_is_searched(wire: Wire) -> None:
    served = wire.call("GET", "/openapi/v3").json["paths"]
    assert [path for path in served if path.count("/") > (path.startswith("apis"))] == list(GROUPS)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_of_the_documents_breaks_the_server(wire: Wire, group: str) -> None:
    for operation in operations(wire, group):
        search(wire, operation)
