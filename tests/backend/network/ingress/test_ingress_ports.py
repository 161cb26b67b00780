"""Which ports the ingress gets, where others have the usual ones."""

from __future__ import annotations

import contextlib
import errno
import socket

import pytest

from backend.network.ingress import ports
from backend.network.ingress.ports import open_listener, wanted_ports


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "ingress-ports"


@pytest.fixture
def taken():
    """A port that somebody else listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def opened(memory, wanted, scheme="http"):
    """(port, why) of a listener that is closed again."""
    listener = open_listener(memory, scheme, wanted)
    with contextlib.closing(listener.socket):
        return listener.port, listener.why


def test_it_listens_on_all_addresses_of_both_families(memory):
    listener = open_listener(memory, "http", 0)
    with contextlib.closing(listener.socket):
        hosts = ["127.0.0.1", "::1"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]
        for host in hosts:
            socket.create_connection((host, listener.port), timeout=5).close()


def test_a_machine_without_ipv6(memory, monkeypatch):
    made = ports._listener

    def of_family(family, port):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return made(family, port)

    monkeypatch.setattr(ports, "_listener", of_family)
    listener = open_listener(memory, "http", 0)
    with contextlib.closing(listener.socket):
        socket.create_connection(("127.0.0.1", listener.port), timeout=5).close()


def test_a_port_that_is_taken_becomes_another_which_is_remembered(memory, taken):
    port, why = opened(memory, taken)
    assert port != taken
    assert why == "address already in use"
    assert opened(memory, taken) == (port, why)


def test_a_port_that_is_not_permitted(memory, monkeypatch):
    listen = ports._listen

    def forbidden(port):
        if 0 < port < 1024:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listen(port)

    monkeypatch.setattr(ports, "_listen", forbidden)
    port, why = opened(memory, 80)
    assert port >= 8080
    assert why == "permission denied"


def test_the_schemes_are_remembered_apart(memory):
    assert opened(memory, 0, "http")[0] != opened(memory, 0, "https")[0]
    assert opened(memory, 0, "http")[0] == opened(memory, 0, "http")[0]


def test_what_is_asked_for_once_is_asked_for_again(memory):
    assert wanted_ports(memory, None, None) == (80, 443)
    assert not memory.exists()
    assert wanted_ports(memory, 0, None) == (0, 443)
    assert wanted_ports(memory, None, 8443) == (0, 8443)
    assert wanted_ports(memory, None, None) == (0, 8443)


def test_a_memory_that_is_none_is_forgotten(memory):
    for text in ("", "[]", "{}", '{"http": 1}', '{"http": {"port": 1}}'):
        memory.write_text(text)
        assert wanted_ports(memory, None, None) == (80, 443)
        assert opened(memory, 0)[1] == ""
