"""What each subresource serves: its kind and its verbs. Source: kube-apiserver's discovery of v1.37."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subresource:
    """`kind` "" is the parent's, and a {} in it stands for that. `group` and `version` are given where the kind is of
    another group version."""

    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""

    def kind_below(self, parent: str) -> str:
        return self.kind.format(parent) or parent


DEFAULT = Subresource(("get", "patch", "update"))

SUBRESOURCES = {
    "status": DEFAULT,
    "ephemeralcontainers": DEFAULT,
    "resize": DEFAULT,
    "approval": DEFAULT,
    "finalize": Subresource(("update",)),
    "scale": Subresource(("get", "patch", "update"), "Scale", "autoscaling", "v1"),
    "binding": Subresource(("create",), "Binding"),
    "eviction": Subresource(("create",), "Eviction", "policy", "v1"),
    "token": Subresource(("create",), "TokenRequest", "authentication.k8s.io", "v1"),
    "log": Subresource(("get",)),
    "exec": Subresource(("create", "get"), "PodExecOptions"),
    "attach": Subresource(("create", "get"), "PodAttachOptions"),
    "proxy": Subresource(("create", "delete", "get", "patch", "update"), "{}ProxyOptions"),
    "portforward": Subresource(("create", "get"), "PodPortForwardOptions"),
}

POD_STREAMS = ("attach", "exec", "log", "portforward")
"""Subresources of pods that are streams between a client and a node; no object is behind them."""
