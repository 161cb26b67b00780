"""How a refused change of something immutable is shown."""

from __future__ import annotations

import orjson

from backend.meta.types import Obj


def difference(old: Obj, new: Obj) -> str:
    """The lines of the two that differ, with a little around them."""
    import difflib  # Rarely needed, and the backend starts faster without it.

    before, after = (orjson.dumps(part, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) for part in (old, new))
    lines = difflib.unified_diff(before.decode().splitlines(), after.decode().splitlines(), lineterm="", n=3)
    return "\n".join(list(lines)[2:]) + "\n"
