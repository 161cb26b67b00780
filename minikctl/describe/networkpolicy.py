"""kubectl's describe of a NetworkPolicy. Source: k8s.io/kubectl/pkg/describe.describeNetworkPolicy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from backend.meta.label_selector import format_selector, is_empty
from backend.meta.timefmt import parse
from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

INDENT = "    "


class Direction(NamedTuple):
    """What the texts for ingress and for egress differ by."""

    field: str
    peers: str
    title: str
    any_peer: str


INGRESS = Direction("ingress", "from", "From", "From: <any> (traffic not restricted by source)")
EGRESS = Direction("egress", "to", "To", "To: <any> (traffic not restricted by destination)")


def describe(_client: Client, policy: Obj, _show_events: bool) -> str:
    writer = Writer()
    meta, spec = policy["metadata"], policy.get("spec") or {}
    created = time.localtime(parse(meta["creationTimestamp"]))
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    writer.write(0, f"Created on:\t{time.strftime('%Y-%m-%d %H:%M:%S %z %Z', created)}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    writer.write(0, "Spec:\n")
    selector = spec.get("podSelector") or {}
    everything = "<none> (Allowing the specific traffic to all pods in this namespace)"
    writer.write(1, "PodSelector: ")
    writer.write(2, f"{everything if is_empty(selector) else format_selector(selector)}\n")
    types = spec.get("policyTypes") or []
    for direction in (INGRESS, EGRESS):
        if direction.field.title() in types:
            writer.write(1, f"Allowing {direction.field} traffic:\n")
            _rules(writer, spec.get(direction.field) or [], direction)
        else:
            writer.write(1, f"Not affecting {direction.field} traffic\n")
    writer.write(1, f"Policy Types: {', '.join(types)}\n")
    return writer.text()


def _rules(writer: Writer, rules: list[Obj], direction: Direction) -> None:
    if not rules:
        why = f"(Selected pods are isolated for {direction.field} connectivity)"
        writer.write(0, f"{INDENT}<none> {why}\n")
    for number, rule in enumerate(rules):
        if number:
            writer.write(0, f"{INDENT}----------\n")
        if not rule.get("ports"):
            writer.write(0, f"{INDENT}To Port: <any> (traffic allowed to all ports)\n")
        for port in rule.get("ports") or ():
            writer.write(0, f"{INDENT}{_port(port)}\n")
        if not rule.get(direction.peers):
            writer.write(0, f"{INDENT}{direction.any_peer}\n")
        for peer in rule.get(direction.peers) or ():
            writer.write(0, f"{INDENT}{direction.title}:\n")
            _peer(writer, peer)


def _port(port: Obj) -> str:
    number, protocol = port.get("port", "<nil>"), port.get("protocol", "TCP")
    if port.get("endPort") is None:
        return f"To Port: {number}/{protocol}"
    return f"To Port Range: {number}-{port['endPort']}/{protocol}"


def _peer(writer: Writer, peer: Obj) -> None:
    selectors = [(title, peer.get(title[0].lower() + title[1:])) for title in ("NamespaceSelector", "PodSelector")]
    block = peer.get("ipBlock")
    for title, selector in selectors:
        if selector is not None:
            writer.write(1, f"{INDENT}{title}: {format_selector(selector)}\n")
    if block is not None and not any(selector is not None for _, selector in selectors):
        writer.write(1, f"{INDENT}IPBlock:\n")
        writer.write(2, f"{INDENT}CIDR: {block.get('cidr', '')}\n")
        writer.write(2, f"{INDENT}Except: {', '.join(block.get('except') or ())}\n")
