"""Which cluster of this machine something outside its folder belongs to."""

from __future__ import annotations

import hashlib
import os


def cluster_id(name: str, home: str | os.PathLike[str]) -> str:
    """Tells one cluster from others: the name may be the same in another folder, and the folder is what a cluster
    is."""
    folder = hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
    return f"{name or 'cluster'}-{folder}"
