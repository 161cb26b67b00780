"""`minikctl expose`. Source: k8s.io/kubectl/pkg/cmd/expose/expose.go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import exposed, shared_flags
from minikctl.commands.create import creating
from minikctl.commands.create.service import NONE, SERVICES
from minikctl.flags import go_quote
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.struct_order import SERVICE, arranged

Obj = dict[str, Any]

FIELD_MANAGER = "kubectl-expose"
_MAX_NAME = 63


class Found:
    """What the flags say or else the first object tells, which then holds for all further objects, as with kubectl."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self.selector: str | dict[str, str] = flags["selector"]
        self.labels: str | dict[str, str] = flags["labels"]
        self.port: list[str] = flags["port"].split(",") if flags["port"] else []


def run(call: Invocation) -> int:
    strategy = creating.dry_run(call)
    make_printer(call.flags, operation="exposed", dry_run=strategy, typed=True)
    errors: list[Exception] = []
    asked = Query(
        args=call.args,
        filenames=call.flags["filename"],
        recursive=call.flags["recursive"],
        allow_empty_selector=False,
        latest=False,
    )
    found = Found(call.flags)
    for info in stream(call.factory, asked, errors):
        try:
            _expose(call, info, found, strategy)
        except (StatusError, Failure) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _expose(call: Invocation, info: Info, found: Found, strategy: creating.DryRun) -> None:
    service = arranged(overridden(call, SERVICES, _service(call, info, found)), SERVICE)
    if strategy != "client":
        if call.flags["save-config"]:
            creating.save_config(service, typed=True)
        query = {
            "dryRun": "All" if strategy == "server" else "",
            "fieldManager": call.flags["field-manager"],
        }
        path = SERVICES.path(call.factory.namespace)
        made = call.factory.client.request("POST", path, query=query, body=service)
        service = arranged(creating.in_struct_order(made), SERVICE)
    elif call.factory.explicit_namespace:
        service["metadata"]["namespace"] = call.factory.namespace
        service = creating.in_struct_order(service)
    printer = make_printer(call.flags, operation="exposed", dry_run=strategy, typed=True)
    printer.print(service, call.streams.out)


def _service(call: Invocation, info: Info, found: Found) -> Obj:
    """The service for the object, by what the flags say and, where they say nothing, by what the object has."""
    flags, obj = call.flags, info.object
    exposed.check(info.mapping.group, info.mapping.kind)
    found.selector = found.selector or exposed.selector(obj)
    ports = found.port or exposed.ports(obj)
    if not ports and flags["cluster-ip"] != NONE:
        raise Failure("couldn't find port via --port flag or introspection")
    found.port = ports if len(ports) == 1 else found.port
    found.labels = found.labels or obj["metadata"].get("labels") or {}
    meta: Obj = {"name": flags["name"] or info.name[:_MAX_NAME]}
    spec: Obj = {"selector": _sorted(labels_of(found.selector))}
    if found.labels:
        meta["labels"] = _sorted(labels_of(found.labels))
    made = _ports(ports, flags["protocol"], exposed.protocols(obj), flags["target-port"])
    if made:
        spec["ports"] = made
    _set_fields(spec, flags)
    return {
        "kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {"loadBalancer": {}},
    }  # fmt: skip


def _sorted(labels: dict[str, str]) -> dict[str, str]:
    return {key: labels[key] for key in sorted(labels)}


def _set_fields(spec: Obj, flags: Any) -> None:
    if flags["external-ip"]:
        spec["externalIPs"] = [flags["external-ip"]]
    if flags["load-balancer-ip"] and flags["type"] == "LoadBalancer":
        spec["loadBalancerIP"] = flags["load-balancer-ip"]
    affinity = flags["session-affinity"]
    if affinity not in ("", "None", "ClientIP"):
        raise Failure(f"unknown session affinity: {affinity}")
    for field, value in (
        ("type", flags["type"]),
        ("sessionAffinity", affinity),
        ("clusterIP", flags["cluster-ip"]),
    ):
        if value:
            spec[field] = value


def _ports(texts: list[str], protocol: str, known: dict[str, list[str]], target: str) -> list[Obj]:
    """A port that the object has over several protocols is exposed over each, unless --protocol names one."""
    made: list[Obj] = []
    for number, text in enumerate(texts, start=1):
        port = _atoi(text)
        protocols = [protocol] if protocol else known.get(text) or ["TCP"]
        for each in protocols:
            name = f"port-{number}" if len(texts) > 1 else ""
            if len(protocols) > 1:
                name = f"port-{number}-{each.lower()}"
            made.append({**({"name": name} if name else {}), "protocol": each, "port": port})
    for one in made:
        one["targetPort"] = _target(target) if target else one["port"]
    return made


