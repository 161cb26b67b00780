"""The grammar of image references, and the kubelet's texts for what is none."""

from __future__ import annotations

import pytest

from backend.kubelet.runtime.api import RuntimeFailure
from backend.kubelet.runtime.references import parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest", "registry"),
    [
        ("busybox", "busybox", "latest", "", "docker.io"),
        ("busybox:1.29", "busybox", "1.29", "", "docker.io"),
        ("library/busybox", "library/busybox", "latest", "", "docker.io"),
        ("docker.io/library/busybox:1", "docker.io/library/busybox", "1", "", "docker.io"),
        ("localhost/x", "localhost/x", "latest", "", "localhost"),
        ("localhost:5000/a/b_c__d-e:V1", "localhost:5000/a/b_c__d-e", "V1", "", "localhost:5000"),
        ("127.0.0.1:5000/x", "127.0.0.1:5000/x", "latest", "", "127.0.0.1:5000"),
        (f"quay.io/x/y@{DIGEST}", "quay.io/x/y", "", DIGEST, "quay.io"),
        (f"quay.io/x/y:2@{DIGEST}", "quay.io/x/y", "2", DIGEST, "quay.io"),
        ("[::1]:5000/x", "[::1]:5000/x", "latest", "", "[::1]:5000"),
    ],
)
def test_parts_of_a_reference(text: str, name: str, tag: str, digest: str, registry: str) -> None:
    reference = parse_reference(text)
    assert (reference.name, reference.tag, reference.digest) == (name, tag, digest)
    assert reference.registry == registry


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ""),
        ("a b", ""),
        ("busybox:", ""),
        ("busybox@sha256:12", ""),
        ("-x", ""),
        ("x/../y", ""),
        ("Foo", ": repository name (library/Foo) must be lowercase"),
        ("quay.io/Foo:1", ": repository name (Foo) must be lowercase"),
        ("team/Foo", ": repository name (team/Foo) must be lowercase"),
    ],
)
def test_what_is_no_reference_is_refused(text: str, why: str) -> None:
    with pytest.raises(RuntimeFailure) as caught:
        parse_reference(text)
    assert caught.value.reason == "InvalidImageName"
    assert str(caught.value) == (
        f'Failed to apply default image tag "{text}": couldn\'t parse image reference "{text}": '
        f"invalid reference format{why}"
    )
