"""The informers that the parts of one process share: each kind is listed, watched and cached once."""

from __future__ import annotations

from collections.abc import Iterator

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.informer import Informer


class SharedInformers:
    """`of` makes an informer at the first ask. Whoever owns this runs all of them, once everybody has asked."""

    def __init__(self, client: Client, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock
        self._informers: dict[GVR, Informer] = {}

    def of(self, gvr: GVR) -> Informer:
        """The whole objects of the kind. Those who need an index add it (Informer.add_index)."""
        informer = self._informers.get(gvr)
        if informer is None:
            informer = self._informers[gvr] = Informer(self._client, gvr, clock=self._clock)
        return informer

    def __iter__(self) -> Iterator[Informer]:
        return iter(self._informers.values())
