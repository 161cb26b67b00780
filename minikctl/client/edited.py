"""The text that an editor is given and leaves. Source: k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from minikctl.client.files import outline_fault
from minikctl.client.yaml_load import YamlFault, load_document

OBJECT_HEADER = """# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""

APPLIED_HEADER = (
    "# Please edit the 'last-applied-configuration' annotations below.\n"
    "# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.\n#\n"
)


class Reason(NamedTuple):
    """Why the editor is opened again: a line, and the list under it."""

    head: str
    faults: Sequence[str] = ()


def header(intro: str, reasons: Sequence[Reason]) -> str:
    """The comment above what is edited."""
    lines = []
    for reason in reasons:
        lines.append(f"# {_commented(reason.head)}{':' if reason.faults else ''}\n")
        lines += [f"# * {_commented(fault)}\n" for fault in reason.faults]
        lines.append("#\n")
    return intro + "".join(lines)


def _commented(text: str) -> str:
    """`text` with every line but the first made a comment; a line break at its end stays."""
    return text[:-1].replace("\n", "\n# ") + text[-1:]


def without_comments(text: bytes) -> bytes:
    return b"\n".join(line for line in text.split(b"\n") if not _is_comment(line))


def _is_comment(line: bytes) -> bool:
    bare = line.strip()
    return bare.startswith(b"#") and not bare.startswith(b"#!")


def has_content(text: bytes) -> bool:
    """Whether there is a line that is neither blank nor a comment."""
    return any(line.strip() and not line.strip().startswith(b"#") for line in text.split(b"\n"))


def same(one: bytes, other: bytes) -> bool:
    """Whether both say the same, apart from comments and layout."""
    return bool(_content(one) == _content(other))


def _content(text: bytes) -> Any:
    try:
        return load_document(text)
    except YamlFault:
        return without_comments(text)


def fault(text: bytes) -> str:
    """What keeps the text from being an object or a List of objects, or ""."""
    try:
        return outline_fault(load_document(without_comments(text)))
    except YamlFault as why:
        return str(why)
