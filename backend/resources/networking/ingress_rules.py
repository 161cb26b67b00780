"""Rules of an Ingress. Source: ValidateIngressSpec, ValidateIngressStatusUpdate, and the strategy's warnings."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import addresses, causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_FORBIDDEN_IN_PATH = ("//", "/./", "/../", "%2f", "%2F")
_FORBIDDEN_AT_END = ("/..", "/.")
_NOT_A_NAME = "must be a DNS name, not an IP address"


def prepare_create(ingress: Obj) -> None:
    ingress["spec"] = ingress.get("spec") or {}
    ingress["status"] = {"loadBalancer": {}}


def ingress_warnings(ingress: Obj, old: Obj | None) -> list[str]:
    if old is not None or ingress["spec"].get("ingressClassName") is not None:
        return []
    if _CLASS_ANNOTATION not in (ingress["metadata"].get("annotations") or {}):
        return []
    return [f"annotation \"{_CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]


def validate_ingress(ingress: Obj) -> Sequence[Cause]:
    found = _validate_spec(ingress["spec"])
    annotation = (ingress["metadata"].get("annotations") or {}).get(_CLASS_ANNOTATION)
    chosen = ingress["spec"].get("ingressClassName")
    if annotation is not None and chosen is not None and annotation != chosen:
        detail = "must match `ingressClassName` when both are specified"
        found.append(causes.invalid_value(f"annotations.{_CLASS_ANNOTATION}", annotation, detail))
    return found


def validate_ingress_update(ingress: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate_spec(ingress.get("spec") or {})


def _validate_spec(spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    rules: list[Obj] = spec.get("rules") or []
    backend = spec.get("defaultBackend")
    if not rules and backend is None:
        detail = "either `defaultBackend` or `rules` must be specified"
        found.append(causes.invalid_value("spec", spec.get("rules"), detail))
    if backend is not None:
        found += _validate_backend(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        found += _validate_rule(rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.get("tls") or ()):
        found += _validate_tls(tls, f"spec.tls[{index}]")
    if (chosen := spec.get("ingressClassName")) is not None:
        found += causes.each_invalid("spec.ingressClassName", chosen, names.dns1123_subdomain(chosen))
    return found


def _validate_host(host: str, path: str) -> list[Cause]:
    check = names.wildcard_dns1123_subdomain if "*" in host else names.dns1123_subdomain
    return causes.each_invalid(path, host, check(host))


def _validate_tls(tls: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, host in enumerate(tls.get("hosts") or ()):
        found += _validate_host(host, f"{path}.hosts[{index}]")
    if secret := tls.get("secretName", ""):
        found += causes.each_invalid(f"{path}.secretName", secret, names.dns1123_subdomain(secret))
    return found


def _validate_rule(rule: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if host := rule.get("host", ""):
        if addresses.parse_ip(host) is not None:
            found.append(causes.invalid_value(f"{path}.host", host, _NOT_A_NAME))
        found += _validate_host(host, f"{path}.host")
    http = rule.get("http")
    if http is None:
        return found
    if not http.get("paths"):
        found.append(causes.required(f"{path}.http.paths"))
    for index, given in enumerate(http.get("paths") or ()):
        found += _validate_path(given, f"{path}.http.paths[{index}]")
    return found


def _validate_path(given: Obj, path: str) -> list[Cause]:
    kind, text = given.get("pathType"), given.get("path", "")
    if kind is None:
        return [causes.required(f"{path}.pathType", "pathType must be specified")]
    faults: list[str] = []
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            faults.append("must be an absolute path")
        faults += [f"must not contain '{part}'" for part in _FORBIDDEN_IN_PATH if part in text]
        faults += [f"cannot end with '{end}'" for end in _FORBIDDEN_AT_END if text.endswith(end)]
    elif kind == "ImplementationSpecific" and text and not text.startswith("/"):
        faults.append("must be an absolute path")
    found = causes.each_invalid(f"{path}.path", text, faults)
    if kind not in _PATH_TYPES:
        found.append(causes.not_supported(f"{path}.pathType", kind, _PATH_TYPES))
    return found + _validate_backend(given.get("backend") or {}, f"{path}.backend")


def _validate_backend(backend: Obj, path: str) -> list[Cause]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [causes.invalid_value(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return validate_reference(resource, f"{path}.resource")
    if service is None:
        return [causes.invalid_value(path, "", "resource or service backend is required")]
    found: list[Cause] = []
    if name := service.get("name", ""):
        found += causes.each_invalid(f"{path}.service.name", name, names.dns1123_label(name))
    else:
        found.append(causes.required(f"{path}.service.name"))
    port = service.get("port") or {}
    port_name, number = port.get("name", ""), port.get("number", 0)
    if port_name and number:
        found.append(causes.invalid_value(path, "", "cannot set both port name & port number"))
    elif port_name:
        found += causes.each_invalid(f"{path}.service.port.name", port_name, names.port_name(port_name))
    elif number:
        found += causes.each_invalid(f"{path}.service.port.number", number, names.port_number(number))
    else:
        found.append(causes.required(path, "port name or number is required"))
    return found


def validate_reference(reference: Obj, path: str) -> list[Cause]:
    """A group, a kind and a name. Source: validateIngressTypedLocalObjectReference."""
    found: list[Cause] = []
    if (group := reference.get("apiGroup")) is not None:
        found += causes.each_invalid(f"{path}.apiGroup", group, names.dns1123_subdomain(group))
    for field in ("kind", "name"):
        if value := reference.get(field, ""):
            found += causes.each_invalid(f"{path}.{field}", value, names.path_segment(value))
        else:
            found.append(causes.required(f"{path}.{field}"))
    return found


def validate_ingress_status_update(ingress: Obj, old: Obj) -> Sequence[Cause]:
    before = ((old.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    accepted = [point.get("ip") for point in before]
    found: list[Cause] = []
    points = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    for index, point in enumerate(points):
        path = f"status.loadBalancer.ingress[{index}]"
        if point.get("ip"):
            found += addresses.ip_causes(f"{path}.ip", point["ip"], accepted)
        if hostname := point.get("hostname", ""):
            found += causes.each_invalid(f"{path}.hostname", hostname, names.dns1123_subdomain(hostname))
            if addresses.parse_ip(hostname) is not None:
                found.append(causes.invalid_value(f"{path}.hostname", hostname, _NOT_A_NAME))
    return found
