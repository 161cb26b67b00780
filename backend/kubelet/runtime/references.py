"""Image references, in the grammar of github.com/distribution/reference."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.kubelet.runtime.api import RuntimeFailure

_DEFAULT_REGISTRY = "docker.io"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """`name` is as written; `tag` is "latest" where neither a tag nor a digest is given."""

    name: str
    tag: str
    digest: str

    @property
    def registry(self) -> str:
        """The registry's host; Docker Hub's where the first part names no host."""
        first, slash, _ = self.name.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else _DEFAULT_REGISTRY


def parse_reference(text: str) -> Reference:
    """Raises RuntimeFailure(InvalidImageName) with the text of the kubelet's applyDefaultImageTag."""
    match = _REFERENCE.fullmatch(text)
    if match is None or len(match["name"]) > 255:
        raise RuntimeFailure("InvalidImageName", _invalid(text))
    digest = match["digest"] or ""
    return Reference(match["name"], match["tag"] or ("" if digest else "latest"), digest)


def _invalid(text: str) -> str:
    remote = _remote_name(text)
    why = "invalid reference format"
    if remote != remote.lower():
        why += f": repository name ({remote}) must be lowercase"
    return f'Failed to apply default image tag "{text}": couldn\'t parse image reference "{text}": {why}'


def _remote_name(text: str) -> str:
    """The part that must be in lower case: the path without the registry, up to a tag."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return rest.partition(":")[0]
    return (text if slash else f"library/{text}").partition(":")[0]
