"""The query parameters of pods/log, pods/exec and pods/attach, checked as kube-apiserver checks them.

Source: k8s.io/kubernetes pkg/registry/core/pod/strategy.go and pkg/apis/core/validation ValidatePodLogOptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.apiserver.http.bodies import integer
from backend.meta.errors import Cause, bad_request, invalid
from backend.meta.streams import ExecOptions, LogOptions
from backend.meta.types import Obj

TRUE = ("1", "t", "T", "true", "TRUE", "True")


def container_name(pod: Obj, asked: str) -> str:
    """The container that was asked for, or the only one; raises 400."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    containers = [container["name"] for container in spec.get("containers") or ()]
    initial = [container["name"] for container in spec.get("initContainers") or ()]
    ephemeral = [container["name"] for container in spec.get("ephemeralContainers") or ()]
    if asked:
        if asked not in (*containers, *initial, *ephemeral):
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(containers) == 1:
        return str(containers[0])
    text = f"a container name must be specified for pod {name}"
    if containers:
        text += f", choose one of: [{' '.join(containers)}]"
    if containers and initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    raise bad_request(text)


def log_options(pod: Obj, query: Mapping[str, str]) -> LogOptions:
    """Raises 400 for what cannot be read and 422 for what is out of range."""
    tail, since, limit = (_number(query, name) for name in ("tailLines", "sinceSeconds", "limitBytes"))
    since_time = query.get("sinceTime") or None
    causes = _at_least("tailLines", tail, 0)
    causes += _at_least("limitBytes", limit, 1)
    if since is not None and since_time is not None:
        why = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append(Cause("FieldValueForbidden", "", f"Forbidden: {why}"))
    elif since is not None:
        causes += _at_least("sinceSeconds", since, 1)
    if causes:
        raise invalid("PodLogOptions", pod["metadata"]["name"], causes)
    return LogOptions(
        container_name(pod, query.get("container", "")), _flag(query, "follow"), _flag(query, "previous"),
        _flag(query, "timestamps"), tail, since, since_time, limit,
    )  # fmt: skip


def exec_options(pod: Obj, parameters: Sequence[tuple[str, str]], attach: bool) -> ExecOptions:
    """Raises 400."""
    query: dict[str, str] = {}
    for name, value in parameters:
        query.setdefault(name, value)
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    command = [] if attach else [value for name, value in parameters if name == "command"]
    tty = _flag(query, "tty")
    options = ExecOptions(
        container_name(pod, query.get("container", "")), command, _flag(query, "stdin"), _flag(query, "stdout"),
        _flag(query, "stderr") and not tty, tty,
    )  # fmt: skip
    if not (options.stdin or options.stdout or options.stderr):
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr")
    if not attach and not command:
        raise bad_request("you must specify at least one command for the container")
    return options


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "false") in TRUE


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    return integer(text, name) if text else None


def _at_least(field: str, value: int | None, least: int) -> list[Cause]:
    if value is None or value >= least:
        return []
    rule = "must be greater than 0" if least else "must be greater than or equal to 0"
    return [Cause("FieldValueInvalid", field, f"Invalid value: {value}: {rule}")]
