"""`-o name`, and the lines that say what was done: `secret/x`, `secret/x created`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any


class NamePrinter:
    """Prints `KIND[.GROUP]/NAME`, and `operation` after it if there is one; a List's items one by one."""

    def __init__(self, operation: str = "") -> None:
        self._operation = operation

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        if isinstance(obj.get("items"), list):
            for item in obj["items"]:
                self.print(item, out)
            return
        tail = f" {self._operation}" if self._operation else ""
        out.write(f"{qualified_name(obj)}{tail}\n")


def qualified_name(obj: Mapping[str, Any]) -> str:
    """`pod/x`, `deployment.apps/y`."""
    name = (obj.get("metadata") or {}).get("name") or "<unknown>"
    kind = str(obj.get("kind") or "<unknown>").lower()
    group, slash, _ = str(obj.get("apiVersion") or "").partition("/")
    return f"{kind}.{group}/{name}" if slash else f"{kind}/{name}"
