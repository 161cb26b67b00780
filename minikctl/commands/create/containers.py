"""What `create deployment|job|cronjob` share: a container of an image, and the command after `--`."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Invocation


def require(call: Invocation, *names: str) -> None:
    """Failure for flags that must be given, `names` in order, and were not."""
    missing = [f'"{name}"' for name in names if name not in call.changed]
    if missing:
        raise Failure(f"required flag(s) {', '.join(missing)} not set")


def command(call: Invocation) -> list[str]:
    """The words after `--`."""
    return [] if call.dashdash < 0 else list(call.args[call.dashdash :])


def container(name: str, image: str, words: list[str], port: int = -1) -> dict[str, Any]:
    """A port below 0 is none."""
    made: dict[str, Any] = {"name": name, "image": image}
    if words:
        made["command"] = words
    if port >= 0:
        made["ports"] = [{"containerPort": port}]
    return {**made, "resources": {}}


def job_spec(name: str, image: str, words: list[str], restart_policy: str) -> dict[str, Any]:
    """A JobSpec whose pods have this one container."""
    pod = {"containers": [container(name, image, words)], "restartPolicy": restart_policy}
    return {"template": {"metadata": {}, "spec": pod}}
