"""`minikctl port-forward`. Source: k8s.io/kubectl/pkg/cmd/portforward and k8s.io/client-go/tools/portforward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import Failure, StatusError
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import forwarded_ports, podselect
from minikctl.commands.attachable import attachable_pod
from minikctl.commands.forwarded_ports import Address, Forwarded

if TYPE_CHECKING:
    from minikctl.client.forwarding import Forwarder


def run(call: Invocation) -> int:
    if len(call.args) < 2:
        raise UsageError("TYPE/NAME and list of ports are required for port-forward")
    try:
        podselect.check_running_timeout(call)
    except Failure as error:
        raise UsageError(str(error)) from None
    pod, ports = _pod_and_ports(call)
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
    phase = (call.factory.client.get(path).get("status") or {}).get("phase", "")
    if phase != "Running":
        raise Failure(f"unable to forward port because pod is not running. Current status={phase}")
    addresses = forwarded_ports.parse_addresses(call.flags["address"])
    return _forward(call, f"{path}/portforward", addresses, forwarded_ports.parse_ports(ports))


def _pod_and_ports(call: Invocation) -> tuple[dict[str, Any], list[str]]:
    name, *ports = call.args
    mapping, found = podselect.find_object(call.factory, name)
    pod = attachable_pod(call.factory, mapping, found, call.flags["pod-running-timeout"])
    if mapping.kind == "Service":
        return pod, forwarded_ports.of_service(ports, found, pod)
    return pod, forwarded_ports.of_pod(ports, pod)


def _forward(call: Invocation, path: str, addresses: list[Address], ports: list[Forwarded]) -> int:
    from minikctl.client.forwarding import TUNNEL, Forwarder, LostConnection
    from minikctl.client.websocket import MessageSocket
    from minikctl.output import klog

    out, err = call.streams.out, call.streams.err

    def say(text: str) -> None:
        out.write(text)
        out.flush()

    def failed(text: str, local: int, remote: int) -> None:
        from minikctl.flags import go_quote

        about = f"err={go_quote(text)} localPort={local} remotePort={remote}"
        err.write(klog.line("E", "portforward.go:549", f'"An error occurred forwarding" {about}'))
        err.flush()

    try:
        tunnel = MessageSocket(call.factory.client, path, [], [TUNNEL])
    except StatusError as refusal:
        raise Failure(f"error upgrading connection: {refusal}") from None
    forwarder = Forwarder(tunnel, lambda port: say(f"Handling connection for {port}\n"), failed)
    try:
        _listen_on_all(call, forwarder, addresses, ports, say)
        forwarder.run()
    except LostConnection:
        raise Failure("lost connection to pod") from None
    except KeyboardInterrupt:
        pass
    finally:
        forwarder.close()
    return 0


def _listen_on_all(
    call: Invocation,
    forwarder: Forwarder,
    addresses: list[Address],
    ports: list[Forwarded],
    say: Callable[[str], None],
) -> None:
    """Raises Failure when nobody can be listened for; what can only partly be is told."""
    listening = False
    tried = []
    for port in ports:
        local, fault = _listen(forwarder, addresses, port, say)
        tried.append(Forwarded(local, port.remote))
        if fault:
            call.streams.err.write(f"Unable to listen on port {local}: {fault}\n")
            call.streams.err.flush()
        listening = listening or not fault
    if not listening:
        shown = " ".join(map(str, tried))
        raise Failure(f"unable to listen on any of the requested ports: [{shown}]")


def _listen(
    forwarder: Forwarder, addresses: list[Address], port: Forwarded, say: Callable[[str], None]
) -> tuple[int, str]:
    """(the local port, what went wrong or ""): all addresses share a port that the first one was given."""
    from minikctl.client.forwarding import listen

    local = port.local
    faults: list[str] = []
    failed = {True: 0, False: 0}
    for address in addresses:
        try:
            listener = listen(address.host, local)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            where = address.with_port(local)
            faults.append(f"unable to create listener: Error listen {address.network} {where}: bind: {reason}")
            failed[address.optional] += 1
            continue
        local = listener.getsockname()[1]
        say(f"Forwarding from {address.with_port(local)} -> {port.remote}\n")
        forwarder.add_listener(listener, local, port.remote)
    optional = sum(address.optional for address in addresses)
    if failed[False] or (failed[True] and failed[True] == optional):
        return local, f"Listeners failed to create with the following errors: [{' '.join(faults)}]"
    return local, ""


COMMAND = Command(
    use="port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
    short="Forward one or more local ports to a pod",
    long="Forward local ports to a pod. Of a workload or a service, one of its pods is chosen; the forwarding ends with"
    " that pod.",
    examples="""
  # Listen on 5000 and 6000 here, for the same ports of the pod mypod
  minikctl port-forward pod/mypod 5000 6000

  # The same for a pod of a deployment
  minikctl port-forward deployment/mydeployment 5000 6000

  # Listen on 8443 here, for what the port https of a service means in one of its pods
  minikctl port-forward service/myservice 8443:https

  # Listen on 8888 on all addresses
  minikctl port-forward --address 0.0.0.0 pod/mypod 8888:5000

  # Listen on any port that is free
  minikctl port-forward pod/mypod :5000""",
    run=run,
    flags=(
        Flag(
            "address", "stringSlice", ["localhost"],
            "Addresses to listen on (comma separated). Only accepts IP addresses or localhost as a value. When"
            " localhost is supplied, minikctl will try to bind on both 127.0.0.1 and ::1 and will fail if neither of"
            " these addresses are available to bind.",
        ),
        podselect.pod_running_flag(60.0, ""),
    ),
)  # fmt: skip
