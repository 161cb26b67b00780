"""What an Ingress asks for by annotations: the few of ingress-nginx that manifests for a local cluster often have.

Source of names, values and defaults: ingress-nginx, docs/user-guide/nginx-configuration/annotations.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "nginx.ingress.kubernetes.io/"
FAMILY = "ingress.kubernetes.io"
"""What ends the domain of the annotations that are for an ingress controller, whichever."""

_SIZE = re.compile(r"(\d+)([kKmMgG]?)").fullmatch
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the requests of one Ingress are treated. Times are seconds, sizes bytes, and 0 is no limit of a size."""

    ssl_redirect: bool = True
    """Send requests without TLS to HTTPS, for hosts that have TLS."""
    force_ssl_redirect: bool = False
    """The same for hosts that have none here, since something in front has it."""
    rewrite_target: str = ""
    use_regex: bool = False
    https_backend: bool = False
    body_limit: int = 0
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    """Between two readings of what the backend sends."""
    send_timeout: float = 60.0
    """Between two writings to the backend."""


DEFAULTS = Settings()


def parse(annotations: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings, and what is wrong, in words: annotations that nothing here follows, and values that are none."""
    given: dict[str, Any] = {}
    faults: list[str] = []
    for name, text in sorted(annotations.items()):
        domain, _, short = name.partition("/")
        if not domain.endswith(FAMILY):
            continue
        known = _KNOWN.get(short) if name.startswith(PREFIX) else None
        if known is None:
            faults.append(f"annotation {name} is not supported, and has no effect")
            continue
        field, read = known
        try:
            given[field] = read(text.strip())
        except ValueError:
            faults.append(f'annotation {name} has no effect: "{text}" is no value of it')
    return Settings(**given), faults


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _size(text: str) -> int:
    found = _SIZE(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2].lower()]


def _seconds(text: str) -> float:
    seconds = int(text.removesuffix("s"))
    if seconds <= 0:
        raise ValueError(text)
    return float(seconds)


def _https(text: str) -> bool:
    if text.upper() not in ("HTTP", "HTTPS", "AUTO_HTTP"):
        raise ValueError(text)
    return text.upper() == "HTTPS"


_KNOWN: dict[str, tuple[str, Callable[[str], object]]] = {
    "ssl-redirect": ("ssl_redirect", _boolean),
    "force-ssl-redirect": ("force_ssl_redirect", _boolean),
    "rewrite-target": ("rewrite_target", str),
    "use-regex": ("use_regex", _boolean),
    "backend-protocol": ("https_backend", _https),
    "proxy-body-size": ("body_limit", _size),
    "proxy-connect-timeout": ("connect_timeout", _seconds),
    "proxy-read-timeout": ("read_timeout", _seconds),
    "proxy-send-timeout": ("send_timeout", _seconds),
}
