"""The kinds that the API server serves, in the order in which discovery lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from backend.meta.api_versions import version_priority
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


Listener = Callable[[], None]


class Catalog:
    """The kinds that are served, found by their address.

    Those given at the start stay. Others come and go while the process runs, each set under the name of its
    owner. Who makes something of the kinds listens (`on_change`) and looks again.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        """Raises ValueError if two kinds share an address."""
        self._fixed = tuple(resources)
        self._owned: dict[str, tuple[Resource, ...]] = {}
        self._listeners: list[Listener] = []
        self._by_address = self._indexed()
        self._by_kind: dict[tuple[str, str, str], Resource] = {}

    @classmethod
    def builtin(cls) -> Catalog:
        """What this control plane implements: core/v1 first and by name, as discovery shows it."""
        return cls(kind for group in _GROUPS for kind in group.KINDS)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_address.get((group, version, plural))

    def find_kind(self, group: str, version: str, kind: str) -> Resource | None:
        """By kind instead of plural, as owner references and documents name it."""
        if not self._by_kind:
            # The first resource of a kind is the one that has its objects (scale and such come later).
            for resource in reversed(self._by_address.values()):
                self._by_kind[resource.group, resource.version, resource.kind] = resource
        return self._by_kind.get((group, version, kind))

    def groups(self) -> list[tuple[str, list[str]]]:
        """Each group with its versions, in discovery order, the preferred one first; the core group is ""."""
        found: dict[str, set[str]] = {}
        for resource in self:
            found.setdefault(resource.group, set()).add(resource.version)
        return [(group, sorted(versions, key=version_priority)) for group, versions in found.items()]

    def collections(self) -> list[Resource]:
        """One kind for each collection of stored objects, in whichever version it is served first, by preference
        the one in which they are stored: for who has to see every object once."""
        found: dict[str, Resource] = {}
        for resource in self:
            stored = resource.stored_as or resource
            if stored.api_version == resource.api_version or resource.prefix not in found:
                found[resource.prefix] = resource
        return list(found.values())

    def replace(self, owner: str, resources: Iterable[Resource]) -> None:
        """Serve `resources` in place of what was served for `owner`, and tell who listens.

        Raises ValueError, with nothing changed, if one has the address of another owner's.
        """
        before = self._owned.pop(owner, ())
        served = tuple(resources)
        if served:
            self._owned[owner] = served
        try:
            by_address = self._indexed()
        except ValueError:
            self._owned.pop(owner)
            if before:
                self._owned[owner] = before
            raise
        self._by_address, self._by_kind = by_address, {}
        for listener in tuple(self._listeners):
            listener()

    def on_change(self, listener: Listener) -> Listener:
        """Call `listener` after every change, until the function that this returns is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _indexed(self) -> dict[tuple[str, str, str], Resource]:
        found: dict[tuple[str, str, str], Resource] = {}
        owned = sorted(self._owned.values(), key=lambda kinds: (kinds[0].group, kinds[0].plural))
        for resources in (self._fixed, *owned):
            for resource in resources:
                address = (resource.group, resource.version, resource.plural)
                if address in found:
                    raise ValueError(f"{resource.qualified} in {resource.api_version} is declared twice")
                found[address] = resource
        return found

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_address.values())

    def __len__(self) -> int:
        return len(self._by_address)
