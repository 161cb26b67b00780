"""Every active namespace has the service account `default`. Source: pkg/controller/serviceaccount."""

from __future__ import annotations

from backend.controllers.per_namespace import PerNamespace
from backend.machinery.client import SERVICE_ACCOUNTS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller
from backend.machinery.informer import Informer
from backend.meta.types import Obj

NAME = "default"


def informer(client: Client, clock: Clock | None = None) -> Informer:
    """The accounts called `default`, which are all that `make` looks at."""
    return Informer(client, SERVICE_ACCOUNTS, clock=clock, fieldSelector=f"metadata.name={NAME}")


def make(client: Client, *, namespaces: Informer, accounts: Informer, clock: Clock | None = None) -> Controller:
    parts = PerNamespace(client, SERVICE_ACCOUNTS, NAME, namespaces=namespaces, objects=accounts, desired=_desired)
    return parts.controller("service-account", clock)


def _desired(current: Obj | None) -> Obj | None:
    """Whatever its owner made of an account stays."""
    if current is not None:
        return None
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}}
