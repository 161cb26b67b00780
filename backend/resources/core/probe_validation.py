"""Rules of probes and lifecycle hooks. Source: validateProbe, validateHandler, validateLifecycle."""

from __future__ import annotations

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.port_validation import validate_port_number, validate_port_reference

_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")


def validate_probe(kind: str, probe: Obj, path: str) -> list[Cause]:
    """`kind` is livenessProbe, readinessProbe or startupProbe."""
    found = _validate_handler(probe, path)
    found += [
        causes.invalid_value(f"{path}.{name}", probe[name], "must be greater than or equal to 0")
        for name in _COUNTS
        if probe.get(name, 0) < 0
    ]
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        found.append(
            causes.invalid_value(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")
        )
    if kind == "readinessProbe":
        if grace is not None:
            detail = "must not be set for readinessProbes"
            found.append(causes.invalid_value(f"{path}.terminationGracePeriodSeconds", grace, detail))
    elif probe.get("successThreshold", 1) != 1:
        found.append(causes.invalid_value(f"{path}.successThreshold", probe["successThreshold"], "must be 1"))
    return found


def validate_lifecycle(lifecycle: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            found += _validate_handler(lifecycle[hook], f"{path}.{hook}")
    return found


def _validate_handler(holder: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    given = [kind for kind in _HANDLERS if holder.get(kind) is not None]
    for position, kind in enumerate(given):
        here = f"{path}.{kind}"
        if position:
            found.append(causes.forbidden(here, "may not specify more than 1 handler type"))
        else:
            found += _validate_action(kind, holder[kind], here)
    if not given:
        found.append(causes.required(path, "must specify a handler type"))
    return found


def _validate_action(kind: str, action: Obj, path: str) -> list[Cause]:
    if kind == "exec":
        return [] if action.get("command") else [causes.required(f"{path}.command")]
    if kind == "sleep":
        return []
    if kind == "grpc":
        return validate_port_number(action.get("port", 0), f"{path}.port")
    found: list[Cause] = []
    if kind == "httpGet" and not action.get("path"):
        found.append(causes.required(f"{path}.path"))
    found += validate_port_reference(action.get("port", 0), f"{path}.port")
    if kind == "httpGet":
        found += _validate_http(action, path)
    return found


def _validate_http(action: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if action.get("scheme") not in ("HTTP", "HTTPS"):
        found.append(causes.not_supported(f"{path}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS")))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        found += causes.each_invalid(f"{path}.httpHeaders", name, names.http_header_name(name))
    return found
