"""Whether this process can give services their network, and why not."""

from __future__ import annotations

import os
import shutil

from backend.config import Config
from backend.meta.capabilities import holds


def network_problem(config: Config) -> str:
    """Why service addresses, load balancers, cluster DNS and network policies do not work here; "" when they can."""
    if config.runtime != "docker":
        return f"pods of the {config.runtime} runtime have no network"
    if not holds("NET_ADMIN"):
        who = "this process lacks CAP_NET_ADMIN" if os.geteuid() == 0 else "minikctl was run without root"
        return f"{who}, and {config.uncontained}" if config.uncontained else who
    if shutil.which("nft") is None:
        return "nft is not installed (package nftables)"
    return ""
