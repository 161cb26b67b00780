"""Patches of all types, of a kind that has lists of all merge strategies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.strategies import (
    PATCHES,
    bounded,
    documents,
    maps,
    operation,
    refused_or_dry,
    scalars,
)
from tests.support.wire import Wire


@pytest.mark.usefixtures("unchanged")
class TestPatches:
    @bounded
    @given(st.lists(operation, max_size=5))
    def test_of_json(self, wire: Wire, service: str, operations: Any) -> None:
        refused_or_dry(wire, "PATCH", f"{service}?dryRun=All", operations, PATCHES[0])

    @bounded
    @given(st.sampled_from(PATCHES), documents)
    def test_of_any_document(self, wire: Wire, service: str, media: str, document: Any) -> None:
        refused_or_dry(wire, "PATCH", f"{service}?dryRun=All&fieldManager=x", document, media)

    @bounded
    @given(st.sampled_from(PATCHES[1:]), st.sampled_from(["metadata", "spec", "status"]), maps, maps)
    def test_of_parts(self, wire: Wire, service: str, media: str, part: str, inner: Any, outer: Any) -> None:
        patch = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "patched"}, **outer, part: inner}
        refused_or_dry(wire, "PATCH", f"{service}?dryRun=All&fieldManager=x&force=true", patch, media)

    @bounded
    @given(
        st.sampled_from(PATCHES[1:]),
        st.lists(
            st.one_of(
                documents,
                st.fixed_dictionaries(
                    {},
                    optional={
                        "port": scalars,
                        "name": scalars,
                        "protocol": scalars,
                        "$patch": scalars,
                        "targetPort": scalars,
                    },
                ),
            ),
            max_size=4,
        ),
    )
    def test_of_lists_of_maps(self, wire: Wire, service: str, media: str, ports: Any) -> None:
        patch = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "patched"}, "spec": {"ports": ports}}
        refused_or_dry(wire, "PATCH", f"{service}?dryRun=All&fieldManager=x", patch, media)
