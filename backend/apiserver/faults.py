"""How a fault of our own is told: where it was, never what was in an object, which may be a Secret."""

from __future__ import annotations

import logging
import traceback

from backend.meta.errors import ApiError, internal


def unexpected(log: logging.Logger, what: str, error: Exception) -> ApiError:
    """The 500 for an exception that nobody foresaw, which is logged without its text. `what` is the request."""
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    log.error("%s: unexpected %s\n%s", what, type(error).__name__, where)
    return internal(f"unexpected {type(error).__name__}")
