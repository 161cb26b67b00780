from __future__ import annotations

import pytest

from backend.apiserver.http.negotiation import Accepted, Negotiator
from backend.meta.errors import ApiError

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", Accepted()),
        ("*/*", Accepted()),
        ("application/json", Accepted()),
        ("application/yaml", Accepted("object", "yaml")),
        (f"{TABLE},application/json", Accepted("table")),
        ("application/json; as=Table; v=v1beta1; g=meta.k8s.io, application/json", Accepted()),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Accepted("partial")),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", Accepted("partial")),
        ("application/vnd.kubernetes.protobuf,application/json", Accepted()),
        ("application/json;q=0.1,application/yaml", Accepted("object", "yaml")),
        ("text/html, */*;q=0.1", Accepted()),
    ],
)
def test_the_best_alternative_that_is_served_wins(header: str, accepted: Accepted) -> None:
    negotiator = Negotiator()
    assert negotiator.accepted(header.encode()) == accepted
    assert negotiator.accepted(header.encode()) == accepted


@pytest.mark.parametrize("header", ["application/vnd.kubernetes.protobuf", "text/html", "application/json;q=0"])
def test_no_alternative_that_is_served_is_406(header: str) -> None:
    negotiator = Negotiator()
    for _ in range(2):
        with pytest.raises(ApiError) as caught:
            negotiator.accepted(header.encode())
        assert caught.value.code == 406
        assert caught.value.message.startswith("only the following media types are accepted: application/json, ")


def test_distinct_headers_do_not_fill_memory() -> None:
    negotiator = Negotiator()
    for number in range(1000):
        negotiator.accepted(f"application/json;x={number}".encode())
    assert len(negotiator._known) <= 256
