"""The zones that this server has authority for: the cluster's domain, and the reverse ones of its address ranges."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dns.name import Name, from_text, root
from dns.rcode import NOERROR, NXDOMAIN, SERVFAIL, Rcode
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdatatype import AAAA, ANY, CNAME, NS, PTR, SOA, SRV, TXT, A, RdataType
from dns.rdtypes.ANY.CNAME import CNAME as CnameData
from dns.rdtypes.ANY.NS import NS as NsData
from dns.rdtypes.ANY.PTR import PTR as PtrData
from dns.rdtypes.ANY.SOA import SOA as SoaData
from dns.rdtypes.ANY.TXT import TXT as TxtData
from dns.rdtypes.IN.A import A as AData
from dns.rdtypes.IN.AAAA import AAAA as AaaaData
from dns.rdtypes.IN.SRV import SRV as SrvData
from dns.rrset import RRset

from backend.network.dns.cluster_records import ClusterRecords, Labels, Node, ServiceKey, Target, service_behind
from backend.network.dns.reverse_zones import ReverseZones, address_of, exists

TTL = 30
"""Seconds, as kubeadm configures CoreDNS."""
VERSION_TTL = 28800
MAX_ALIASES = 8
"""Services that are only another name of the next one."""
_REFRESH, _RETRY, _EXPIRE = 7200, 1800, 86400
_PRIORITY, _WEIGHTS = 0, 100
_SERVER = ("ns", "dns")


@dataclass(slots=True)
class Reply:
    """What to say to a question. Each record is an RRset of its own, so that a part of them can be sent."""

    rcode: Rcode = NOERROR
    answer: list[RRset] = field(default_factory=list)
    authority: list[RRset] = field(default_factory=list)
    additional: list[RRset] = field(default_factory=list)
    elsewhere: Name | None = None
    """What the name asked for is another name of: the rest of the answer is somebody else's."""
    services: set[ServiceKey] = field(default_factory=set)
    """With whose changes the reply may change."""
    reverse: bool = False
    """It may change with any service."""


class LocalZones:
    def __init__(self, records: ClusterRecords, domain: str) -> None:
        self._records = records
        self._domain = from_text(domain)
        self._depth = len(self._domain.labels)
        self._reverse = ReverseZones(())
        self._serial = 0
        self.changed()

    def set_ranges(self, cidrs: Iterable[str]) -> None:
        """The reverse of these is ours, whether somebody has the address or not."""
        self._reverse = ReverseZones(cidrs)

    def changed(self) -> None:
        self._serial = max(self._serial + 1, int(time.time())) & 0xFFFFFFFF

    def reply(self, name: Name, rdtype: RdataType) -> Reply | None:
        """None where somebody else is to be asked."""
        if name.is_subdomain(self._domain):
            return self._forward(name, name, rdtype, 0)
        return self._backward(name, rdtype)

    def _forward(self, owner: Name, name: Name, rdtype: RdataType, aliases: int) -> Reply:
        """`owner` is `name` as the client wrote it."""
        labels = _labels(name, self._depth)
        node = self._records.find(labels)
        service = service_behind(labels)
        reply = Reply(services={service} if service is not None else set())
        if node is None:
            reply.rcode = NXDOMAIN
        elif node.alias and aliases >= MAX_ALIASES:
            reply.rcode = SERVFAIL
        elif node.alias:
            self._follow(owner, node.alias, rdtype, aliases, reply)
        else:
            self._tell(owner, labels, node, rdtype, reply)
        if not reply.answer and reply.rcode != SERVFAIL:
            reply.authority.append(self._soa(self._domain))
        return reply

    def _follow(self, owner: Name, alias: str, rdtype: RdataType, aliases: int, reply: Reply) -> None:
        target = from_text(alias, root)
        reply.answer.append(_rrset(owner, CNAME, CnameData(IN, CNAME, target)))
        if rdtype in (CNAME, ANY):
            return
        if not target.is_subdomain(self._domain):
            reply.elsewhere = target
            return
        rest = self._forward(target, target, rdtype, aliases + 1)
        reply.rcode, reply.elsewhere = rest.rcode, rest.elsewhere
        reply.answer += rest.answer
        reply.authority += rest.authority
        reply.additional += rest.additional
        reply.services |= rest.services

    def _tell(self, owner: Name, labels: Labels, node: Node, rdtype: RdataType, reply: Reply) -> None:
        if rdtype in (A, AAAA, ANY):
            reply.answer += [
                record for record in _addresses(owner, node.addresses) if rdtype in (record.rdtype, ANY)
            ]
        if rdtype in (SRV, ANY):
            weight = max(1, _WEIGHTS // max(1, len(node.targets)))
            for target in node.targets:
                name = self._absolute(target.name)
                reply.answer.append(_rrset(owner, SRV, SrvData(IN, SRV, _PRIORITY, weight, target.port, name)))
            reply.additional += self._target_addresses(node.targets)
        if rdtype in (TXT, ANY) and node.text:
            reply.answer.append(_rrset(owner, TXT, TxtData(IN, TXT, [node.text]), VERSION_TTL))
        if not labels and rdtype in (SOA, ANY):
            reply.answer.append(self._soa(owner))
        if not labels and rdtype in (NS, ANY):
            server = self._absolute(_SERVER)
            reply.answer.append(_rrset(owner, NS, NsData(IN, NS, server)))
            reply.additional += _addresses(server, self._records.server_addresses())

    def _backward(self, name: Name, rdtype: RdataType) -> Reply | None:
        labels = _labels(name, 1)
        apex = self._reverse.apex(labels)
        address = address_of(labels)
        reply = Reply(reverse=True)
        names = self._records.names_of(address) if address else []
        if rdtype in (PTR, ANY):
            reply.answer += [_rrset(name, PTR, PtrData(IN, PTR, self._absolute(found))) for found in names]
        if apex is None:
            return reply if reply.answer else None
        if labels == apex and rdtype == SOA:
            reply.answer.append(self._soa(name))
        if not names and labels != apex and not exists(labels):
            reply.rcode = NXDOMAIN
        if not reply.answer:
            reply.authority.append(self._soa(Name([*(label.encode() for label in apex), b""])))
        return reply

    def _target_addresses(self, targets: Iterable[Target]) -> Iterator[RRset]:
        seen: set[tuple[Labels, str]] = set()
        for target in targets:
            new = [address for address in target.addresses if (target.name, address) not in seen]
            seen |= {(target.name, address) for address in new}
            yield from _addresses(self._absolute(target.name), new)

    def _absolute(self, labels: Labels) -> Name:
        return Name([*(label.encode("latin-1") for label in labels), *self._domain.labels])

    def _soa(self, zone: Name) -> RRset:
        data = SoaData(
            IN, SOA, self._absolute(_SERVER), self._absolute(("hostmaster",)), self._serial,
            _REFRESH, _RETRY, _EXPIRE, TTL,
        )  # fmt: skip
        return _rrset(zone, SOA, data)


def _labels(name: Name, without: int) -> Labels:
    return tuple(label.decode("latin-1").lower() for label in name.labels[:-without])


def _addresses(owner: Name, addresses: Iterable[str]) -> Iterator[RRset]:
    for address in addresses:
        if ":" in address:
            yield _rrset(owner, AAAA, AaaaData(IN, AAAA, address))
        else:
            yield _rrset(owner, A, AData(IN, A, address))


def _rrset(owner: Name, rdtype: RdataType, data: Rdata, ttl: int = TTL) -> RRset:
    rrset = RRset(owner, IN, rdtype)
    rrset.add(data, ttl)
    return rrset
