"""`minikctl attach`. Source: k8s.io/kubectl/pkg/cmd/attach/attach.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import podselect
from minikctl.commands.exec import converse, raw_terminal

_NOTICE = (
    "All commands and output from this session will be recorded in container logs, including credentials and sensitive"
    " information passed through the command prompt.\n"
    "If you don't see a command prompt, try pressing enter.\n"
)


def run(call: Invocation) -> int:
    """Join the streams of a container's first process, as the container was started with them."""
    args = call.args
    try:
        podselect.check_running_timeout(call)
    except Failure as error:
        raise UsageError(str(error)) from None
    if not args:
        raise Failure("at least 1 argument is required for attach")
    if len(args) > 2:
        raise Failure(
            f"expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {len(args)}: [{' '.join(args)}]"
        )
    pod = podselect.find_pod(call.factory, "/".join(args), call.flags["pod-running-timeout"])
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot attach a container in a completed pod; current phase is {phase}")
    return attach_to(call, pod, _container(call, pod))


def attach_to(call: Invocation, pod: dict[str, Any], container: dict[str, Any]) -> int:
    """Join the streams of a running pod's container until it ends; the exit code."""
    flags, err = call.flags, call.streams.err
    name = container["name"]
    if flags["tty"] and not container.get("tty") and not flags["quiet"]:
        err.write(f"error: Unable to use a TTY - container {name} did not allocate one\n")
    raw = raw_terminal(call, wanted=bool(container.get("tty")))
    if not flags["quiet"]:
        err.write(_NOTICE)
        err.flush()
    code = converse(call, pod, "attach", [("container", name)], tty=raw)
    if raw and not flags["quiet"]:
        namespace, pod_name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        call.streams.out.write(
            f"Session ended, resume using 'minikctl attach {pod_name} -c {name} -n {namespace} -i -t' command\n"
        )
    return code


def _container(call: Invocation, pod: dict[str, Any]) -> dict[str, Any]:
    """The container that --container names, or the pod's default one."""
    name = call.flags["container"]
    try:
        if name:
            podselect.check_container(pod, name)
        else:
            name = podselect.default_container(pod, None if call.flags["quiet"] else call.streams.err)
    except Failure as error:
        raise Failure(f"cannot attach to the container: {error}") from None
    kinds = (kind for kind, _ in podselect.CONTAINER_KINDS)
    return next(one for kind in kinds for one in pod["spec"].get(kind) or [] if one["name"] == name)


COMMAND = Command(
    use="attach (POD | TYPE/NAME) -c CONTAINER",
    short="Attach to a running container",
    long="Attach to a process that is already running inside an existing container.",
    examples="""
  # What the pod mypod prints from now on
  minikctl attach mypod

  # The same of its container ruby-container
  minikctl attach mypod -c ruby-container

  # With this terminal's input
  minikctl attach mypod -c ruby-container -i -t""",
    run=run,
    flags=(
        Flag(
            "container", "string", "", short="c", usage=
            "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the"
            " container to be attached or the first container in the pod will be chosen",
        ),
        podselect.pod_running_flag(60.0, ""),
        Flag("quiet", "bool", False, "Only print output from the remote session", "q"),
        Flag("stdin", "bool", False, "Pass stdin to the container", "i"),
        Flag("tty", "bool", False, "Stdin is a TTY", "t"),
    ),
)  # fmt: skip
