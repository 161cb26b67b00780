"""The local cluster: its backend started, stopped and asked, and nothing of how it works."""

from minikctl.local.starter import ensure_running

__all__ = ["ensure_running"]
