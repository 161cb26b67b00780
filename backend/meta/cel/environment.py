"""All that expressions can use here: the functions of every library."""

from __future__ import annotations

from functools import cache

from backend.meta.cel import library_formats, library_lists, library_network, library_standard, library_strings
from backend.meta.cel.functions import Functions


@cache
def kubernetes_functions() -> Functions:
    """Everything that kube-apiserver's environment has. Source: k8s.io/apiserver/pkg/cel/environment/base.go."""
    found: Functions = {}
    for module in (library_standard, library_strings, library_lists, library_network, library_formats):
        for key, overloads in module.LIBRARY.functions.items():
            found.setdefault(key, []).extend(overloads)
    return found
