"""What is left to do for a pod of which nothing runs any more. Source: pkg/kubelet/kubelet.go SyncTerminatedPod."""

from __future__ import annotations

import asyncio

from backend.kubelet.runtime.api import PodState
from backend.kubelet.services import Services
from backend.machinery.client import PODS
from backend.meta.errors import ApiError
from backend.meta.types import Obj


class PodRemover:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._told = False

    async def free(self, state: PodState) -> None:
        """Free what the pod had on this machine. Idempotent; raises RuntimeFailure, OSError."""
        services, uid = self._services, state.uid
        await asyncio.gather(
            *(services.runtime.remove_container(c.id) for c in state.containers),
            *(services.runtime.remove_sandbox(s.id) for s in state.sandboxes),
        )
        await services.volumes.teardown(uid)
        services.referenced.forget(uid)
        services.images.forget(uid)
        services.crashes.forget(uid)

    async def tell(self, pod: Obj) -> None:
        """Let the API server forget the pod, this one and no other of its name; once, since with finalizers the
        object stays, and what is left to do then is not the kubelet's."""
        if self._told:
            return
        meta = pod["metadata"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        try:
            await self._services.client.delete(PODS, meta["name"], meta["namespace"], options)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
        self._told = True
