"""What the service commands share. Source: k8s.io/kubectl/pkg/cmd/create/create_service.go."""

from __future__ import annotations

from typing import Any

from backend.meta.names import port_name, port_number
from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Flag, Invocation
from minikctl.commands.create import creating
from minikctl.flags import go_quote, parse_int
from minikctl.output.struct_order import SERVICE

SERVICES = ResourceMapping("", "v1", "services", "Service", True, "service")
NONE = "None"
"""The cluster IP of a service without one."""

TCP_FLAG = Flag("tcp", "stringSlice", [], "Port pairs can be specified as '<port>:<targetPort>'.")

_MAX_PORT = 65535


def send(call: Invocation, type_: str, *, node_port: int = 0, **fields: str) -> int:
    """Make the service of the flags, whose selector is the label app=NAME; `fields` are of its spec, if not empty."""
    name = creating.single_name(call)
    pairs: list[str] = call.flags["tcp"]
    if not pairs and fields.get("clusterIP") != NONE and type_ != "ExternalName":
        raise Failure("at least one tcp port specifier must be provided")
    meta = creating.metadata(call, name, required=False)
    meta["labels"] = {"app": name}
    spec: dict[str, Any] = {"selector": {"app": name}, "type": type_}
    spec |= {field: value for field, value in fields.items() if value}
    ports = [_port(pair, node_port) for pair in pairs]
    if ports:
        spec["ports"] = ports
    service = {
        "kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {"loadBalancer": {}},
    }  # fmt: skip

    def failure(error: StatusError) -> Exception:
        return Failure(f"failed to create {type_} service: {error}")

    # kubectl has --save-config here and does not heed it.
    return creating.create(call, SERVICES, service, failure, shape=SERVICE, saves_config=False)


def _port(pair: str, node_port: int) -> dict[str, Any]:
    """`80`, `80:8080` or `80:name` as a port of the service, which is named by it."""
    number, *targets = pair.split(":")
    port: dict[str, Any] = {"name": pair.replace(":", "-"), "protocol": "TCP", "port": _number(number)}
    port["targetPort"] = _target(targets[0]) if targets else port["port"]
    if node_port:
        port["nodePort"] = node_port
    return port


def _number(text: str) -> int:
    """Go's strconv.ParseUint(text, 10, 16)."""
    if not (text.isascii() and text.isdigit()):
        raise Failure(f"strconv.ParseUint: parsing {go_quote(text)}: invalid syntax")
    if int(text) > _MAX_PORT:
        raise Failure(f"strconv.ParseUint: parsing {go_quote(text)}: value out of range")
    return int(text)


def _target(text: str) -> int | str:
    try:
        number = parse_int(text) if text.lstrip("+-").isdigit() else None
    except ValueError:
        number = None
    faults = port_name(text) if number is None else port_number(number)
    if faults:
        raise Failure(",".join(faults))
    return text if number is None else number
