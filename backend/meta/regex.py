"""Regular expressions of users, as Go's regexp package understands them: RE2, whose matching takes linear time.

Kubernetes matches `pattern` of schemas and CEL's `matches` so. Python's own `re` has other escapes and can be made to
hang. A light module: the library is imported with the first expression.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_GO_TEXTS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "trailing \\": "trailing backslash at end of expression",
}
"""What RE2 says, as Go's port of it says it."""


class RegexError(ValueError):
    """`str(error)` is the text of Go's regexp.Compile."""


@lru_cache(maxsize=512)
def compile_regex(pattern: str) -> Any:
    """A compiled expression with the methods that `re` gives one. Raises RegexError."""
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        what, _, where = text.partition(": ")
        raise RegexError(f"error parsing regexp: {_GO_TEXTS.get(what, what)}: `{where}`") from None


def matches(pattern: str, text: str) -> bool:
    """Whether the expression matches anywhere in `text`. Raises RegexError."""
    return compile_regex(pattern).search(text) is not None
