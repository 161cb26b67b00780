"""A pod's containers. Source: k8s.io/kubectl/pkg/describe (describeContainers and what it calls)."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from backend.meta import quantity
from minikctl.describe.common import rfc1123z, title_bool
from minikctl.describe.writer import Writer
from minikctl.flags import go_quote

Obj = Mapping[str, Any]


def containers(
    writer: Writer, title: str, pod: Obj, specs: list[Obj], statuses: list[Obj], indent: str = ""
) -> None:
    """`indent` is in front of the title where they are part of something, such as a template."""
    by_name = {status["name"]: status for status in statuses}
    writer.write(0, f"{indent}{title}:{'' if specs else ' <none>'}\n")
    for spec in specs:
        status = by_name.get(spec["name"])
        writer.write(1, f"{' ' if indent else ''}{spec['name']}:\n")
        _basics(writer, spec, status)
        _words(writer, "Command", spec.get("command"))
        _words(writer, "Args", spec.get("args"))
        if status is not None:
            _status(writer, status)
        resources(writer, 2, spec.get("resources") or {})
        for kind in ("liveness", "readiness", "startup"):
            probe = spec.get(f"{kind}Probe")
            if probe:
                writer.write(2, f"{kind.title()}:\t{_probe(probe)}\n")
        if spec.get("envFrom"):
            _env_from(writer, spec["envFrom"])
        _env(writer, pod, spec)
        _mounts(writer, spec)


def _basics(writer: Writer, spec: Obj, status: Obj | None) -> None:
    if status is not None:
        writer.write(2, f"Container ID:\t{status.get('containerID', '')}\n")
    writer.write(2, f"Image:\t{spec.get('image', '')}\n")
    if status is not None:
        writer.write(2, f"Image ID:\t{status.get('imageID', '')}\n")
    ports = spec.get("ports") or []
    inner = [f"{port['containerPort']}/{port.get('protocol', 'TCP')}{_port_name(port)}" for port in ports]
    outer = [f"{port.get('hostPort', 0)}/{port.get('protocol', 'TCP')}{_port_name(port)}" for port in ports]
    for title, shown in (("Port", inner), ("Host Port", outer)):
        writer.write(2, f"{title}{'s' * (len(shown) > 1)}:\t{', '.join(shown) or '<none>'}\n")
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    if profile:
        writer.write(2, f"SeccompProfile:\t{profile['type']}\n")
        if profile["type"] == "Localhost":
            writer.write(3, f"LocalhostProfile:\t{profile.get('localhostProfile', '')}\n")


def _port_name(port: Obj) -> str:
    return f" ({port['name']})" if port.get("name") else ""


def _words(writer: Writer, title: str, words: list[str] | None) -> None:
    if words:
        writer.write(2, f"{title}:\n")
        for word in words:
            for line in word.split("\n"):
                writer.write(3, f"{line}\n")


def _status(writer: Writer, status: Obj) -> None:
    _state(writer, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated"):
        _state(writer, "Last State", last)
    writer.write(2, f"Ready:\t{title_bool(status.get('ready'))}\n")
    writer.write(2, f"Restart Count:\t{status.get('restartCount', 0)}\n")


def _state(writer: Writer, title: str, state: Obj) -> None:
    if "running" in state:
        writer.write(2, f"{title}:\tRunning\n")
        writer.write(3, f"Started:\t{rfc1123z(state['running'].get('startedAt'))}\n")
    elif "terminated" in state:
        ended = state["terminated"]
        writer.write(2, f"{title}:\tTerminated\n")
        for field in ("reason", "message"):
            if ended.get(field):
                writer.write(3, f"{field.title()}:\t{ended[field]}\n")
        writer.write(3, f"Exit Code:\t{ended.get('exitCode', 0)}\n")
        if ended.get("signal"):
            writer.write(3, f"Signal:\t{ended['signal']}\n")
        writer.write(3, f"Started:\t{rfc1123z(ended.get('startedAt'))}\n")
        writer.write(3, f"Finished:\t{rfc1123z(ended.get('finishedAt'))}\n")
    else:
        writer.write(2, f"{title}:\tWaiting\n")
        reason = (state.get("waiting") or {}).get("reason")
        if reason:
            writer.write(3, f"Reason:\t{reason}\n")


def resources(writer: Writer, level: int, values: Obj) -> None:
    for title in ("Limits", "Requests"):
        quantities = values.get(title.lower()) or {}
        if quantities:
            writer.write(level, f"{title}:\n")
        for name in sorted(quantities):
            writer.write(level + 1, f"{name}:\t{quantities[name]}\n")


def _probe(probe: Obj) -> str:
    timing = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s"
        f" period={probe.get('periodSeconds', 0)}s successThreshold={probe.get('successThreshold', 0)}"
        f" failureThreshold={probe.get('failureThreshold', 0)}"
    )
    if "exec" in probe:
        return f"exec [{' '.join(probe['exec'].get('command') or [])}] {timing}"
    if "httpGet" in probe:
        get = probe["httpGet"]
        path = get.get("path", "")
        if path and not path.startswith("/"):
            path = f"/{path}"
        host = get.get("host", "")
        host = f"[{host}]" if ":" in host else host
        return f"http-get {get.get('scheme', 'HTTP').lower()}://{host}:{get['port']}{path} {timing}"
    if "tcpSocket" in probe:
        tcp = probe["tcpSocket"]
        return f"tcp-socket {tcp.get('host', '')}:{tcp['port']} {timing}"
    if "grpc" in probe:
        grpc = probe["grpc"]
        return f"grpc <pod>:{grpc['port']} {grpc.get('service', '')} {timing}"
    return f"unknown {timing}"


def _optional(source: Obj) -> str:
    return "true" if source.get("optional") else "false"


def _env_from(writer: Writer, sources: list[Obj]) -> None:
    writer.write(2, "Environment Variables from:\n")
    for source in sources:
        kind, reference = ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else (
            "Secret", source.get("secretRef") or {}
        )  # fmt: skip
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        writer.write(3, f"{reference.get('name', '')}\t{kind}{prefix}\tOptional: {_optional(reference)}\n")


def _env(writer: Writer, pod: Obj, spec: Obj) -> None:
    variables = spec.get("env") or []
    writer.write(2, f"Environment:{'' if variables else f'{chr(9)}<none>'}\n")
    for variable in variables:
        name, source = variable["name"], variable.get("valueFrom")
        if source is None:
            first, *more = variable.get("value", "").split("\n")
            writer.write(3, f"{name}:\t{first}\n")
            for line in more:
                writer.write(3, f"\t{line}\n")
        else:
            writer.write(3, f"{name}:\t{_value_from(pod, spec, source)}\n")


def _value_from(pod: Obj, spec: Obj, source: Obj) -> str:
    if "secretKeyRef" in source:
        key = source["secretKeyRef"]
        return f"<set to the key '{key['key']}' in secret '{key['name']}'>\tOptional: {_optional(key)}"
    if "configMapKeyRef" in source:
        key = source["configMapKeyRef"]
        return f"<set to the key '{key['key']}' of config map '{key['name']}'>\tOptional: {_optional(key)}"
    if "fieldRef" in source:
        field = source["fieldRef"]
        return f"{_field(pod, field['fieldPath'])} ({field.get('apiVersion', 'v1')}:{field['fieldPath']})"
    reference = source.get("resourceFieldRef") or {}
    return f"{_amount(spec, reference)} ({reference.get('resource', '')})"


def _amount(spec: Obj, reference: Obj) -> int:
    """The container's limit or request in units of the divisor, rounded up."""
    kind, _, name = reference.get("resource", "").partition(".")
    amount = ((spec.get("resources") or {}).get(kind) or {}).get(name, "0")
    return ceil(quantity.parse(amount) / (quantity.parse(reference.get("divisor") or "0") or 1))


def _field(pod: Obj, path: str) -> str:
    """Only the name and the namespace: kubectl can tell no other field, and leaves it empty."""
    if path not in ("metadata.name", "metadata.namespace"):
        return ""
    value: str = pod["metadata"].get(path.removeprefix("metadata."), "")
    return value


def _mounts(writer: Writer, spec: Obj) -> None:
    mounts = spec.get("volumeMounts") or []
    writer.write(2, f"Mounts:{'' if mounts else f'{chr(9)}<none>'}\n")
    for mount in sorted(mounts, key=lambda mount: str(mount["mountPath"])):
        flags = "ro" if mount.get("readOnly") else "rw"
        if mount.get("subPath"):
            flags += f",path={go_quote(mount['subPath'])}"
        writer.write(3, f"{mount['mountPath']} from {mount['name']} ({flags})\n")
