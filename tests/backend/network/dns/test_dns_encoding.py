"""Our own encoding, read by dnspython: whatever the records and the room."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import pytest
from dns.rdatatype import SRV, A
from hypothesis import given
from hypothesis import strategies as st

from backend.network.dns.encoding import Record, encode, name_wire, opt_record

NAMES = st.lists(st.sampled_from(["a", "web", "x" * 63, "default", "svc"]), max_size=3).map(name_wire)
RECORDS = st.lists(
    st.one_of(
        st.builds(lambda owner, data: Record(owner, A, 30, data), NAMES, st.binary(min_size=4, max_size=4)),
        st.builds(
            lambda owner, port, target: Record(owner, SRV, 30, struct.pack("!HHH", 0, 1, port) + target),
            NAMES, st.integers(0, 65535), NAMES,
        ),
    ),
    max_size=30,
)  # fmt: skip
QUESTION = name_wire(["web", "default", "svc"]) + struct.pack("!HH", A, 1)


@given(answer=RECORDS, additional=RECORDS, limit=st.integers(512, 4096), edns=st.booleans())
def test_what_fits_is_there_and_readable(
    answer: list[Record], additional: list[Record], limit: int, edns: bool
) -> None:
    opt = opt_record(1232, 0, 0) if edns else b""
    wire = encode(7, dns.flags.QR, QUESTION, (answer, (), additional), opt, limit)
    assert len(wire) <= limit
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert message.edns == (0 if edns else -1)
    for section, wanted in ((message.answer, answer), (message.additional, additional)):
        read = [(rrset.name.to_wire(), rrset.rdtype, rrset[0].to_wire()) for rrset in section]
        assert read == [(record.owner, record.rdtype, record.data) for record in wanted[: len(read)]]
    assert bool(message.flags & dns.flags.TC) == (len(message.answer) < len(answer))
    if len(message.answer) < len(answer):
        assert message.additional == []


def test_a_large_answer_points_only_where_pointers_reach() -> None:
    records = [Record(name_wire([f"n{number}"]), A, 30, bytes(4)) for number in range(2000)] * 2
    wire = encode(7, dns.flags.QR, QUESTION, (records, (), ()), b"", 65535)
    read = dns.message.from_wire(wire, one_rr_per_rrset=True).answer
    assert [rrset.name.to_wire() for rrset in read] == [record.owner for record in records[: len(read)]]
    assert len(read) > 2500


@pytest.mark.parametrize("labels", [["x" * 64], ["a", "", "b"], ["x" * 63] * 4])
def test_what_is_no_name(labels: list[str]) -> None:
    with pytest.raises(ValueError, match=r"a (label|name) has"):
        name_wire(labels)
