"""IP addresses and CIDRs as kube-apiserver reads, refuses and warns of them.

Source: k8s.io/apimachinery/pkg/util/validation/ip.go with StrictIPCIDRValidation on, ValidateEndpointIP of
pkg/apis/core/validation. Older servers took leading zeros and IPv4-mapped IPv6; such text is read as they did,
and refused in what is new.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import TypeAlias

from backend.meta import causes
from backend.meta.errors import Cause

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV4, IPV6 = "IPv4", "IPv6"

_BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_BAD_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_LEADING_ZEROS = re.compile(r"(?<![\da-fA-F:.])0+(?=\d)|(?<=\.)0+(?=\d)")


def dns_address(cidr: str) -> str:
    """Where the cluster's names are asked for: the tenth address of the range of services. Source: kubeadm GetDNSIP."""
    return str(ipaddress.ip_network(cidr)[10])


def parse_ip(text: str) -> Address | None:
    """As Go's ParseIPSloppy: leading zeros are dropped, and an IPv4-mapped IPv6 address is the IPv4 one."""
    if "%" in text:
        return None
    if text.count(".") == 3:
        text = _LEADING_ZEROS.sub("", text)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def parse_cidr(text: str) -> tuple[Address, Network] | None:
    """The address as written, and the network that it is in; leading zeros are dropped."""
    written, slash, bits = text.partition("/")
    address = parse_ip(written)
    if address is None or not slash or not (bits.isascii() and bits.isdigit()):
        return None
    length = int(bits) - (96 if ":" in written and address.version == 4 else 0)
    if not 0 <= length <= address.max_prefixlen:
        return None
    return address, ipaddress.ip_network(f"{address}/{length}", strict=False)


def family(text: str) -> str:
    """IPv4 or IPv6; "" if `text` is no address."""
    address = parse_ip(text)
    return "" if address is None else IPV4 if address.version == 4 else IPV6


def ip_fault(text: str) -> str:
    """Why `text` may not be a new address; "" if it may."""
    if parse_ip(text) is None:
        return _BAD_IP
    strict = _strict_ip(text)
    if strict is None:
        return "must not have leading 0s"
    if isinstance(strict, ipaddress.IPv6Address) and strict.ipv4_mapped is not None:
        return "must not be an IPv4-mapped IPv6 address"
    return ""


def ip_causes(path: str, text: str, accepted: Collection[str] = ()) -> list[Cause]:
    """`accepted` are what the object had before, which stays valid. Source: IsValidIPForLegacyField."""
    fault = "" if text in accepted else ip_fault(text)
    return [causes.invalid_value(path, text, fault)] if fault else []


def canonical_ip_faults(text: str) -> list[str]:
    """Faults of an address that has to be in its one canonical form. Source: IsValidIP."""
    if fault := ip_fault(text):
        return [fault]
    canonical = str(parse_ip(text))
    return [] if text == canonical else [f"must be in canonical form ({causes.go_quote(canonical)})"]


def cidr_causes(path: str, text: str, accepted: Collection[str] = ()) -> list[Cause]:
    """Source: IsValidCIDRForLegacyField."""
    fault = "" if text in accepted else _cidr_fault(text)
    return [causes.invalid_value(path, text, fault)] if fault else []


def canonical_cidr_causes(path: str, text: str) -> list[Cause]:
    """Source: IsValidCIDR."""
    found = parse_cidr(text)
    fault = _cidr_fault(text)
    if not fault and found is not None and str(found[1]) != text:
        fault = f"must be in canonical form ({causes.go_quote(str(found[1]))})"
    return [causes.invalid_value(path, text, fault)] if fault else []


def _cidr_fault(text: str) -> str:
    found = parse_cidr(text)
    if found is None:
        return _BAD_CIDR
    written, _, bits = text.partition("/")
    strict = _strict_ip(written)
    if strict is None or (len(bits) > 1 and bits[0] == "0"):
        return "must not have leading 0s in IP or prefix length"
    if strict != found[0]:
        return "must not have an IPv4-mapped IPv6 address"
    if found[0] != found[1].network_address:
        return "must not have bits set beyond the prefix length"
    return ""


def _strict_ip(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def special_ip_causes(path: str, text: str) -> list[Cause]:
    """An address that traffic may be sent to is none of these. Source: ValidateEndpointIP."""
    address = parse_ip(text)
    if address is None:
        return [causes.invalid_value(path, text, "must be a valid IP address")]
    faults = []
    if address.is_unspecified:
        faults.append(f"may not be unspecified ({text})")
    if address.is_loopback:
        faults.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        faults.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address in _LINK_LOCAL_MULTICAST[address.version]:
        faults.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return causes.each_invalid(path, text, faults)


_LINK_LOCAL_MULTICAST = {4: ipaddress.ip_network("224.0.0.0/24"), 6: ipaddress.ip_network("ff02::/16")}


def ip_warnings(path: str, text: str) -> list[str]:
    """Source: GetWarningsForIP."""
    address = parse_ip(text)
    if address is None:
        return []
    if ip_fault(text):
        why = "will be considered invalid in a future Kubernetes release: use"
        return [f'{path}: non-standard IP address "{text}" {why} "{address}"']
    if address.version == 6 and str(address) != text:
        return [f'{path}: IPv6 address "{text}" should be in RFC 5952 canonical format ("{address}")']
    return []


def cidr_warnings(path: str, text: str) -> list[str]:
    """Source: GetWarningsForCIDR."""
    found = parse_cidr(text)
    if found is None:
        return []
    address, network = found
    warnings = []
    if address != network.network_address:
        single = f"{address}/{address.max_prefixlen}"
        meant = f'(should be "{network}" or "{single}"?)'
        warnings.append(f'{path}: CIDR value "{text}" is ambiguous in this context {meant}')
    strict = _strict_ip(text.partition("/")[0])
    if strict != address:
        why = "will be considered invalid in a future Kubernetes release: use"
        warnings.append(f'{path}: non-standard CIDR value "{text}" {why} "{network}"')
    elif address.version == 6 and f"{address}/{network.prefixlen}" != text:
        canonical = f"{address}/{network.prefixlen}"
        warnings.append(f'{path}: IPv6 CIDR value "{text}" should be in RFC 5952 canonical format ("{canonical}")')
    return warnings
