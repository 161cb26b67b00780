"""The kinds that the API server serves, in the order in which discovery lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.resources.configmap import CONFIG_MAP
from backend.resources.event import EVENT
from backend.resources.lease import LEASE
from backend.resources.namespace import NAMESPACE
from backend.resources.node import NODE
from backend.resources.pod import POD
from backend.resources.resource import Resource
from backend.resources.secret import SECRET
from backend.resources.serviceaccount import SERVICE_ACCOUNT

_BUILTIN = (CONFIG_MAP, EVENT, NAMESPACE, NODE, POD, SECRET, SERVICE_ACCOUNT, LEASE)


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
        return cls(_BUILTIN)

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
