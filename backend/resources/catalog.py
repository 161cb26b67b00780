"""The kinds that the API server serves, in the order in which discovery lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.resources.admissionregistration import group as admissionregistration
from backend.resources.apiextensions import group as apiextensions
from backend.resources.apiregistration import group as apiregistration
from backend.resources.apps import group as apps
from backend.resources.authentication import group as authentication
from backend.resources.authorization import group as authorization
from backend.resources.autoscaling import group as autoscaling
from backend.resources.batch import group as batch
from backend.resources.certificates import group as certificates
from backend.resources.coordination import group as coordination
from backend.resources.core import group as core
from backend.resources.discovery import group as discovery
from backend.resources.events import group as events
from backend.resources.flowcontrol import group as flowcontrol
from backend.resources.networking import group as networking
from backend.resources.node import group as node
from backend.resources.policy import group as policy
from backend.resources.rbac import group as rbac
from backend.resources.resource import Resource
from backend.resources.resource_k8s import group as resource_k8s
from backend.resources.scheduling import group as scheduling
from backend.resources.storage import group as storage
from backend.resources.storagemigration import group as storagemigration

_GROUPS = (
    core, apiregistration, apps, events, authentication, authorization, autoscaling, batch, certificates,
    networking, policy, rbac, storage, admissionregistration, apiextensions, scheduling, coordination,
    node, discovery, flowcontrol, resource_k8s, storagemigration,
)  # fmt: skip
"""In the order of kube-apiserver's own discovery."""


class Catalog:
    """An immutable set of kinds, found by their address."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        """Raises ValueError if two kinds share an address."""
        self._by_address: dict[tuple[str, str, str], Resource] = {}
        for resource in resources:
            address = (resource.group, resource.version, resource.plural)
            if address in self._by_address:
                raise ValueError(f"{resource.qualified} in {resource.api_version} is declared twice")
            self._by_address[address] = resource

    @classmethod
    def builtin(cls) -> Catalog:
        """What this control plane implements: core/v1 first and by name, as discovery shows it."""
        return cls(kind for group in _GROUPS for kind in group.KINDS)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_address.get((group, version, plural))

    def find_kind(self, group: str, version: str, kind: str) -> Resource | None:
        """By kind instead of plural, as owner references and documents name it."""
        for resource in self:
            if (resource.group, resource.version, resource.kind) == (group, version, kind):
                return resource
        return None

    def groups(self) -> list[tuple[str, list[str]]]:
        """Each group with its versions, in discovery order; the core group is ""."""
        found: dict[str, list[str]] = {}
        for resource in self:
            versions = found.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return list(found.items())

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_address.values())

    def __len__(self) -> int:
        return len(self._by_address)
