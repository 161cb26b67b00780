"""`minikctl run`. Source: k8s.io/kubectl/pkg/cmd/run/run.go, pkg/generate/versioned/run.go (BasicPod)."""

from __future__ import annotations

import io
import re
import time
from typing import Any

from backend.meta import names
from minikctl.client.builder import Info
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.client.rest import ResourceMapping
from minikctl.client.waiting import wait_until
from minikctl.command import Command, CommandError, Flag, Interrupted, Invocation
from minikctl.commands import podselect
from minikctl.commands.attach import attach_to
from minikctl.commands.create import creating
from minikctl.commands.create.containers import require
from minikctl.commands.create.service import SERVICES
from minikctl.commands.delete import delete_all
from minikctl.commands.expose import labels_of, overridden
from minikctl.flags import go_quote, parse_int
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.typed import typed

Obj = dict[str, Any]

PODS = ResourceMapping("", "v1", "pods", "Pod", True, "pod")
_RESTARTS = ("Always", "OnFailure", "Never")
_PULLS = ("Always", "IfNotPresent", "Never")
_ENDED = ("Succeeded", "Failed")

_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{_DIGEST})?"
).fullmatch
"""What can be the name of an image. Source: github.com/distribution/reference."""


def run(call: Invocation) -> int:
    require(call, "image")
    strategy = creating.dry_run(call)
    printer = make_printer(call.flags, operation="created", dry_run=strategy, typed=True)
    attached = call.flags["attach"] or (call.flags["stdin"] and "attach" not in call.changed)
    _validate(call, strategy, attached)
    made = [(PODS, _create(call, PODS, overridden(call, PODS, _pod(call)), strategy))]
    if call.flags["expose"]:
        made.append((SERVICES, _create(call, SERVICES, _service(call), strategy)))
    if attached:
        try:
            return _attached(call, made[0][1])
        finally:
            if call.flags["rm"]:
                _remove(call, made)
    for _, obj in made:
        printer.print(obj, call.streams.out)
    return 0


def _validate(call: Invocation, strategy: creating.DryRun, attached: bool) -> None:
    flags = call.flags
    if not call.args or call.dashdash == 0:
        raise Failure("NAME is required for run")
    if not flags["image"]:
        raise Failure("--image is required")
    if not _IMAGE(flags["image"]):
        raise Failure(f"invalid image name {go_quote(flags['image'])}: invalid reference format")
    if flags["tty"] and not flags["stdin"]:
        raise Failure("-i/--stdin is required for containers with -t/--tty=true")
    if flags["expose"] and not flags["port"]:
        raise Failure("--port must be set when exposing a service")
    if flags["restart"] not in _RESTARTS:
        raise Failure(f"invalid restart policy: {flags['restart']}, valid values are: {', '.join(_RESTARTS)}")
    if flags["rm"] and not attached:
        raise Failure("--rm should only be used for attached containers")
    if attached and strategy != "none":
        raise Failure(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)"
        )
    pull = flags["image-pull-policy"]
    if pull and pull not in _PULLS:
        raise Failure(f"invalid image pull policy: {pull}, valid values are: {', '.join(_PULLS)}")


def _pod(call: Invocation) -> Obj:
    flags, (name, *words) = call.flags, call.args
    meta: Obj = {"name": name, "labels": labels_of(flags["labels"]) if flags["labels"] else {"run": name}}
    annotations = _annotations(flags["annotations"])
    if annotations:
        meta["annotations"] = annotations
    container: Obj = {"name": name, "image": flags["image"], "resources": {}}
    if words:
        container["command" if flags["command"] else "args"] = words
    variables = [_variable(text) for text in flags["env"]]
    if variables:
        container["env"] = variables
    if flags["port"]:
        container["ports"] = [{"containerPort": _port(call)}]
    if flags["image-pull-policy"]:
        container["imagePullPolicy"] = flags["image-pull-policy"]
    if flags["privileged"]:
        container["securityContext"] = {"privileged": True}
    if flags["stdin"]:
        container["stdin"] = True
        if not flags["leave-stdin-open"]:
            container["stdinOnce"] = True
    if flags["tty"]:
        container["tty"] = True
    spec = {"containers": [container], "restartPolicy": flags["restart"], "dnsPolicy": "ClusterFirst"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {}}


