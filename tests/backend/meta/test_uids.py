"""Identifiers are what RFC 4122 calls version 4, and none comes twice."""

import os
import uuid

from backend.meta.uids import new_uid


def test_uids_are_random_uuids_in_their_usual_form():
    for text in [new_uid() for _ in range(1000)]:
        parsed = uuid.UUID(text)
        assert str(parsed) == text
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


def test_no_uid_comes_twice_and_all_variants_are_used():
    found = [new_uid() for _ in range(5000)]
    assert len(set(found)) == len(found)
    assert {text[19] for text in found} == set("89ab")


def test_a_forked_process_has_uids_of_its_own():
    new_uid()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, new_uid().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    assert len(theirs) == 36
    assert theirs != new_uid()
