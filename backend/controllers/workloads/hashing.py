"""Short names for contents: the suffixes of ReplicaSets and ControllerRevisions.

kube hashes how Go prints the structure, which nobody can rely on: only that equal contents give equal names, and that
the characters are those of names. Source: k8s.io/apimachinery/pkg/util/rand.SafeEncodeString.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def short_hash(content: Any, collisions: int) -> str:
    """At most ten characters; others for the same content after each collision."""
    digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    if collisions:
        digest.update(str(collisions).encode())
    number = str(int.from_bytes(digest.digest()[:4], "big"))
    return "".join(_ALPHABET[ord(character) % len(_ALPHABET)] for character in number)
