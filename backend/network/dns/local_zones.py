"""The zones that this server has authority for: the cluster's domain, and the reverse ones of its address ranges."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dns.rcode import NOERROR, NXDOMAIN, SERVFAIL, Rcode
from dns.rdatatype import AAAA, ANY, CNAME, NS, PTR, SOA, SRV, TXT, A

from backend.network.dns.cluster_records import ClusterRecords, Labels, Node, ServiceKey, service_behind
from backend.network.dns.encoding import Record, name_wire
from backend.network.dns.reverse_zones import ReverseZones, address_of, exists

TTL = 30
"""Seconds, as kubeadm configures CoreDNS."""
VERSION_TTL = 28800
MAX_ALIASES = 8
"""Services that are only another name of the next one."""
_REFRESH, _RETRY, _EXPIRE = 7200, 1800, 86400
_PRIORITY, _WEIGHTS = 0, 100
_SRV = struct.Struct("!HHH")
_SERVER = ("ns", "dns")


@dataclass(slots=True)
class Reply:
    """What to say to a question."""

    rcode: Rcode = NOERROR
    answer: list[Record] = field(default_factory=list)
    authority: list[Record] = field(default_factory=list)
    additional: list[Record] = field(default_factory=list)
    elsewhere: Labels = ()
    """What the name asked for is another name of: the rest of the answer is somebody else's."""
    services: set[ServiceKey] = field(default_factory=set)
    """With whose changes the reply may change."""
    reverse: bool = False
    """It may change with any service."""


class LocalZones:
    def __init__(self, records: ClusterRecords, domain: str) -> None:
        self._records = records
        self._domain = tuple(domain.split("."))
        self._domain_wire = name_wire(self._domain)
        self._reverse = ReverseZones(())
        self._serial = 0
        self.changed()

    def set_ranges(self, cidrs: Iterable[str]) -> None:
        """The reverse of these is ours, whether somebody has the address or not."""
        self._reverse = ReverseZones(cidrs)

    def changed(self) -> None:
        self._serial = max(self._serial + 1, int(time.time())) & 0xFFFFFFFF

    def reply(self, name: Labels, owner: bytes, rdtype: int) -> Reply | None:
        """`name` in lower case, `owner` as the client wrote it. None where somebody else is to be asked."""
        if self._is_ours(name):
            return self._forward(name, owner, rdtype, 0)
        return self._backward(name, owner, rdtype)

    def _is_ours(self, name: Labels) -> bool:
        return name[-len(self._domain) :] == self._domain

    def _forward(self, name: Labels, owner: bytes, rdtype: int, aliases: int) -> Reply:
        relative = name[: -len(self._domain)]
        node = self._records.find(relative)
        service = service_behind(relative)
        reply = Reply(services={service} if service is not None else set())
        if node is None:
            reply.rcode = NXDOMAIN
        elif node.alias and aliases >= MAX_ALIASES:
            reply.rcode = SERVFAIL
        elif node.alias:
            self._follow(owner, node.alias, rdtype, aliases, reply)
        else:
            self._tell(owner, relative, node, rdtype, reply)
        if not reply.answer and reply.rcode != SERVFAIL:
            reply.authority.append(self._soa(self._domain_wire))
        return reply

    def _follow(self, owner: bytes, alias: str, rdtype: int, aliases: int, reply: Reply) -> None:
        target = tuple(alias.lower().split("."))
        reply.answer.append(Record(owner, CNAME, TTL, name_wire(target)))
        if rdtype in (CNAME, ANY):
            return
        if not self._is_ours(target):
            reply.elsewhere = target
            return
        rest = self._forward(target, name_wire(target), rdtype, aliases + 1)
        reply.rcode, reply.elsewhere = rest.rcode, rest.elsewhere
        reply.answer += rest.answer
        reply.authority += rest.authority
        reply.additional += rest.additional
        reply.services |= rest.services

    def _tell(self, owner: bytes, relative: Labels, node: Node, rdtype: int, reply: Reply) -> None:
        if rdtype in (A, AAAA, ANY):
            reply.answer += [
                record for record in _addresses(owner, node.addresses) if rdtype in (record.rdtype, ANY)
            ]
        if rdtype in (SRV, ANY):
            weight = max(1, _WEIGHTS // max(1, len(node.targets)))
            for target in node.targets:
                name = self._absolute(target.name)
                data = _SRV.pack(_PRIORITY, weight, target.port) + name
                reply.answer.append(Record(owner, SRV, TTL, data))
                reply.additional += _addresses(name, target.addresses)
            reply.additional = [*dict.fromkeys(reply.additional)]  # A target may have several ports.
        if rdtype in (TXT, ANY) and node.text:
            text = node.text.encode()
            reply.answer.append(Record(owner, TXT, VERSION_TTL, bytes((len(text),)) + text))
        if not relative and rdtype in (SOA, ANY):
            reply.answer.append(self._soa(owner))
        if not relative and rdtype in (NS, ANY):
            server = self._absolute(_SERVER)
            reply.answer.append(Record(owner, NS, TTL, server))
            reply.additional += _addresses(server, self._records.server_addresses())

    def _backward(self, name: Labels, owner: bytes, rdtype: int) -> Reply | None:
        apex = self._reverse.apex(name)
        address = address_of(name)
        reply = Reply(reverse=True)
        names = self._records.names_of(address) if address else []
        if rdtype in (PTR, ANY):
            reply.answer += [Record(owner, PTR, TTL, self._absolute(found)) for found in names]
        if apex is None:
            return reply if reply.answer else None
        if name == apex and rdtype == SOA:
            reply.answer.append(self._soa(owner))
        if not names and name != apex and not exists(name):
            reply.rcode = NXDOMAIN
        if not reply.answer:
            reply.authority.append(self._soa(name_wire(apex)))
        return reply

    def _absolute(self, relative: Labels) -> bytes:
        return name_wire(relative)[:-1] + self._domain_wire

    def _soa(self, zone: bytes) -> Record:
        names = self._absolute(_SERVER) + self._absolute(("hostmaster",))
        times = struct.pack("!5I", self._serial, _REFRESH, _RETRY, _EXPIRE, TTL)
        return Record(zone, SOA, TTL, names + times)


def _addresses(owner: bytes, addresses: Iterable[str]) -> Iterator[Record]:
    for address in addresses:
        if ":" in address:
            yield Record(owner, AAAA, TTL, socket.inet_pton(socket.AF_INET6, address))
        else:
            yield Record(owner, A, TTL, socket.inet_aton(address))
