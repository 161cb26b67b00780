"""This machine's own settings, however they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.machinery.resolv_conf import HostResolver, ResolvConf, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ResolvConf()),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.1", ResolvConf(("192.0.2.1", "192.0.2.2"))),
        ("# nameserver 192.0.2.1\n; nameserver 192.0.2.2\nnameserver", ResolvConf()),
        ("domain a.example b.example", ResolvConf(searches=("a.example",))),
        ("search a.example.\n search b.example c.example\n", ResolvConf(searches=("b.example", "c.example"))),
        ("search .", ResolvConf(searches=(".",))),
        ("options ndots:2\noptions edns0 trust-ad", ResolvConf(options=("edns0", "trust-ad"))),
        ("nameserver fe80::1%eth0 # comment", ResolvConf(("fe80::1%eth0",))),
    ],
)  # fmt: skip
def test_lines(text: str, expected: ResolvConf) -> None:
    assert parse(text.splitlines()) == expected


def test_a_change_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    resolver = HostResolver(file, tmp_path / "none")
    assert resolver.read() == ResolvConf()
    file.write_text("nameserver 192.0.2.1\n")
    assert resolver.read().nameservers == ("192.0.2.1",)
    assert resolver.read() is resolver.read()
    file.write_text("nameserver 192.0.2.22\n")
    assert resolver.read().nameservers == ("192.0.2.22",)
    file.unlink()
    assert resolver.read() == ResolvConf()


def test_behind_the_stub_of_systemd_are_the_servers_that_it_asks(tmp_path: Path) -> None:
    file, real = tmp_path / "resolv.conf", tmp_path / "systemd.conf"
    file.write_text("nameserver 127.0.0.53\noptions edns0\nsearch lan\n")
    resolver = HostResolver(file, real)
    assert resolver.read().nameservers == ("127.0.0.53",)
    real.write_text("nameserver 192.0.2.1\nsearch lan\n")
    assert resolver.read().nameservers == ("192.0.2.1",)
    file.write_text("nameserver 192.0.2.9\n")
    assert resolver.read().nameservers == ("192.0.2.9",)
