"""What a volume provider is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from backend.kubelet.lookup import Lookup
from backend.kubelet.tokens import TokenLookup
from backend.meta.types import Obj


class VolumeFailure(Exception):
    """A volume cannot be set up or mounted; the text is the kubelet's, for an event."""


@dataclass(frozen=True, slots=True)
class VolumeContext:
    """What a provider may know. `lookup` and `tokens` answer in a thread."""

    pod: Obj
    lookup: Lookup
    tokens: TokenLookup
    allocatable: Mapping[str, str] = field(default_factory=dict)

    @property
    def fs_group(self) -> int | None:
        group: int | None = (self.pod["spec"].get("securityContext") or {}).get("fsGroup")
        return group


class VolumePlugin(Protocol):
    """One kind of volume. Methods block; they are called in a thread."""

    name: str
    """As in the directory's name on disk: `secret` is kept in kubernetes.io~secret."""

    def handles(self, volume: Obj) -> bool:
        """Whether this is the provider of an entry of spec.volumes."""

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        """Makes the volume, or brings its content up to date, in `directory`; answers where it is.

        Called again and again: what is as it should be is not touched. Raises VolumeFailure, MissingReference
        or OSError. All that it mounts or makes is below `directory`, where the manager removes it.
        """
