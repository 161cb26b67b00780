"""A machine of a test's own: a network namespace with a bridge, and peers on it in namespaces of theirs, as pods.

The calling thread is put into the namespace for as long as the machine lives, and with it all threads and processes
that it starts: what changes kernel rules then changes those of the test, and nothing of this machine.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.network.bridge import PodBridge

_NEW_NET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_PROGRAM = Path(__file__).with_name("netns_peer.py")

BRIDGE = PodBridge("pods0", ("10.77.0.0/16", "fd77::/64"), ("10.77.0.1", "fd77::1"))
OUTSIDE = "192.168.77.2"
"""Another machine, on a network of its own; this machine is 192.168.77.1 there."""


class Refused(Exception):
    """What the peer met, by the name of Python's exception."""

    def __init__(self, error: str, seconds: float) -> None:
        super().__init__(error)
        self.error = error
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Peer:
    """`address` and `address6` are its own; the machine itself has none of its own to tell."""

    name: str
    address: str
    address6: str
    process: subprocess.Popen[str]

    def serve(self, protocol: str, port: int, version: int = 4) -> None:
        self._do("serve", protocol, port, version)

    def ask(self, protocol: str, address: str, port: int, times: int = 1, patience: float = 10.0) -> list[str]:
        """What was answered: name of the peer, and the address that it saw. Raises Refused."""
        return list(self._do("ask", protocol, address, port, times, patience))

    def open(self, protocol: str, address: str, port: int) -> int:
        """A connection that stays. Raises Refused."""
        return int(self._do("open", protocol, address, port, 10.0))

    def say(self, connection: int) -> str:
        return str(self._do("say", connection))

    @contextmanager
    def sending_loopback_out(self, gateway: str) -> Iterator[None]:
        """Packets for 127.0.0.1 go to the gateway for a while, with the peer's own address as their source."""
        within = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]
        subprocess.run([*within, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"], check=True)
        route = f"127.0.0.1 via {gateway} dev eth0 src {self.address} table 100"
        before = (
            "rule add pref 1 lookup local",
            "rule add pref 0 to 127.0.0.1 lookup 100",
            "rule del pref 0 lookup local",
        )
        _ip(f"route add {route}", *before, within=within)
        try:
            yield
        finally:
            after = ("rule add pref 0 lookup local", "rule del pref 0 lookup 100", "rule del pref 1")
            _ip(*after, f"route del {route}", within=within)

    def _do(self, verb: str, *arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({verb: arguments}) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        if "error" in reply:
            raise Refused(reply["error"], reply["seconds"])
        return reply["result"]


class Machine:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._count = 1
        self.itself = self._start("machine", [], "", "")

    def pod(self, name: str) -> Peer:
        self._count += 1
        address, address6 = f"10.77.0.{self._count}", f"fd77::{self._count}"
        peer = self._beside(name, address, address6, BRIDGE.gateways, f"master {BRIDGE.name}")
        # As the kubelet's runtime asks it of a pod's port.
        _ip(f"link set dev {name} type bridge_slave hairpin on")
        return peer

    def outside(self) -> Peer:
        """Another machine, with this one as its router."""
        peer = self._beside("outside", OUTSIDE, "fd78::2", ("192.168.77.1", "fd78::1"), "", prefixes=(24, 64))
        _ip("addr add 192.168.77.1/24 dev outside", "addr add fd78::1/64 dev outside nodad")
        return peer

    def _beside(
        self, name: str, address: str, address6: str, gateways: tuple[str, ...], link: str,
        prefixes: tuple[int, int] = (16, 64),
    ) -> Peer:  # fmt: skip
        peer = self._start(name, ["unshare", "--net"], address, address6)
        # It answers once it is in its namespace.
        peer.serve("udp", 1)
        pid = peer.process.pid
        _ip(f"link add name {name} type veth peer name eth0 netns {pid}", f"link set dev {name} up {link}")
        commands = [
            "link set lo up", "link set eth0 up", f"addr add {address}/{prefixes[0]} dev eth0",
            f"addr add {address6}/{prefixes[1]} dev eth0 nodad", f"route add 0.0.0.0/0 via {gateways[0]}",
            f"route add ::/0 via {gateways[1]}",
        ]  # fmt: skip
        _ip(*commands, within=["nsenter", f"--net=/proc/{pid}/ns/net"])
        return peer

    def _start(self, name: str, within: list[str], address: str, address6: str) -> Peer:
        process = self._stack.enter_context(
            subprocess.Popen(
                [*within, sys.executable, str(_PROGRAM), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self._stack.callback(process.kill)
        return Peer(name, address, address6, process)


@contextmanager
def machine() -> Iterator[Machine]:
    """Needs root."""
    with own_namespace(), ExitStack() as stack:
        _ip(
            "link set lo up", f"link add {BRIDGE.name} type bridge", f"link set {BRIDGE.name} up",
            f"addr add {BRIDGE.gateways[0]}/16 dev {BRIDGE.name}",
            f"addr add {BRIDGE.gateways[1]}/64 dev {BRIDGE.name} nodad",
        )  # fmt: skip
        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path("/proc/sys/net", setting).write_text("1")
        yield Machine(stack)


@contextmanager
def own_namespace() -> Iterator[None]:
    """The calling thread, and what it starts, in a network namespace that has no interface but its loopback, which is
    down. Needs root."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(_LIBC.unshare(_NEW_NET))
        yield
    finally:
        _check(_LIBC.setns(before, _NEW_NET))
        os.close(before)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*commands: str, within: list[str] | None = None) -> None:
    command = [*(within or []), "ip", "-batch", "-"]
    subprocess.run(command, input="\n".join(commands), text=True, check=True, stdout=subprocess.DEVNULL)
