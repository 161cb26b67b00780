"""What `config set` and `config unset` call a property: `clusters.NAME.server`, `current-context`.

Source: k8s.io/kubectl/pkg/cmd/config/navigation_step_parser.go.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from backend.meta import gobase64
from minikctl.client.errors import Failure
from minikctl.commands.config.fields import FIELDS
from minikctl.flags import go_quote, parse_bool


class Property(NamedTuple):
    """`section` is a list's, or the field of the document itself; `name` the entry's and `field` the field's, or ""."""

    section: str
    name: str = ""
    field: str = ""


def parse_property(text: str) -> Property:
    """Failure for what a kubeconfig does not have. An entry's name may have dots in it."""
    section, _, rest = text.partition(".")
    if section in ("current-context",) and not rest:
        return Property(section)
    if section == "preferences" and rest == "colors":
        return Property(section, field=rest)
    if section not in FIELDS:
        raise Failure(f"unable to parse {text} after [] at api.Config")
    name, dot, field = rest.rpartition(".")
    if dot and field in FIELDS[section]:
        return Property(section, name, field)
    for nested in ("exec", "auth-provider"):
        if f".{nested}." in rest and section == "users":
            raise Failure(f"unable to parse one or more field values of {text}")
    return Property(section, rest)


def parse_value(kind: str, text: str, *, raw_bytes: bool) -> Any:
    """`text` as a field of this kind has it. Failure if it cannot be."""
    if kind == "bool":
        try:
            return parse_bool(text)
        except ValueError:
            raise Failure(f"strconv.ParseBool: parsing {go_quote(text)}: invalid syntax") from None
    if kind == "bytes":
        try:
            return base64.b64encode(text.encode()).decode() if raw_bytes else gobase64.canonical(text)
        except ValueError as error:
            raise Failure(f"error decoding input value: {error}") from None
    if kind == "object":
        raise Failure("only values of one word can be set: change lists and maps in the file")
    return text
