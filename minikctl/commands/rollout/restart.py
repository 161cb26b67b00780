"""`minikctl rollout restart`.

Source: kubectl/pkg/cmd/rollout/rollout_restart.go, polymorphichelpers/objectrestarter.go.
"""

from __future__ import annotations

import time

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.rollout import rollouts

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_TOO_SOON = (
    "if restart has already been triggered within the past second, please wait before attempting to trigger"
    " another"
)


def run(call: Invocation) -> int:
    return rollouts.change_all(call, "restarted", _restart, _TOO_SOON)


def _restart(info: Info) -> None:
    if info.mapping.group_kind not in ("deployment.apps", "daemonset.apps", "statefulset.apps"):
        raise Failure("restarting is not supported")
    if info.mapping.kind == "Deployment" and info.object["spec"].get("paused"):
        raise Failure("can't restart paused deployment (run rollout resume first)")
    meta = info.object["spec"]["template"].setdefault("metadata", {})
    meta["annotations"] = {**(meta.get("annotations") or {}), _RESTARTED_AT: _now()}


def _now() -> str:
    """Local time as Go's time.RFC3339 has it."""
    offset = time.strftime("%z")
    zone = "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}"
    return time.strftime("%Y-%m-%dT%H:%M:%S") + zone


COMMAND = Command(
    use="restart RESOURCE",
    short="Restart a resource",
    long="Restart resources: their pods are replaced as in a rollout.",
    examples="""
  # Restart all deployments of a namespace
  minikctl rollout restart deployment -n test-namespace

  # Restart a deployment
  minikctl rollout restart deployment/nginx

  # Restart a daemon set
  minikctl rollout restart daemonset/abc

  # Restart deployments with a label
  minikctl rollout restart deployment --selector=app=nginx""",
    run=run,
    flags=rollouts.CHANGE_FLAGS,
)