def _atoi(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Failure(f"strconv.Atoi: parsing {go_quote(text)}: invalid syntax")
    return int(text)


def _target(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else text


def labels_of(text: str | dict[str, str]) -> dict[str, str]:
    """`a=b,c=d`, or labels that need no reading."""
    if isinstance(text, dict):
        return text
    found = {}
    for part in text.split(","):
        key, *values = part.split("=")
        if len(values) != 1:
            raise Failure(f"unexpected label spec: {part}")
        if not key:
            raise Failure("unexpected empty label key")
        found[key] = values[0]
    return found


def overridden(call: Invocation, mapping: ResourceMapping, made: Obj) -> Obj:
    """The new object with what --overrides says."""
    overrides, how = call.flags["overrides"], call.flags["override-type"]
    if not overrides:
        return made
    from minikctl.commands.patch import TYPES, patched_locally

    if how not in TYPES:
        raise Failure(f"invalid override type: {how}")
    info = Info(mapping, call.factory.namespace, made["metadata"]["name"], made)
    return patched_locally(info, TYPES[how], overrides.encode())


COMMAND = Command(
    use="expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name]"
    " [--name=name] [--external-ip=external-ip-of-service] [--type=type]",
    short="Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    long="Expose a resource as a new Kubernetes service.\n\n"
    "The selector of a deployment, service, replica set, replication controller or pod becomes that of the new service."
    " A deployment's or replica set's must be made of labels alone. Without --port the service has all ports of the"
    " resource, and without --labels its labels.\n\n"
    "Possible resources include (case insensitive):\n\n"
    " pod (po), service (svc), replicationcontroller (rc), deployment (deploy), replicaset (rs)",
    examples="""
  # A service on port 80 for the pods of a replication controller, which listen on port 8000
  minikctl expose rc nginx --port=80 --target-port=8000

  # For the replication controller that a file names
  minikctl expose -f nginx-controller.yaml --port=80 --target-port=8000

  # For a pod, on port 444, with the name "frontend"
  minikctl expose pod valid-pod --port=444 --name=frontend

  # A second service for the pods of a service
  minikctl expose service nginx --port=443 --target-port=8443 --name=nginx-https

  # For a deployment
  minikctl expose deployment nginx --port=80 --target-port=8000""",
    run=run,
    flags=(
        Flag(
            "cluster-ip", "string", "",
            "ClusterIP to be assigned to the service. Leave empty to auto-allocate, or set to 'None' to create a"
            " headless service.",
        ),
        creating.DRY_RUN_FLAG,
        Flag(
            "external-ip", "string", "",
            "Additional external IP address (not managed by Kubernetes) to accept for the service. If this IP is"
            " routed to a node, the service can be accessed by this IP in addition to its generated service IP.",
        ),
        Flag("field-manager", "string", FIELD_MANAGER, "Name of the manager used to track field ownership."),
        shared_flags.filename("identifying the resource to expose a service"),
        Flag("labels", "string", "", "Labels to apply to the service created by this call.", "l"),
        Flag(
            "load-balancer-ip", "string", "",
            "IP to assign to the LoadBalancer. If empty, an ephemeral IP will be created and used (cloud-provider"
            " specific).",
        ),
        Flag("name", "string", "", "The name for the newly created object."),
        Flag(
            "override-type", "string", "merge",
            "The method used to override the generated object: json, merge, or strategic.",
        ),
        Flag(
            "overrides", "string", "",
            "An inline JSON override for the generated object. If this is non-empty, it is used to override the"
            " generated object. Requires that the object supply a valid apiVersion field.",
        ),
        *output_flags(),
        Flag(
            "port", "string", "",
            "The port that the service should serve on. Copied from the resource being exposed, if unspecified",
        ),
        Flag("protocol", "string", "", "The network protocol for the service to be created. Default is 'TCP'."),
        shared_flags.RECURSIVE,
        creating.SAVE_CONFIG_FLAG,
        Flag(
            "selector", "string", "",
            "A label selector to use for this service. Only equality-based selector requirements are supported. If"
            " empty (the default) infer the selector from the resource being exposed.",
        ),
        Flag(
            "session-affinity", "string", "",
            "If non-empty, set the session affinity for the service to this; legal values: 'None', 'ClientIP'",
        ),
        Flag(
            "target-port", "string", "",
            "Name or number for the port on the container that the service should direct traffic to. Optional.",
        ),
        Flag(
            "type", "string", "",
            "Type for this service: ClusterIP, NodePort, LoadBalancer, or ExternalName. Default is 'ClusterIP'.",
        ),
    ),
)  # fmt: skip