def _annotations(texts: list[str]) -> dict[str, str]:
    bad = [text for text in texts if text.find("=") < 1]
    if bad:
        raise Failure(f"invalid annotations format: {', '.join(bad)}")
    return dict(text.split("=", 1) for text in texts)


def _variable(text: str) -> Obj:
    name, equals, value = text.partition("=")
    if not equals or not name or names.env_var_name(name):
        raise Failure(f"invalid env: {text}")
    return {"name": name, "value": value} if value else {"name": name}


def _port(call: Invocation) -> int:
    try:
        return parse_int(call.flags["port"], 32)
    except ValueError:
        raise Failure("--port must be a number") from None


def _service(call: Invocation) -> Obj:
    """One for the pod, of the same name."""
    name, port, given = call.args[0], _port(call), call.flags["labels"]
    labels = labels_of(given) if given else {}
    meta = {"name": name, **({"labels": labels} if labels else {})}
    ports = [{"protocol": "TCP", "port": port, "targetPort": port}]
    spec = {"ports": ports, "selector": labels or {"run": name}}
    return {"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {"loadBalancer": {}}}


def _create(call: Invocation, mapping: ResourceMapping, obj: Obj, strategy: creating.DryRun) -> Obj:
    obj = typed(obj)
    if strategy == "client":
        if call.factory.explicit_namespace:
            obj = typed({**obj, "metadata": {**obj["metadata"], "namespace": call.factory.namespace}})
        return obj
    if call.flags["save-config"]:
        creating.save_config(obj, typed=True)
    query = {"dryRun": "All" if strategy == "server" else "", "fieldManager": call.flags["field-manager"]}
    return typed(call.factory.client.request("POST", mapping.path(call.factory.namespace), query=query, body=obj))


def _attached(call: Invocation, pod: Obj) -> int:
    """Join the pod once it is ready, and give back its exit code if it is one that ends."""
    client, meta = call.factory.client, pod["metadata"]
    info = Info(PODS, meta["namespace"], meta["name"], pod)
    timeout = call.flags["pod-running-timeout"]
    try:
        pod = wait_until(client, info, _is_ready_or_ended, time.monotonic() + timeout)
        if pod["status"]["phase"] in _ENDED:
            _copy_log(call, info)
        else:
            try:
                attach_to(call, pod, pod["spec"]["containers"][0])
            except Failure as failure:
                call.streams.err.write(
                    f"warning: couldn't attach to pod/{info.name}, falling back to streaming logs: {failure}\n"
                )
                _copy_log(call, info)
        if call.flags["leave-stdin-open"] or call.flags["restart"] == "Always":
            return 0
        wanted = ("Succeeded",) if call.flags["restart"] == "OnFailure" else _ENDED
        pod = wait_until(client, info, lambda one: _phase(one) in wanted, time.monotonic() + timeout)
    except KeyboardInterrupt:
        raise Interrupted from None
    return _exit_code(pod)


def _is_ready_or_ended(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return _phase(pod) in _ENDED or (_phase(pod) == "Running" and ready)


def _phase(pod: Obj) -> str:
    return str((pod.get("status") or {}).get("phase", ""))


def _copy_log(call: Invocation, info: Info) -> None:
    call.streams.out.flush()
    call.streams.out.buffer.write(call.factory.client.raw("GET", info.path("log")))
    call.streams.out.buffer.flush()


def _exit_code(pod: Obj) -> int:
    if _phase(pod) == "Succeeded":
        return 0
    meta, status = pod["metadata"], pod["status"]
    name = f"{meta['namespace']}/{meta['name']}"
    ends = [one.get("state", {}).get("terminated") for one in status.get("containerStatuses") or []]
    if not ends or not ends[0] or not ends[0]["exitCode"]:
        raise Failure(f"pod {name} failed with unknown exit code")
    text = f"pod {name} terminated ({ends[0].get('reason', '')})\n{ends[0].get('message', '')}"
    raise CommandError(text, ends[0]["exitCode"])


def _remove(call: Invocation, made: list[tuple[ResourceMapping, Obj]]) -> None:
    """--rm: what was made is deleted again, without waiting until it is gone."""
    infos = [Info(mapping, obj["metadata"]["namespace"], obj["metadata"]["name"], obj) for mapping, obj in made]
    errors: list[Exception] = []
    if call.flags["quiet"]:
        call = call._replace(streams=call.streams._replace(out=io.StringIO()))
    delete_all(call, infos, {"propagationPolicy": "Background"}, errors)
    failure = aggregate(error for error in errors if not (isinstance(error, StatusError) and error.code == 404))
    if failure is not None:
        raise failure


COMMAND = Command(
    use="run NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json]"
    " [--command] -- [COMMAND] [args...]",
    short="Run a particular image on the cluster",
    long="Create a pod that runs an image.",
    examples="""
  # A pod that runs nginx
  minikctl run nginx --image=nginx

  # With a port
  minikctl run hazelcast --image=hazelcast/hazelcast --port=5701

  # With environment variables
  minikctl run hazelcast --image=hazelcast/hazelcast --env="DNS_DOMAIN=cluster" --env="POD_NAMESPACE=default"

  # With labels
  minikctl run hazelcast --image=hazelcast/hazelcast --labels="app=hazelcast,env=prod"

  # Show what would be created
  minikctl run nginx --image=nginx --dry-run=client -o yaml

  # With more of the spec
  minikctl run nginx --image=nginx --overrides='{ "apiVersion": "v1", "spec": { ... } }'

  # On this terminal, and not again once it has ended
  minikctl run -i -t busybox --image=busybox --restart=Never

  # With arguments for the image's own command
  minikctl run nginx --image=nginx -- <arg1> <arg2> ... <argN>

  # With another command
  minikctl run nginx --image=nginx --command -- <cmd> <arg1> ... <argN>""",
    run=run,
    flags=(
        *output_flags(),
        Flag("annotations", "stringArray", [], "Annotations to apply to the pod."),
        Flag(
            "attach", "bool", False,
            "If true, wait for the Pod to start running, and then attach to the Pod as if 'minikctl attach ...' were"
            " called.  Default false, unless '-i/--stdin' is set, in which case the default is true. With"
            " '--restart=Never' the exit code of the container process is returned.",
        ),
        Flag(
            "command", "bool", False,
            "If true and extra arguments are present, use them as the 'command' field in the container, rather than the"
            " 'args' field which is the default.",
        ),
        creating.DRY_RUN_FLAG,
        Flag("env", "stringArray", [], "Environment variables to set in the container."),
        Flag(
            "expose", "bool", False,
            "If true, create a ClusterIP service associated with the pod.  Requires `--port`.",
        ),
        Flag("field-manager", "string", "kubectl-run", "Name of the manager used to track field ownership."),
        Flag("image", "string", "", "The image for the container to run."),
        Flag(
            "image-pull-policy", "string", "",
            "The image pull policy for the container.  If left empty, this value will not be specified by the client"
            " and defaulted by the server.",
        ),
        Flag(
            "labels", "string", "", short="l", usage=
            "Comma separated labels to apply to the pod. Will override previous values.",
        ),
        Flag(
            "leave-stdin-open", "bool", False,
            "If the pod is started in interactive mode or with stdin, leave stdin open after the first attach"
            " completes. By default, stdin will be closed after the first attach completes.",
        ),
        Flag(
            "override-type", "string", "merge",
            "The method used to override the generated object: json, merge, or strategic.",
        ),
        Flag(
            "overrides", "string", "",
            "An inline JSON override for the generated object. If this is non-empty, it is used to override the"
            " generated object. Requires that the object supply a valid apiVersion field.",
        ),
        podselect.pod_running_flag(60.0, ""),
        Flag("port", "string", "", "The port that this container exposes."),
        Flag("privileged", "bool", False, "If true, run the container in privileged mode."),
        Flag("quiet", "bool", False, "If true, suppress prompt messages.", "q"),
        Flag(
            "restart", "string", "Always",
            "The restart policy for this Pod.  Legal values [Always, OnFailure, Never].",
        ),
        Flag(
            "rm", "bool", False,
            "If true, delete the pod after it exits.  Only valid when attaching to the container, e.g. with '--attach'"
            " or with '-i/--stdin'.",
        ),
        creating.SAVE_CONFIG_FLAG,
        Flag(
            "stdin", "bool", False,
            "Keep stdin open on the container in the pod, even if nothing is attached.", "i",
        ),
        Flag("tty", "bool", False, "Allocate a TTY for the container in the pod.", "t"),
    ),
)  # fmt: skip
