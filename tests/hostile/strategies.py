"""What hypothesis makes requests of, and how long it searches: HOSTILE_EXAMPLES times as long as CI does."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.hostile.statuses import check
from tests.support.wire import Wire

EXAMPLES = 40 * int(os.environ.get("HOSTILE_EXAMPLES", "1"))
bounded = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
DEFAULT = "/api/v1/namespaces/default"
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)

words = st.sampled_from(
    [
        "a",
        "metadata",
        "spec",
        "name",
        "labels",
        "$patch",
        "$retainKeys",
        "$setElementOrder/ports",
        "data",
        "ports",
        "containers",
        "-1",
        "0",
        "",
        "~1",
        "~0",
        "/",
        "é",
        "\0",
        "x" * 300,
    ]
)
texts = st.one_of(words, st.text(max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), texts
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
maps = st.dictionaries(texts, documents, max_size=4)
pointers = st.lists(texts, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts))
operation = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]), "path": pointers},
    optional={"from": pointers, "value": documents},
)


def refused_or_dry(wire: Wire, method: str, path: str, body: Any = None, media: str = "application/json") -> None:
    check(f"{method} {path} {media} {body!r}", wire.call(method, path, body, media))
