"""ValidatingAdmissionWebhook: webhooks that may only refuse, all asked at once.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/validating.
"""

from __future__ import annotations

import asyncio

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.meta.types import Obj
from backend.resources.admissionregistration.webhook_configuration import GROUP
from backend.resources.resource import Resource


class ValidatingAdmissionWebhook:
    def __init__(self) -> None:
        self._configurations = Stored(f"{GROUP}/validatingwebhookconfigurations/")

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        """Nobody can lock the cluster by a webhook that refuses its own removal."""
        return resource.group != GROUP

    async def validate(self, attributes: Attributes) -> None:
        configurations = self._configurations.entries(attributes.call.server.store)
        if not configurations:
            return
        from backend.apiserver.admission.webhook.dispatch import ask, relevant, webhooks

        wanted: list[tuple[Obj, Resource]] = []
        for _, webhook in webhooks(configurations):
            matched = relevant(webhook, attributes)
            if matched is not None:
                wanted.append((webhook, matched))
        asked = (ask(webhook, attributes, matched, mutating=False) for webhook, matched in wanted)
        failed = [error for error in await asyncio.gather(*asked, return_exceptions=True) if error is not None]
        for error in failed:
            if isinstance(error, BaseException):
                raise error
