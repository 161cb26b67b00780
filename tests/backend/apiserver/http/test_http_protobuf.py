"""What kubectl sends: envelopes that it made itself are decoded, and their meaning checked."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest

from backend.apiserver.http.protobuf import ProtobufError, decode


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    return b"".join(field(number, value) for number, value in fields)


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + message((1, message((1, api_version), (2, kind))), (2, raw), (3, ""), (4, ""))


def entries(number: int, values: Mapping[str, str | bytes]) -> list[tuple[int, bytes]]:
    return [(number, message((1, key), (2, value))) for key, value in values.items()]


def test_a_service_account_as_kubectl_1_37_sends_it() -> None:
    sent = bytes.fromhex(
        "6b38730a140a02763112" "0e536572766963654163636f756e7412190a170a0764656661756c741200"
        "1a0022002a0032003800420" "01a002200"
    )  # fmt: skip
    fixed = b"k8s\x00" + sent[3:]
    assert decode(fixed) == {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default"}}


def test_maps_bytes_and_pointers() -> None:
    meta = message((1, "x"), (8, b""), *entries(11, {"app": "a"}))
    raw = message((1, meta), *entries(2, {"k": b"\x00\xff"}), (3, "Opaque"), *entries(4, {"s": "t"}), (5, 0))
    assert decode(envelope("v1", "Secret", raw)) == {
        "kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x", "labels": {"app": "a"}},
        "data": {"k": "AP8="}, "type": "Opaque", "stringData": {"s": "t"}, "immutable": False,
    }  # fmt: skip


def test_inlined_messages_special_types_and_negative_numbers() -> None:
    port = message((1, "/"), (2, message((1, 1), (3, "http"))))
    probe = message((1, message((2, port))), (2, -1))
    reference = message((1, message((1, "db"))), (2, "user"))
    env = message((1, "USER"), (3, message((4, reference))))
    resources = message((1, message((1, "cpu"), (2, message((1, "10m"))))))
    container = message((1, "c"), (2, "img"), (7, env), (8, resources), (10, probe))
    empty_dir = message((1, "v"), (2, message((2, b""))))
    pod = decode(envelope("v1", "Pod", message((2, message((1, empty_dir), (2, container))))))
    assert pod["spec"] == {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [
            {
                "name": "c", "image": "img",
                "env": [{"name": "USER", "valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}}],
                "resources": {"limits": {"cpu": "10m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "initialDelaySeconds": -1},
            }
        ],
    }  # fmt: skip


def test_times_and_options_of_other_groups() -> None:
    raw = message((1, message((8, message((1, 1_700_000_000))))), (2, message((4, message((1, 5), (2, 7000))))))
    lease = decode(envelope("coordination.k8s.io/v1", "Lease", raw))
    assert lease["metadata"] == {"creationTimestamp": "2023-11-14T22:13:20Z"}
    assert lease["spec"] == {"renewTime": "1970-01-01T00:00:05.000007Z"}
    options = decode(envelope("v1", "DeleteOptions", message((1, 0), (5, "All"))))
    assert options == {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "dryRun": ["All"]}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{}", r"does not appear to be a protobuf message, expected prefix \[107 56 115 0\]"),
        (envelope("v1", "Foo", b""), 'no kind "Foo" is registered for version "v1"'),
        (envelope("v1", "Secret", b"\x0a\x7f"), "unexpected EOF"),
        (envelope("v1", "Secret", b"\x0b"), "illegal wireType 3"),
        (envelope("v1", "Secret", b"\xff" * 12), "overflow|EOF"),
        (envelope("v1", "Secret", field(3, b"\xff")), "illegal"),
        (envelope("v1", "Secret", varint(5 << 3 | 1) + struct.pack("<d", 1.0)[:3]), "illegal|EOF"),
    ],
)
def test_what_is_no_object_is_refused(body: bytes, error: str) -> None:
    with pytest.raises(ProtobufError, match=error):
        decode(body)
