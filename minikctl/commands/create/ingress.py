"""`minikctl create ingress`. Source: k8s.io/kubectl/pkg/cmd/create/create_ingress.go."""

from __future__ import annotations

import re
from typing import Any

from minikctl.client.errors import Failure, StatusError
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.output.struct_order import INGRESS

INGRESSES = ResourceMapping("networking.k8s.io", "v1", "ingresses", "Ingress", True, "ingress")

_RULE = re.compile(r"[\w*\-.]*/.*=[\w\-]+:[\w\-]+(,tls=?([\w\-]+)?)?", re.ASCII)

Obj = dict[str, Any]


def run(call: Invocation) -> int:
    flags = call.flags
    name = creating.single_name(call)
    _check(flags["default-backend"], flags["rule"], flags["annotation"])
    meta = creating.metadata(call, name)
    annotations = dict(annotation.split("=", 1) for annotation in flags["annotation"])
    if annotations:
        meta["annotations"] = {key: annotations[key] for key in sorted(annotations)}
    spec: Obj = {}
    if flags["class"]:
        spec["ingressClassName"] = flags["class"]
    if flags["default-backend"]:
        spec["defaultBackend"] = _backend(flags["default-backend"])
    spec |= {
        field: made for field, made in (("tls", _tls(flags["rule"])), ("rules", _rules(flags["rule"]))) if made
    }
    ingress = {
        "kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "metadata": meta, "spec": spec,
        "status": {"loadBalancer": {}},
    }  # fmt: skip
    return creating.create(call, INGRESSES, ingress, _failure, shape=INGRESS)


def _failure(error: StatusError) -> Exception:
    return Failure(f"failed to create ingress: {error}")


def _check(default_backend: str, rules: list[str], annotations: list[str]) -> None:
    if not default_backend and not rules:
        raise Failure(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all"
            " traffic) or a list of rules (which catch specific paths)"
        )
    for rule in rules:
        if not _RULE.match(rule):
            raise Failure(
                f"rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
            )
    for annotation in annotations:
        if "=" not in annotation:
            raise Failure(f"annotation {annotation} is invalid and should be in format key=[value]")
    if default_backend and default_backend.count(":") != 1:
        raise Failure("default-backend should be in format servicename:serviceport")


def _rules(rules: list[str]) -> list[Obj]:
    """One for each host, with the paths of all rules that name it."""
    by_host: dict[str, Obj] = {}
    for rule in rules:
        host, _, rest = rule.partition("/")
        made = by_host.setdefault(host, {**({"host": host} if host else {}), "http": {"paths": []}})
        made["http"]["paths"].append(_path(rest))
    return [*by_host.values()]


def _path(rest: str) -> Obj:
    """`path=service:port[,tls...]`; a star at the path's end makes it a prefix."""
    path, service, *_ = rest.split("=")
    kind = "Prefix" if path.endswith("*") else "Exact"
    return {
        "path": f"/{path.removesuffix('*')}",
        "pathType": kind,
        "backend": _backend(service.partition(",")[0]),
    }


def _backend(text: str) -> Obj:
    """`service:port`, where the port is a number or a name."""
    name, port, *_ = text.split(":")
    number = re.fullmatch(r"[+-]?\d+", port, re.ASCII)
    return {"service": {"name": name, "port": {"number": int(port)} if number else {"name": port}}}


def _tls(rules: list[str]) -> list[Obj]:
    """The hosts of the rules that ask for TLS, by their secrets. A host is taken once."""
    by_secret: dict[str, Obj] = {}
    taken: set[str] = set()
    for rule in rules:
        parts = rule.split(",")
        host = rule.partition("/")[0]
        if len(parts) != 2 or host in taken:
            continue
        taken.add(host)
        secret = parts[1].split("=")[1] if "=" in parts[1] else ""
        if secret in by_secret:
            by_secret[secret].setdefault("hosts", []).append(host)
        elif host or secret:
            by_secret[secret] = {
                **({"hosts": [host]} if host else {}),
                **({"secretName": secret} if secret else {}),
            }
    return [*by_secret.values()]


COMMAND = Command(
    use="ingress NAME --rule=host/path=service:port[,tls[=secret]]",
    short="Create an ingress with the specified name",
    long="Create an ingress with the specified name.",
    examples="""
  # Requests for foo.com/bar go to port 8080 of svc1, with the certificate in the secret my-cert
  minikctl create ingress simple --rule="foo.com/bar=svc1:8080,tls=my-cert"

  # Requests for /path of any host, by the ingress class otheringress
  minikctl create ingress catch-all --class=otheringress --rule="/path=svc:port"

  # With annotations
  minikctl create ingress annotated --rule="foo.com/bar=svc:port" --annotation=one=foo --annotation=two=bla

  # Several paths of a host; a star at the end means all paths that begin so
  minikctl create ingress multipath --rule="foo.com/=svc:port" --rule="foo.com/admin/*=svcadmin:portadmin"

  # What no rule takes goes to defaultsvc
  minikctl create ingress ingdefault --default-backend=defaultsvc:http --rule="foo.com/*=svc:8080,tls=secret1\"""",
    run=run,
    aliases=("ing",),
    flags=(
        *creating.CREATE_FLAGS,
        Flag(
            "annotation", "stringArray", [],
            "Annotation to insert in the ingress object, in the format annotation=value",
        ),
        Flag("class", "string", "", "Ingress Class to be used"),
        Flag("default-backend", "string", "", "Default service for backend, in format of svcname:port"),
        Flag(
            "rule", "stringArray", [],
            "Rule in format host/path=service:port[,tls=secretname]. Paths containing the leading character '*' are"
            " considered pathType=Prefix. tls argument is optional.",
        ),
    ),
)  # fmt: skip
