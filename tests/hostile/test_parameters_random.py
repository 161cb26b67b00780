"""Parameters of queries, and bodies that are nothing: selectors, paging, versions, watches, options."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.strategies import DEFAULT, PATCHES, bounded, refused_or_dry, texts
from tests.support.wire import Wire

selectors = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="a1!=,() innotexists<>.-_/\\", max_size=30),
    st.lists(
        st.sampled_from(
            ["a", " in ", " notin ", "(", ")", ",", "=", "==", "!=", "!", "b/c", ">", "<", "5", "\\", ""]
        ),
        max_size=10,
    ).map("".join),
)
numbers = st.one_of(
    st.text(max_size=10), st.integers(-(2**70), 2**70).map(str), st.sampled_from(["", "-0", "+1", "1e3", "٣"])
)
flags = st.one_of(st.text(max_size=5), st.sampled_from(["true", "false", "1", "0", "True", ""]))
LISTED = {
    "labelSelector": selectors,
    "fieldSelector": selectors,
    "limit": numbers,
    "continue": st.text(max_size=40),
    "resourceVersion": numbers,
    "resourceVersionMatch": st.one_of(texts, st.sampled_from(["Exact", "NotOlderThan"])),
    "timeoutSeconds": numbers,
    "allowWatchBookmarks": flags,
    "sendInitialEvents": flags,
    "pretty": flags,
    "includeObject": texts,
}


@pytest.mark.usefixtures("unchanged")
class TestParameters:
    @bounded
    @given(st.sampled_from(["services", "events", "pods"]), st.fixed_dictionaries({}, optional=LISTED), flags)
    def test_of_lists_and_watches(self, wire: Wire, plural: str, query: dict[str, str], watch: str) -> None:
        for more in ({}, {"watch": watch}):
            sent = urlencode({**query, **more}, errors="replace")
            refused_or_dry(wire, "GET", f"{DEFAULT}/{plural}?{sent}")

    @bounded
    @given(
        st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
        st.dictionaries(
            st.sampled_from(
                [
                    "dryRun",
                    "fieldManager",
                    "fieldValidation",
                    "force",
                    "gracePeriodSeconds",
                    "propagationPolicy",
                    "orphanDependents",
                    "ignoreStoreReadErrorWithClusterBreakingPotential",
                ]
            ),
            st.one_of(flags, numbers, texts),
        ),
    )
    def test_of_writes(self, wire: Wire, method: str, query: dict[str, str]) -> None:
        """Of what is not there, so that even a write without `dryRun` changes nothing."""
        sent = urlencode({**query, **({"dryRun": "All"} if method == "POST" else {})}, errors="replace")
        path = f"{DEFAULT}/services" if method == "POST" else f"{DEFAULT}/services/absent"
        refused_or_dry(
            wire,
            method,
            f"{path}?{sent}",
            {"metadata": {}},
            PATCHES[1] if method == "PATCH" else "application/json",
        )

    @bounded
    @given(
        st.binary(max_size=60),
        st.sampled_from(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", *PATCHES]),
    )
    def test_of_any_bytes(self, wire: Wire, body: bytes, media: str) -> None:
        method, name = ("PATCH", "/patched") if media in PATCHES else ("POST", "")
        for prefix in (b"", b"k8s\0", b'{"metadata":{"name":"x"},"spec":'):
            refused_or_dry(
                wire, method, f"{DEFAULT}/services{name}?dryRun=All&fieldManager=x", prefix + body, media
            )
