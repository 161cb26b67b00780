"""Each row of the first table of docs/limits.md, held against a running backend: what it says goes, and one more is
answered as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.apiserver.http.limits import Limits
from backend.apiserver.http.server import KEEP_ALIVE_SECONDS
from backend.config import parse
from backend.store.sqlstore import Limits as StoreLimits
from tests.support.wire import Wire

DOCUMENT = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
MAPS = "/api/v1/namespaces/default/configmaps"
DRY = f"{MAPS}?dryRun=All"
ROOT_CA = f"{MAPS}/kube-root-ca.crt?dryRun=All"
JSON_PATCH = "application/json-patch+json"

Probe = Callable[[Wire, int], tuple[int, str]]


def rows(heading: str) -> list[list[str]]:
    table = DOCUMENT.partition(f"| What | {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def told(wire: Wire, data: bytes) -> tuple[int, str]:
    answer = wire.send(data)
    return int(answer[9:12]), answer.decode(errors="replace")


def called(wire: Wire, *args: Any, **options: Any) -> tuple[int, str]:
    answer = wire.call(*args, **options)
    return answer.code, answer.body.decode()


def config_map(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "good", **metadata}}


def body(wire: Wire, size: int) -> tuple[int, str]:
    start, end = b'{"metadata":{"name":"good"},"zz":"', b'"}'
    return called(wire, "POST", DRY, start + b"x" * (size - len(start) - len(end)) + end)


def head(wire: Wire, size: int) -> tuple[int, str]:
    """The server counts in what it reads at once, which is up to 256 KiB; one more is one such piece more."""
    extra = size % 2 * 256 * 1024
    start = b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    return told(wire, start + b"x" * (size + extra - len(start) - 4) + b"\r\n\r\n")


def url(wire: Wire, size: int) -> tuple[int, str]:
    return told(wire, b"GET /version?%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (b"x" * (size - 9)))


def parameters(wire: Wire, count: int) -> tuple[int, str]:
    return called(wire, "GET", f"{MAPS}?{'a=1&' * (count - 1)}a=1")


def levels(wire: Wire, count: int) -> tuple[int, str]:
    deep = count - 1
    sent = b'{"metadata":{"name":"good"},"zz":' + b"[" * deep + b"]" * deep + b"}"
    as_yaml = called(wire, "POST", DRY, sent, "application/yaml")
    as_json = called(wire, "POST", DRY, sent)
    assert as_yaml[0] == as_json[0]
    return as_json


def nodes(wire: Wire, count: int) -> tuple[int, str]:
    """A list of 1000 items is named by as many aliases as there may be."""
    items, aliases = 1000, count // 1001 - 2
    aliases += count % 2 * 5
    text = f"metadata: {{name: good}}\nitems: &a [{','.join('x' * items)}]\nall: [{','.join(['*a'] * aliases)}]\n"
    return called(wire, "POST", DRY, text.encode(), "application/yaml")


def operations(wire: Wire, count: int) -> tuple[int, str]:
    test = {"op": "test", "path": "/kind", "value": "ConfigMap"}
    return called(wire, "PATCH", ROOT_CA, [test] * count, JSON_PATCH)


def copies(wire: Wire, size: int) -> tuple[int, str]:
    half = "x" * (size // 2 - 2 + size % 2)
    patch = [{"op": "add", "path": "/zz", "value": half}]
    patch += [{"op": "copy", "from": "/zz", "path": f"/z{number}"} for number in range(2)]
    return called(wire, "PATCH", ROOT_CA, patch, JSON_PATCH)


def stored(wire: Wire, size: int) -> tuple[int, str]:
    """What the server adds to an object (managed fields, times) is less than 1000 bytes."""
    room = size - 1000 if size % 2 == 0 else size
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    lease = {"metadata": {"name": "large"}, "spec": {"holderIdentity": "x" * room}}
    answer = called(wire, "POST", path, lease)
    wire.call("DELETE", f"{path}/large")
    return answer


def secret(wire: Wire, size: int) -> tuple[int, str]:
    sent = {"metadata": {"name": "good"}, "stringData": {"a": "x" * size}}
    return called(wire, "POST", DRY.replace("configmaps", "secrets"), sent)


def data(wire: Wire, size: int) -> tuple[int, str]:
    return called(wire, "POST", DRY, {**config_map(), "data": {"a": "x" * size}})


def annotations(wire: Wire, size: int) -> tuple[int, str]:
    return called(wire, "POST", DRY, config_map(annotations={"a": "x" * (size - 1)}))


def name(wire: Wire, size: int) -> tuple[int, str]:
    return called(wire, "POST", DRY, {"metadata": {"name": "x" * size}})


def label(wire: Wire, size: int) -> tuple[int, str]:
    return called(wire, "POST", DRY, config_map(labels={"a": "x" * size}))


def manager(wire: Wire, size: int) -> tuple[int, str]:
    return called(wire, "POST", f"{DRY}&fieldManager={'x' * size}", config_map())


def steps(wire: Wire, count: int) -> tuple[int, str]:
    """A rule that takes a few steps for each pair of items of a list; the number is the interpreter's own."""
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    schema = {
        "type": "object",
        "properties": {"items": {"type": "array", "maxItems": 1000, "items": {"type": "integer"}}},
        "x-kubernetes-validations": [{"rule": "self.items.all(a, self.items.all(b, a + b >= 0))"}],
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    plural = f"steps{count}"  # A definition that is deleted is gone a little later.
    names = {"plural": plural, "kind": f"Step{count}"}
    spec = {"group": "limits.io", "scope": "Cluster", "names": names, "versions": [version]}
    assert wire.call("POST", definitions, {"metadata": {"name": f"{plural}.limits.io"}, "spec": spec}).code == 201
    try:
        items = [1] * (10 if count % 2 == 0 else int(count**0.5))
        sent = {"apiVersion": "limits.io/v1", "kind": f"Step{count}", "metadata": {"name": "x"}, "items": items}
        return called(wire, "POST", f"/apis/limits.io/v1/{plural}?dryRun=All", sent)
    finally:
        wire.call("DELETE", f"{definitions}/{plural}.limits.io")


PROBES: dict[str, Probe] = {
    "bytes of a request's body": body,
    "bytes of a request's line and headers": head,
    "bytes of a request's path and query": url,
    "parameters of a query": parameters,
    "levels of a JSON or YAML document": levels,
    "nodes of a YAML document, with its aliases written out": nodes,
    "operations of a JSON patch": operations,
    "bytes that the copies of a JSON patch add": copies,
    "bytes of a stored object": stored,
    "bytes of a Secret's data": secret,
    "bytes of a ConfigMap's data": data,
    "bytes of an object's annotations": annotations,
    "characters of a name": name,
    "characters of a label's value": label,
    "bytes of a field manager's name": manager,
    "steps of a CEL rule": steps,
}


def test_every_row_has_a_probe() -> None:
    assert [what for what, _, _ in rows("At most")] == list(PROBES)


def limits() -> list[Any]:
    return [
        pytest.param(PROBES[what], int(most), int(answer[:3]), answer[4:], id=what)
        for what, most, answer in rows("At most")
    ]


@pytest.mark.parametrize(("probe", "most", "code", "text"), limits())
def test_the_limit_goes_and_one_more_is_answered_so(
    wire: Wire, probe: Probe, most: int, code: int, text: str
) -> None:
    within = probe(wire, most)
    assert within[0] < 300, within[1][:500]
    beyond = probe(wire, most + 1)
    assert beyond[0] == code, beyond[1][:500]
    assert text in beyond[1]


def test_the_defaults_are_those_of_the_flags() -> None:
    found = {what: (int(default), flag.strip("`")) for what, default, flag, _ in rows("Default")}
    config, own, kept = parse(["--home", "/nowhere"]), Limits(), StoreLimits()
    for what, value in {
        "gets and lists that are worked on at once": own.max_requests_inflight,
        "requests that change something, at once": own.max_mutating_requests_inflight,
        "seconds in which a body must have come": own.request_timeout,
        "seconds that a client reads nothing of an answer or a watch": own.request_timeout,
        "seconds in which a request's head must have come": own.head_timeout,
        "seconds that a connection may be idle": KEEP_ALIVE_SECONDS,
        "revisions that a watch or a list may lag": kept.keep_revisions,
    }.items():
        default, flag = found.pop(what)
        assert default == value, what
        if flag:
            assert getattr(config, re.sub("-", "_", flag.strip("-"))) == value, what
    assert not found
