"""Rules and table of an IngressClass. Source: validateIngressClassSpec, SetDefaults_IngressClass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.networking.ingress_rules import validate_reference

_MAX_CONTROLLER = 250
_URL_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_SCOPES = ("Cluster", "Namespace")
_PARAMETERS = "spec.parameters"


def default_ingress_class(ingress_class: Obj) -> None:
    parameters = (ingress_class.get("spec") or {}).get("parameters")
    if parameters is not None:
        parameters.setdefault("scope", "Cluster")


def validate_ingress_class(ingress_class: Obj) -> Sequence[Cause]:
    spec = ingress_class.get("spec") or {}
    found = _validate_controller(spec.get("controller", ""))
    if (parameters := spec.get("parameters")) is not None:
        found += validate_reference(parameters, _PARAMETERS)
        found += _validate_scope(parameters)
    return found


def validate_ingress_class_update(ingress_class: Obj, old: Obj) -> Sequence[Cause]:
    found: list[Cause] = []
    controller = (ingress_class.get("spec") or {}).get("controller", "")
    if controller != (old.get("spec") or {}).get("controller", ""):
        found.append(causes.immutable("spec.controller", controller))
    return [*found, *validate_ingress_class(ingress_class)]


def _validate_controller(controller: str) -> list[Cause]:
    path = "spec.controller"
    if not controller:
        return [causes.required(path)]
    found: list[Cause] = []
    if len(controller) > _MAX_CONTROLLER:
        found.append(causes.too_long(path, _MAX_CONTROLLER))
    host, _, rest = controller.partition("/")
    if not host or not rest:
        detail = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [*found, causes.invalid_value(path, controller, detail)]
    found += causes.each_invalid(path, host, names.dns1123_subdomain(host))
    if not re.fullmatch(_URL_PATH, rest):
        detail = f"Invalid path (regex used for validation is '{_URL_PATH}')"
        found.append(causes.invalid_value(path, rest, detail))
    return found


def _validate_scope(parameters: Obj) -> list[Cause]:
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    path = f"{_PARAMETERS}.namespace"
    if scope not in _SCOPES:
        return [causes.not_supported(f"{_PARAMETERS}.scope", scope, _SCOPES)]
    if scope == "Cluster" and namespace is not None:
        return [causes.forbidden(path, "`parameters.scope` is set to 'Cluster'")]
    if scope == "Namespace" and namespace is None:
        return [causes.required(path, "`parameters.scope` is set to 'Namespace'")]
    return causes.each_invalid(path, namespace, names.dns1123_label(namespace)) if namespace is not None else []


def row(ingress_class: Obj, now: float) -> list[Any]:
    spec = ingress_class.get("spec") or {}
    parameters = spec.get("parameters")
    shown = cells.NONE
    if parameters is not None:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") is not None else ""
        shown = f"{parameters.get('kind', '')}{group}/{parameters.get('name', '')}"
    name = ingress_class["metadata"]["name"]
    return [name, spec.get("controller", ""), shown, cells.age(ingress_class, now)]
