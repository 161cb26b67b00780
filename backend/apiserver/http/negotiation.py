"""Which form of an answer a client accepts. Source: k8s.io/apiserver endpoints/handlers/negotiation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.meta.errors import ApiError, not_acceptable

Form = Literal["object", "table", "partial"]
Encoding = Literal["json", "yaml"]

JSON = "application/json"
YAML = "application/yaml"
NOT_ACCEPTABLE = f"only the following media types are accepted: {JSON}, {YAML}"
CACHE_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Accepted:
    form: Form = "object"
    encoding: Encoding = "json"


class _Clause:
    """One alternative of an Accept header."""

    def __init__(self, text: str) -> None:
        media, *parameters = (part.strip() for part in text.split(";"))
        self.media = media.lower()
        pairs = (parameter.partition("=") for parameter in parameters)
        self.parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}

    @property
    def quality(self) -> float:
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 0.0

    def accepted(self) -> Accepted | None:
        """What this alternative asks for, or None when it is not served."""
        if self.media in ("*/*", "application/*", JSON):
            encoding: Encoding = "json"
        elif self.media == YAML:
            encoding = "yaml"
        else:
            return None
        kind = self.parameters.get("as", "")
        if not kind:
            return Accepted("object", encoding)
        if self.parameters.get("g") != "meta.k8s.io" or self.parameters.get("v") != "v1":
            return None
        if kind == "Table":
            return Accepted("table", encoding)
        if kind in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Accepted("partial", encoding)
        return None


def clauses(header: str) -> list[_Clause]:
    """The header's alternatives, best first; equal qualities keep the client's order."""
    found = [_Clause(part) for part in header.split(",") if part.strip()]
    found.sort(key=lambda clause: -clause.quality)
    return [clause for clause in found if clause.quality > 0]


class Negotiator:
    """Parses each distinct Accept header once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Accepted | ApiError] = {b"": Accepted()}

    def accepted(self, header: bytes) -> Accepted:
        """Raises 406."""
        known = self._known.get(header)
        if known is None:
            known = _negotiate(header.decode("latin-1"))
            if len(self._known) < CACHE_LIMIT:
                self._known[header] = known
        if isinstance(known, ApiError):
            raise not_acceptable(known.message)
        return known


def _negotiate(header: str) -> Accepted | ApiError:
    for clause in clauses(header):
        accepted = clause.accepted()
        if accepted is not None:
            return accepted
    return not_acceptable(NOT_ACCEPTABLE)
