"""Quantities, metadata, managed fields and schedules of objects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.strategies import DEFAULT, PATCHES, bounded, documents, maps, refused_or_dry, scalars, texts
from tests.support.wire import Wire

quantities = st.one_of(
    scalars,
    st.text(alphabet="0123456789.-+eEkKMGTPinum ", max_size=14),
    st.sampled_from(
        ["1e9999999", "-1e-999999", "9" * 400, "0." + "0" * 400 + "1", "1Ki1", "1E", "1E5i", ".", "+", "1m", "0x1"]
    ),
)
schedules = st.one_of(
    texts,
    st.text(alphabet="0123456789*/-,?@LW# TZ=", max_size=20),
    st.sampled_from(
        [
            "* * * * *",
            "*/0 * * * *",
            "0 0 31 2 *",
            "59-0 * * * *",
            "@every 1ns",
            "@every -5m",
            "TZ=UTC * * * * *",
            "@yearly",
            "1-99999999999999999999 * * * *",
            "*/99999999999999999999 * * * *",
        ]
    ),
)
template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}


@pytest.mark.usefixtures("unchanged")
class TestObjects:
    @bounded
    @given(quantities, quantities)
    def test_with_any_quantity(self, wire: Wire, limit: Any, request: Any) -> None:
        resources = {
            "limits": {"cpu": limit, "memory": request},
            "requests": {"cpu": request, "hugepages-2Mi": limit},
        }
        spec = {"containers": [{"name": "c", "image": "i", "resources": resources}]}
        refused_or_dry(wire, "POST", f"{DEFAULT}/pods?dryRun=All", {"metadata": {"name": "q"}, "spec": spec})
        hard = {"spec": {"hard": {"cpu": limit, "count/pods": request}}, "metadata": {"name": "q"}}
        refused_or_dry(wire, "POST", f"{DEFAULT}/resourcequotas?dryRun=All", hard)

    @bounded
    @given(
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                (
                    "name",
                    "generateName",
                    "namespace",
                    "labels",
                    "annotations",
                    "finalizers",
                    "generation",
                    "ownerReferences",
                    "managedFields",
                    "uid",
                    "resourceVersion",
                    "creationTimestamp",
                    "deletionTimestamp",
                    "deletionGracePeriodSeconds",
                    "selfLink",
                ),
                documents,
            ),
        )
    )
    def test_with_any_metadata(self, wire: Wire, metadata: Any) -> None:
        refused_or_dry(wire, "POST", f"{DEFAULT}/configmaps?dryRun=All", {"metadata": metadata})

    @bounded
    @given(
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "manager": scalars,
                    "operation": st.sampled_from(["Apply", "Update", "X"]),
                    "apiVersion": texts,
                    "fieldsType": st.sampled_from(["FieldsV1", "x"]),
                    "time": scalars,
                    "subresource": scalars,
                    "fieldsV1": st.one_of(
                        maps,
                        st.dictionaries(
                            st.sampled_from(
                                ["f:metadata", "f:data", "k:{", 'k:{"a":1}', "v:x", "v:", "i:0", "i:x", ".", "f:"]
                            ),
                            maps,
                        ),
                    ),
                },
            ),
            max_size=3,
        ),
        st.sampled_from(PATCHES),
    )
    def test_with_any_managed_fields(self, wire: Wire, service: str, managed: Any, media: str) -> None:
        meta = {"name": "patched", "managedFields": managed}
        patch = {"apiVersion": "v1", "kind": "Service", "metadata": meta}
        sent = (
            [{"op": "add", "path": "/metadata/managedFields", "value": managed}] if media == PATCHES[0] else patch
        )
        refused_or_dry(wire, "PATCH", f"{service}?dryRun=All&fieldManager=x", sent, media)
        refused_or_dry(wire, "POST", f"{DEFAULT}/services?dryRun=All", patch)

    @bounded
    @given(
        schedules, st.one_of(st.none(), texts, st.sampled_from(["UTC", "Europe/Berlin", "Local", "../etc", "Etc"]))
    )
    def test_with_any_schedule(self, wire: Wire, schedule: str, zone: str | None) -> None:
        spec = {"schedule": schedule, "timeZone": zone, "jobTemplate": {"spec": {"template": template}}}
        path = "/apis/batch/v1/namespaces/default/cronjobs?dryRun=All"
        refused_or_dry(wire, "POST", path, {"metadata": {"name": "c"}, "spec": spec})
