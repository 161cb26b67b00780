"""Flags that several commands have, with the same meaning and the same words."""

from __future__ import annotations

from minikctl.command import Flag

ALL_NAMESPACES = Flag(
    "all-namespaces", "bool", False, short="A", usage=
    "If present, list the requested object(s) across all namespaces. Namespace in current context is ignored even if"
    " specified with --namespace.",
)  # fmt: skip

CHUNK_SIZE = Flag(
    "chunk-size", "int64", 500, "Return large lists in chunks rather than all at once. Pass 0 to disable."
)

FIELD_SELECTOR = Flag(
    "field-selector", "string", "",
    "Selector (field query) to filter on, supports '=', '==', and '!='.(e.g. --field-selector"
    " key1=value1,key2=value2). The server only supports a limited number of field queries per type.",
)  # fmt: skip

FORCE_CONFLICTS = Flag(
    "force-conflicts", "bool", False, "If true, server-side apply will force the changes against conflicts."
)

RECURSIVE = Flag(
    "recursive", "bool", False, short="R", usage=
    "Process the directory used in -f, --filename recursively. Useful when you want to manage related manifests"
    " organized within the same directory.",
)  # fmt: skip

SELECTOR = Flag(
    "selector", "string", "", short="l", usage=
    "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.(e.g. -l"
    " key1=value1,key2=value2,key3 in (value3)). Matching objects must satisfy all of the specified label"
    " constraints.",
)  # fmt: skip

SERVER_SIDE = Flag("server-side", "bool", False, "If true, apply runs in the server instead of the client.")


def filename(usage: str) -> Flag:
    """--filename: what the files are for, `usage`, is each command's own."""
    return Flag("filename", "stringSlice", [], usage, "f")
