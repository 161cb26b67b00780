"""URLs and addresses. Source: k8s.io/apiserver/pkg/cel/library/{urls,ip,cidr}.go."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.functions import Library

LIBRARY = Library()
declare = LIBRARY.declare
add = LIBRARY.add

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True, slots=True)
class Url:
    cel_type: ClassVar[str] = "kubernetes.URL"
    parts: SplitResult


@dataclass(frozen=True, slots=True)
class Ip:
    cel_type: ClassVar[str] = "net.IP"
    address: Address


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address with a prefix; its other bits are kept."""

    cel_type: ClassVar[str] = "net.CIDR"
    network: Network


@declare("url(string) -> kubernetes.URL")
def _url(text: str) -> Url:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise EvaluationError(f"URL parse error during conversion from string: {error}") from None
    if not (parts.scheme and (parts.netloc or parts.path)) and not text.startswith("/"):
        text = f'parse "{text}": invalid URI for request'
        raise EvaluationError(f"URL parse error during conversion from string: {text}")
    return Url(parts)


@declare("isURL(string) -> bool")
def _is_url(text: str) -> bool:
    try:
        _url(text)
    except EvaluationError:
        return False
    return True


def _hostname(url: Url) -> str:
    host = url.parts.netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


add("kubernetes.URL getScheme() -> string", lambda url: url.parts.scheme)
add("kubernetes.URL getHost() -> string", lambda url: url.parts.netloc.rpartition("@")[2])
add("kubernetes.URL getHostname() -> string", _hostname)
add("kubernetes.URL getPort() -> string", lambda url: str(url.parts.port) if url.parts.port is not None else "")
add("kubernetes.URL getEscapedPath() -> string", lambda url: url.parts.path)
add(
    "kubernetes.URL getQuery() -> map(string, list(string))",
    lambda url: parse_qs(url.parts.query, keep_blank_values=True),
)


@declare("ip(string) -> net.IP")
def _ip(text: str) -> Ip:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise EvaluationError(f'IP Address "{text}" parse error during conversion from string: invalid') from None
    if "%" in text:
        raise EvaluationError(f'IP address "{text}" with zone value is not allowed')
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise EvaluationError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return Ip(address)


@declare("isIP(string) -> bool")
def _is_ip(text: str) -> bool:
    try:
        _ip(text)
    except EvaluationError:
        return False
    return True


add("ip.isCanonical(string) -> bool", lambda text: str(_ip(text).address) == text)
add("string(net.IP) -> string", lambda ip: str(ip.address))
add("net.IP family() -> int", lambda ip: ip.address.version)
add("net.IP isUnspecified() -> bool", lambda ip: ip.address.is_unspecified)
add("net.IP isLoopback() -> bool", lambda ip: ip.address.is_loopback)
add("net.IP isLinkLocalUnicast() -> bool", lambda ip: ip.address.is_link_local)
add("net.IP isLinkLocalMulticast() -> bool", lambda ip: _is_link_local_multicast(ip.address))
add("net.IP isGlobalUnicast() -> bool", lambda ip: _is_global_unicast(ip.address))


def _is_link_local_multicast(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address in ipaddress.IPv4Network("224.0.0.0/24")
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 2


def _is_global_unicast(address: Address) -> bool:
    """As Go's net.IP.IsGlobalUnicast: private addresses are, too."""
    broadcast = ipaddress.IPv4Address("255.255.255.255")
    special = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not special and address != broadcast


@declare("cidr(string) -> net.CIDR")
def _cidr(text: str) -> Cidr:
    try:
        if "/" not in text or not text.rpartition("/")[2].isdigit():
            raise ValueError
        return Cidr(ipaddress.ip_interface(text))
    except ValueError:
        text = f"network address parse error during conversion from string: {text}"
        raise EvaluationError(text) from None


@declare("isCIDR(string) -> bool")
def _is_cidr(text: str) -> bool:
    try:
        _cidr(text)
    except EvaluationError:
        return False
    return True


add("string(net.CIDR) -> string", lambda cidr: str(cidr.network))
add("net.CIDR ip() -> net.IP", lambda cidr: Ip(cidr.network.ip))
add("net.CIDR masked() -> net.CIDR", lambda cidr: Cidr(ipaddress.ip_interface(str(cidr.network.network))))
add("net.CIDR prefixLength() -> int", lambda cidr: cidr.network.network.prefixlen)


@declare("net.CIDR containsIP(net.IP) -> bool")
def _contains_ip(cidr: Cidr, ip: Ip) -> bool:
    return ip.address.version == cidr.network.version and ip.address in cidr.network.network


add("net.CIDR containsIP(string) -> bool", lambda cidr, text: _contains_ip(cidr, _ip(text)))


@declare("net.CIDR containsCIDR(net.CIDR) -> bool")
def _contains_cidr(cidr: Cidr, other: Cidr) -> bool:
    inside = _contains_ip(cidr, Ip(other.network.network.network_address))
    return inside and other.network.network.prefixlen >= cidr.network.network.prefixlen


add("net.CIDR containsCIDR(string) -> bool", lambda cidr, text: _contains_cidr(cidr, _cidr(text)))
