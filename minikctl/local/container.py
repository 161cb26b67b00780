"""The backend of a user who is not root, in a container of its own.

A user whom the Docker engine obeys may do all that the network of pods and services needs, by way of a container
that shares this machine's network and processes and has the capabilities. What runs in it leaves the empty files of
the container for this machine's (enter_image) and becomes the user again (privileged_step), so that it is the same
backend with the same files as without a container. The container ends with it and leaves nothing.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from backend.meta.capabilities import NUMBERS
from backend.meta.cluster_id import cluster_id
from minikctl.client.errors import ConnectError
from minikctl.client.transport import Response
from minikctl.local import control, enter_image, privileged_step
from minikctl.local.engine import Engine, EngineRefused, socket_path
from minikctl.local.profile import Profile

LABEL = "minikctl.backend"
"""On a container: the id of the cluster whose backend runs in it."""
_KEPT = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID",  # volumes: files of containers' users and groups
    "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SYS_MODULE",  # rules, routes, low ports, br_netfilter
    "SYS_ADMIN", "SYS_PTRACE",  # mounts; network namespaces of processes that are not the user's
)  # fmt: skip
"""What the backend may do beside what its user may."""
_FOR_THE_STEP = ("SETGID", "SETUID", "SYS_CHROOT")


class CannotContain(Exception):
    """Why there cannot be such a container, for whoever runs the backend without one."""


class Container:
    """One that was started. `held` are descriptors that are closed when it ends."""

    def __init__(self, ending: Response, held: Sequence[int]) -> None:
        self._outcome: int | CannotContain = 0
        self._waiting = threading.Thread(target=self._wait, args=(ending, held), daemon=True)
        self._waiting.start()

    def wait(self) -> int:
        """The exit code, once it has ended. Raises CannotContain if what was to run in it never did."""
        self._waiting.join()
        if isinstance(self._outcome, CannotContain):
            raise self._outcome
        return self._outcome

    def _wait(self, ending: Response, held: Sequence[int]) -> None:
        try:
            code = int(json.loads(ending.read())["StatusCode"])
            if code > enter_image.FAILED:
                reason = os.strerror(code - enter_image.FAILED).lower()
                text = f"a container of the Docker engine does not reach this machine's processes ({reason})"
                self._outcome = CannotContain(text)
            else:
                self._outcome = code
        except (ConnectError, ValueError, KeyError) as error:
            self._outcome = CannotContain(f"the Docker engine lost its container: {error}")
        for descriptor in held:
            os.close(descriptor)


def run(
    profile: Profile, command: Sequence[str], environment: Mapping[str, str], output: int, ready: int | None
) -> Container:
    """Start `command` as this user. Descriptor `output` gets what it prints; `ready`, which is closed here when the
    command has ended, is its --ready-fd.

    Both are taken from this process, which must not end or close `output` before it knows that the command runs.
    Raises CannotContain.
    """
    order = _order(command, environment, output, ready)
    held = [order] if ready is None else [order, ready]
    try:
        return Container(_started(profile, _document(profile, order)), held)
    except BaseException:
        for descriptor in held:
            os.close(descriptor)
        raise


def wait_until_gone(profile: Profile) -> None:
    """Return once the container of a backend that has ended is removed. Quiet when there is none, and no engine."""
    path = socket_path()
    if path:
        engine = Engine(path)
        try:
            engine.wait_until_removed(_name(profile))
        except (ConnectError, EngineRefused):
            return
        finally:
            engine.close()


def _name(profile: Profile) -> str:
    return f"minikctl-backend-{cluster_id(profile.name, profile.home)}"


def _check(info: Mapping[str, Any]) -> None:
    """Raises CannotContain for an engine whose containers are not on this machine, or not root on it."""
    if any("name=rootless" in option for option in info.get("SecurityOptions") or ()):
        raise CannotContain("the Docker engine itself runs without root")
    if info.get("Name") != platform.node():
        raise CannotContain(f"the Docker engine is on another machine ({info.get('Name')})")


def _started(profile: Profile, document: Mapping[str, Any]) -> Response:
    """The answer that comes when the container ends. Raises CannotContain."""
    path = socket_path()
    if not path:
        raise CannotContain(f"the Docker engine is on another machine ({os.environ['DOCKER_HOST']})")
    engine = Engine(path)
    try:
        _check(engine.info())
        if control.occupied(profile):
            raise CannotContain("the cluster has a backend that neither answers nor ends")
        return _start(engine, _name(profile), document)
    except ConnectError as error:
        text = (
            f"no Docker engine answers at {path}"
            if error.refused
            else f"the Docker engine is not reached: {error}"
        )
        raise CannotContain(text) from None
    except EngineRefused as error:
        raise CannotContain(f"the Docker engine refuses its container: {error}") from None
    except KeyError as error:
        raise CannotContain(f"nothing is known to run on the architecture {error}") from None
    finally:
        engine.close()


def _start(engine: Engine, name: str, document: Mapping[str, Any]) -> Response:
    try:
        container = engine.create(name, document)
    except EngineRefused as error:
        if error.status == 404:
            engine.import_image(enter_image.IMAGE, enter_image.enter_image(platform.machine()))
        elif error.status == 409:
            engine.remove(
                name
            )  # It is about to be removed by itself, or whoever made it was killed before its start.
        else:
            raise
        container = engine.create(name, document)
    ending = engine.next_exit(container)
    try:
        engine.start(container)
    except BaseException:
        ending.close()
        engine.remove(container)
        raise
    return ending


def _document(profile: Profile, order: int) -> dict[str, Any]:
    """The body of POST /containers/create."""
    pid = os.getpid()
    return {
        "Image": enter_image.IMAGE,
        "Entrypoint": [enter_image.PROGRAM, f"/proc/{pid}/ns/mnt"],
        "Cmd": [sys.executable, "-I", "-S", privileged_step.__file__, str(pid), str(order)],
        "Labels": {LABEL: cluster_id(profile.name, profile.home)},
        "HostConfig": {
            "AutoRemove": True,
            "NetworkMode": "host",
            "PidMode": "host",
            "UTSMode": "host",
            "UsernsMode": "host",
            "CgroupnsMode": "host",
            "CapDrop": ["ALL"],
            "CapAdd": [*_KEPT, *_FOR_THE_STEP],
            "SecurityOpt": ["apparmor=unconfined", "label=disable", "seccomp=unconfined"],
            "ReadonlyRootfs": True,
            "LogConfig": {"Type": "none"},
        },
    }


def _order(command: Sequence[str], environment: Mapping[str, str], output: int, ready: int | None) -> int:
    """A descriptor with what privileged_step is told: not in the container's own arguments, which others may read."""
    order = os.memfd_create("minikctl-order")
    told = {
        "command": list(command),
        "environment": dict(environment),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "capabilities": [NUMBERS[name] for name in _KEPT],
        "output": output,
        "ready": ready,
    }
    with os.fdopen(os.dup(order), "w") as file:
        json.dump(told, file)
    return order
