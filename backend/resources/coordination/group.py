"""The kinds of coordination.k8s.io, by name."""

from backend.resources.coordination.lease import LEASE

KINDS = (LEASE,)
