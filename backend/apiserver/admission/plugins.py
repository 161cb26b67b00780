"""The plugins, in the order in which they run. Source: AllOrderedPlugins of pkg/kubeapiserver/options/plugins.go."""

from __future__ import annotations

from backend.apiserver.admission.chain import Chain
from backend.apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from backend.apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from backend.apiserver.admission.priority import Priority
from backend.apiserver.admission.service_account import ServiceAccount
from backend.apiserver.authorization.escalation import EscalationCheck

PLUGINS = (
    NamespaceLifecycle,
    ServiceAccount,
    Priority,
    DefaultTolerationSeconds,
    EscalationCheck,
)


def recommended() -> Chain:
    """A chain of all plugins, for one API server: what plugins remember is theirs."""
    return Chain(plugin() for plugin in PLUGINS)
