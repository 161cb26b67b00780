"""The scale of what an autoscaler points at, whatever kind that is.

Source: scaleForResourceMappings of pkg/controller/podautoscaler/horizontal.go, and RESTMappings of its mapper.
"""

from __future__ import annotations

from backend.controllers.horizontal_pod_autoscaler.metrics import NO_RESOURCE
from backend.machinery.client import GVR, Client
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.catalog import Catalog


class NoScale(Exception):
    """There is none to be had; the message says why."""


class Scales:
    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def get(self, namespace: str, target: Obj) -> tuple[GVR, Obj]:
        """Where the target is, and its scale. Of several kinds of this name the first that has one. Raises NoScale."""
        group, _, _ = (target.get("apiVersion") or "").rpartition("/")
        kind = target["kind"]
        found = [one for one in self._catalog if (one.group, one.kind) == (group, kind)]
        if not found:
            raise NoScale(f'no matches for kind "{kind}" in group "{group}"')
        failures: list[str] = []
        for resource in found:
            gvr = GVR(resource.group, resource.version, resource.plural)
            try:
                return gvr, await self._client.get(gvr, target["name"], namespace, "scale")
            except ApiError as error:
                failures.append(_text(error))
        raise NoScale(failures[0])

    async def set(self, gvr: GVR, scale: Obj, replicas: int) -> None:
        """Raises ApiError, a conflict if the object has changed since the scale was read."""
        await self._client.update(gvr, {**scale, "spec": {**scale["spec"], "replicas": replicas}}, "scale")


def _text(error: ApiError) -> str:
    """What a client makes of a path that is not served."""
    return NO_RESOURCE if str(error) == str(errors.page_not_found()) else str(error)
