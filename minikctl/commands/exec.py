"""`minikctl exec`. Source: k8s.io/kubectl/pkg/cmd/exec/exec.go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from minikctl.client.builder import Query, collect
from minikctl.client.errors import Failure, StatusError
from minikctl.command import Command, CommandError, Flag, Interrupted, Invocation, UsageError
from minikctl.commands import podselect, shared_flags
from minikctl.commands.attachable import attachable_pod

if TYPE_CHECKING:
    from minikctl.client.websocket import ChannelSocket

OLD_FORM = "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"


def run(call: Invocation) -> int:
    argument, command = _split(call)
    try:
        podselect.check_running_timeout(call)
    except Failure as error:
        raise UsageError(str(error)) from None
    return exec_in(call, _pod(call, argument), command)


def exec_in(call: Invocation, pod: dict[str, Any], command: list[str]) -> int:
    """Run a command in the container that --container names, or the pod's default one. 0, or CommandError."""
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot exec into a container in a completed pod; current phase is {phase}")
    container = call.flags["container"]
    if container:
        podselect.check_container(pod, container)
    else:
        container = podselect.default_container(pod, None if call.flags["quiet"] else call.streams.err)
    return _stream(call, pod, container, command)


def _split(call: Invocation) -> tuple[str, list[str]]:
    """(POD or TYPE/NAME, "" if a file names it; the command)."""
    args, dash, files = call.args, call.dashdash, call.flags["filename"]
    if dash < 0 and (len(args) > 1 or (args and files)):
        raise UsageError(OLD_FORM)
    named = args[:dash] if dash >= 0 else args
    command = args[dash:] if dash >= 0 else []
    if not named and not files:
        raise Failure("pod, type/name or --filename must be specified")
    if len(named) > 1:
        raise UsageError(OLD_FORM)
    if not command:
        raise Failure("you must specify at least one command for the container")
    return named[0] if named else "", command


def _pod(call: Invocation, argument: str) -> dict[str, Any]:
    files = call.flags["filename"]
    if not files:
        return podselect.find_pod(call.factory, argument, call.flags["pod-running-timeout"])
    if argument:
        raise Failure("resource/name arguments cannot be provided when a path is specified")
    found = collect(call.factory, Query(filenames=files, latest=False)).check()
    if len(found) != 1:
        raise Failure("cannot exec into multiple objects at a time")
    return attachable_pod(call.factory, found[0].mapping, found[0].object, call.flags["pod-running-timeout"])


def _stream(call: Invocation, pod: dict[str, Any], container: str, command: list[str]) -> int:
    query = [("container", container), *(("command", word) for word in command)]
    return converse(call, pod, "exec", query, tty=raw_terminal(call, wanted=call.flags["tty"]))


def raw_terminal(call: Invocation, *, wanted: bool) -> bool:
    """Whether the user's terminal takes part: it is `wanted`, and there is one to give input."""
    from minikctl.commands import terminal

    wanted = wanted and call.flags["stdin"]  # A terminal is of no use without input.
    usable: bool = wanted and terminal.is_terminal(call.streams.stdin.fileno())
    if wanted and not usable and not call.flags["quiet"]:
        call.streams.err.write("Unable to use a TTY - input is not a terminal or the right kind of file\n")
    return usable


def converse(
    call: Invocation, pod: dict[str, Any], subresource: str, query: list[tuple[str, str]], *, tty: bool
) -> int:
    """Join the caller's streams to a container's until that ends; the exit code. `tty` makes the terminal raw."""
    from minikctl.client.websocket import ChannelSocket
    from minikctl.commands import terminal

    stdin = call.flags["stdin"]
    meta = pod["metadata"]
    wanted = (("stdin", stdin), ("stdout", True), ("stderr", not tty), ("tty", tty))
    query = [*query, *((name, "true") for name, value in wanted if value)]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/{subresource}"
    session = Session(call)
    with ExitStack() as stack:
        try:
            channels = ChannelSocket(call.factory.client, path, query)
        except StatusError as refusal:
            raise Failure(f"unable to upgrade connection: {refusal}") from None
        stack.callback(channels.close)
        readers: dict[int, Callable[[], bool]] = {}
        if stdin:
            readers[call.streams.stdin.fileno()] = lambda: session.forward_input(channels)
        if tty:
            stack.enter_context(terminal.raw_mode(call.streams.stdin.fileno()))
            session.follow_size(channels, readers, stack)
        try:
            channels.run(session.receive, readers)
        except KeyboardInterrupt:
            if stdin:
                raise Interrupted from None
            raise
    return session.exit_code()


class Session:
    """The local side of one exec or attach: what comes goes to stdout and stderr, and the end is an exit code."""

    def __init__(self, call: Invocation) -> None:
        self._input = call.streams.stdin.fileno() if call.flags["stdin"] else -1
        self._outputs = {1: call.streams.out.buffer, 2: call.streams.err.buffer}
        self._status = b""

    def receive(self, channel: int, data: bytes) -> None:
        output = self._outputs.get(channel)
        if output is not None:
            output.write(data)
            output.flush()
        elif channel == 3:
            self._status += data

    def forward_input(self, channels: ChannelSocket) -> bool:
        """Send what can be read from stdin; False at its end."""
        data = os.read(self._input, 32 * 1024)
        if data:
            channels.send(0, data)
        else:
            channels.close_stdin()
        return bool(data)

    def follow_size(
        self, channels: ChannelSocket, readers: dict[int, Callable[[], bool]], stack: ExitStack
    ) -> None:
        """Tell the terminal's size now, and whenever it changes."""
        from minikctl.client.websocket import RESIZE
        from minikctl.commands import terminal

        changes = stack.enter_context(terminal.resizes())

        def tell() -> bool:
            os.read(changes, 1024)
            channels.send(RESIZE, terminal.size_message())
            return True

        channels.send(RESIZE, terminal.size_message())
        readers[changes] = tell

    def exit_code(self) -> int:
        """The process's own code. Raises CommandError, with kubectl's text, unless it is 0."""
        if not self._status:
            raise Failure("the connection was closed before the command ended")
        status = json.loads(self._status)
        if status.get("status") == "Success":
            return 0
        causes = (status.get("details") or {}).get("causes") or []
        for cause in causes:
            if status.get("reason") == "NonZeroExitCode" and cause.get("reason") == "ExitCode":
                code = int(cause["message"])
                raise CommandError(f"command terminated with exit code {code}", code)
        raise Failure(status.get("message") or "unknown failure")


COMMAND = Command(
    use="exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
    short="Execute a command in a container",
    long="Execute a command in a container.",
    examples="""
  # The output of date in the first container of the pod mypod
  minikctl exec mypod -- date

  # The same in the container ruby-container
  minikctl exec mypod -c ruby-container -- date

  # A shell on this terminal
  minikctl exec mypod -it -- sh

  # A command with options of its own
  minikctl exec mypod -- ls -la /usr

  # Pass a file to a command
  minikctl exec -i mypod -- tar xf - < files.tar""",
    run=run,
    flags=(
        Flag(
            "container", "string", "", short="c", usage=
            "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the"
            " container to be attached or the first container in the pod will be chosen",
        ),
        shared_flags.filename("to use to exec into the resource"),
        podselect.pod_running_flag(60.0, ""),
        Flag("quiet", "bool", False, "Only print output from the remote session", "q"),
        Flag("stdin", "bool", False, "Pass stdin to the container", "i"),
        Flag("tty", "bool", False, "Stdin is a TTY", "t"),
    ),
)  # fmt: skip
