"""The describe of a kind that has none of its own: every field, with titles made of the fields' names.

Source: k8s.io/kubectl/pkg/describe (genericDescriber, printUnstructuredContent, smartLabelFor).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer
from minikctl.output.numbers import go_value

if TYPE_CHECKING:
    from minikctl.client.rest import Client

SKIPPED = frozenset(
    {
        ".metadata.managedFields",
        ".metadata.name",
        ".metadata.namespace",
        ".metadata.labels",
        ".metadata.annotations",
    }
)
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^A-Za-z\d]+")
ACRONYMS = frozenset({"API", "URL", "UID", "OSB", "GUID"})


def describe(client: Client, obj: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, obj)
    _content(writer, 0, obj, "")
    if show_events:
        common.events(writer, common.find_events(client, obj))
    return writer.text()


def _content(writer: Writer, level: int, content: Mapping[str, Any], path: str) -> None:
    for field in sorted(content):
        value, where = content[field], f"{path}.{field}"
        if where in SKIPPED:
            continue
        title = smart_title(field)
        if isinstance(value, Mapping):
            writer.write(level, f"{title}:\n")
            _content(writer, level + 1, value, where)
        elif isinstance(value, list):
            writer.write(level, f"{title}:\n")
            for item in value:
                if isinstance(item, Mapping):
                    _content(writer, level + 1, item, where)
                else:
                    writer.write(level + 1, f"{_text(item)}\n")
        else:
            writer.write(level, f"{title}:\t{_text(value)}\n")


def _text(value: Any) -> str:
    return "<nil>" if value is None else go_value(value)


def smart_title(field: str) -> str:
    """`creationTimestamp` -> `Creation Timestamp`, `apiVersion` -> `API Version`."""
    if not all(letter.isalpha() or letter == "-" for letter in field):
        return field
    words = _WORDS.findall(field)
    return " ".join(word.upper() if word.upper() in ACRONYMS else word[:1].upper() + word[1:] for word in words)
