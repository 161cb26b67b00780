"""The admission chain: what the cluster asks of an object beyond the rules of its own kind.

A plugin is a class in a file of its own, named in `plugins.py` at its place in the order:

- `handles(operation, resource, subresource)` says which requests it looks at. It is asked once for each combination,
  and its answer is kept: requests that no plugin handles cost one look-up.
- `admit(attributes)`, where it has one, completes the object; all of them run before the object is validated.
- `validate(attributes)`, where it has one, may only refuse; all of them run after the object was validated, right
  before it is stored. A write that lost a race is admitted again.

Both raise ApiError to refuse. Source: k8s.io/apiserver/pkg/admission/{interfaces,chain}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.resources.resource import Resource


class Plugin(Protocol):
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        """Whether requests of this kind are of interest, ever; it may not depend on what is stored."""


@runtime_checkable
class Mutating(Plugin, Protocol):
    async def admit(self, attributes: Attributes) -> None:
        """Change `attributes.obj`, in place or by another object, or raise ApiError."""


@runtime_checkable
class Validating(Plugin, Protocol):
    async def validate(self, attributes: Attributes) -> None:
        """Raise ApiError, or let the request pass."""


_Place = tuple[Operation, str, str, str]


class Chain:
    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = tuple(plugins)
        self._mutating: dict[_Place, tuple[Mutating, ...]] = {}
        self._validating: dict[_Place, tuple[Validating, ...]] = {}

    async def admit(self, attributes: Attributes) -> None:
        """Complete the object before it is validated, or raise why the request is refused.

        Once more from the start if a plugin asks for that: what came before it may want to see what it did.
        """
        for plugin in self._admitting(attributes):
            await plugin.admit(attributes)
        if attributes.again:
            attributes.is_again = True
            for plugin in self._admitting(attributes):
                await plugin.admit(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Raise why the request is refused; the object stays as it is."""
        request = attributes.call.request
        place = (attributes.operation, request.group, request.resource, request.subresource)
        found = self._validating.get(place)
        if found is None:
            handling = self._handling(attributes)
            found = tuple(plugin for plugin in handling if isinstance(plugin, Validating))
            self._validating[place] = found
        for plugin in found:
            await plugin.validate(attributes)

    async def pass_through(self, attributes: Attributes) -> None:
        """Both steps at once, for what nothing else happens to in between."""
        await self.admit(attributes)
        await self.validate(attributes)

    def _admitting(self, attributes: Attributes) -> tuple[Mutating, ...]:
        request = attributes.call.request
        place = (attributes.operation, request.group, request.resource, request.subresource)
        found = self._mutating.get(place)
        if found is None:
            handling = self._handling(attributes)
            found = tuple(plugin for plugin in handling if isinstance(plugin, Mutating))
            self._mutating[place] = found
        return found

    def _handling(self, attributes: Attributes) -> list[Plugin]:
        operation, resource, subresource = attributes.operation, attributes.resource, attributes.subresource
        return [plugin for plugin in self._plugins if plugin.handles(operation, resource, subresource)]
