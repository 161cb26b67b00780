"""Rules and table of a NetworkPolicy. Source: ValidateNetworkPolicySpec, SetDefaults_NetworkPolicy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from backend.meta import addresses, causes, names
from backend.meta.errors import Cause
from backend.meta.label_selector import format_selector, validate_label_selector
from backend.meta.types import Obj
from backend.resources import cells

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_TYPES = ("Egress", "Ingress")
_PEERS = {"ingress": "from", "egress": "to"}


def default_network_policy(policy: Obj) -> None:
    """Ports are of TCP, and without policyTypes a policy is about what it has rules for, and about ingress."""
    spec = policy["spec"] = policy.get("spec") or {}
    spec.setdefault("podSelector", {})
    for direction in _PEERS:
        for rule in spec.get(direction) or ():
            for port in rule.get("ports") or ():
                port.setdefault("protocol", "TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def validate_network_policy(policy: Obj, accepted: Collection[str] = ()) -> Sequence[Cause]:
    """`accepted` are CIDRs that stay valid, whatever is asked of new ones."""
    spec = policy["spec"]
    found = validate_label_selector(spec["podSelector"], "spec.podSelector")
    for direction, peers in _PEERS.items():
        for index, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                found += _validate_port(port, f"{path}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers) or ()):
                found += _validate_peer(peer, f"{path}.{peers}[{number}]", accepted)
    types: list[str] = spec.get("policyTypes") or []
    if len(types) > len(_TYPES):
        detail = "may not specify more than two policyTypes"
        return [*found, causes.invalid_value("spec.policyTypes", types, detail)]
    for index, kind in enumerate(types):
        if kind not in _TYPES:
            found.append(causes.not_supported(f"spec.policyTypes[{index}]", kind, _TYPES))
    return found


def validate_network_policy_update(policy: Obj, old: Obj) -> Sequence[Cause]:
    blocks = [block for _, block in _blocks(old)]
    known = {block.get("cidr", "") for block in blocks} | {cidr for b in blocks for cidr in b.get("except") or ()}
    return validate_network_policy(policy, known)


def _blocks(policy: Obj) -> Iterator[tuple[str, Obj]]:
    """Every ipBlock with its path."""
    for direction, peers in _PEERS.items():
        for index, rule in enumerate((policy.get("spec") or {}).get(direction) or ()):
            for number, peer in enumerate(rule.get(peers) or ()):
                if block := peer.get("ipBlock"):
                    yield f"spec.{direction}[{index}].{peers}[{number}].ipBlock", block


def network_policy_warnings(policy: Obj, _old: Obj | None) -> list[str]:
    found: list[str] = []
    for path, block in _blocks(policy):
        found += addresses.cidr_warnings(f"{path}.cidr", block.get("cidr", ""))
        for index, cidr in enumerate(block.get("except") or ()):
            found += addresses.cidr_warnings(f"{path}.except[{index}]", cidr)
    return found


def _validate_port(given: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    protocol, port, end = given.get("protocol"), given.get("port"), given.get("endPort")
    if protocol is not None and protocol not in _PROTOCOLS:
        found.append(causes.not_supported(f"{path}.protocol", protocol, _PROTOCOLS))
    if isinstance(port, int):
        found += causes.each_invalid(f"{path}.port", port, names.port_number(port))
        if end is not None:
            faults = ["must be greater than or equal to `port`"] if end < port else []
            found += causes.each_invalid(f"{path}.endPort", end, [*faults, *names.port_number(end)])
    elif port is not None:
        if end is not None:
            detail = "may not be specified when `port` is non-numeric"
            found.append(causes.invalid_value(f"{path}.endPort", end, detail))
        found += causes.each_invalid(f"{path}.port", port, names.port_name(port))
    elif end is not None:
        detail = "may not be specified when `port` is not specified"
        found.append(causes.invalid_value(f"{path}.endPort", end, detail))
    return found


def _validate_peer(peer: Obj, path: str, accepted: Collection[str]) -> list[Cause]:
    found: list[Cause] = []
    given = 0
    for field in ("podSelector", "namespaceSelector"):
        if (selector := peer.get(field)) is not None:
            given += 1
            found += validate_label_selector(selector, f"{path}.{field}")
    block = peer.get("ipBlock")
    if block is not None:
        found += _validate_block(block, f"{path}.ipBlock", accepted)
        if given:
            found.append(causes.forbidden(path, "may not specify both ipBlock and another peer"))
    elif not given:
        found.append(causes.required(path, "must specify a peer"))
    return found


def _validate_block(block: Obj, path: str, accepted: Collection[str]) -> list[Cause]:
    cidr = block.get("cidr", "")
    if not cidr:
        return [causes.required(f"{path}.cidr")]
    found = addresses.cidr_causes(f"{path}.cidr", cidr, accepted)
    whole = addresses.parse_cidr(cidr)
    if whole is None:
        return found
    for index, text in enumerate(block.get("except") or ()):
        here = f"{path}.except[{index}]"
        found += addresses.cidr_causes(here, text, accepted)
        part = addresses.parse_cidr(text)
        if part is None:
            continue
        if part[1].network_address not in whole[1] or whole[1].prefixlen >= part[1].prefixlen:
            found.append(causes.invalid_value(here, text, "must be a strict subset of `cidr`"))
    return found


def row(policy: Obj, now: float) -> list[Any]:
    selector = (policy.get("spec") or {}).get("podSelector") or {}
    return [policy["metadata"]["name"], format_selector(selector), cells.age(policy, now)]
