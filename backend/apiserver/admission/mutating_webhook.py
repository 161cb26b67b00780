"""MutatingAdmissionWebhook: webhooks that may change the object, asked one after the other.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from backend.apiserver import decoding
from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.meta import errors
from backend.meta.causes import go_quote
from backend.meta.errors import ApiError
from backend.meta.patch import json_patch
from backend.meta.types import Obj
from backend.resources.admissionregistration.webhook_configuration import GROUP
from backend.resources.resource import Resource

if TYPE_CHECKING:
    from backend.apiserver.admission.webhook.review import Verdict

_NAME = "MutatingAdmissionWebhook"


class _Rounds:
    """Who was asked in the first round, and who is to be asked again since a later one changed the object."""

    def __init__(self) -> None:
        self.repeatable: set[str] = set()
        self.repeated: set[str] = set()
        self.left: bytes = b""

    def object_changed(self) -> None:
        self.repeated |= self.repeatable
        self.repeatable.clear()


class MutatingAdmissionWebhook:
    def __init__(self) -> None:
        self._configurations = Stored(f"{GROUP}/mutatingwebhookconfigurations/")

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        """Nobody can lock the cluster by a webhook that refuses its own removal."""
        return resource.group != GROUP

    async def admit(self, attributes: Attributes) -> None:
        configurations = self._configurations.entries(attributes.call.server.store)
        if not configurations:
            return
        from backend.apiserver.admission.webhook.dispatch import ask, relevant, webhooks

        rounds = _rounds(attributes)
        if attributes.is_again and _encoded(attributes.obj) != rounds.left:
            rounds.object_changed()
        for key, webhook in webhooks(configurations):
            matched = relevant(webhook, attributes)
            if matched is None or (attributes.is_again and key not in rounds.repeated):
                continue
            verdict = await ask(webhook, attributes, matched, mutating=True)
            if verdict is not None and _apply(webhook["name"], verdict, attributes, matched):
                rounds.object_changed()
                attributes.again = True
            if webhook.get("reinvocationPolicy") == "IfNeeded":
                rounds.repeatable.add(key)
        rounds.left = _encoded(attributes.obj)


def _rounds(attributes: Attributes) -> _Rounds:
    if attributes.marks is None:
        attributes.marks = {}
    rounds: _Rounds = attributes.marks.setdefault(_NAME, _Rounds())
    return rounds


def _encoded(obj: Obj | None) -> bytes:
    return orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)


def _apply(name: str, verdict: Verdict, attributes: Attributes, matched: Resource) -> bool:
    """Patch the object; whether that changed it. Raises 500 for a patch that does not fit."""
    from backend.apiserver.admission.webhook.review import convert

    if not verdict.patch:
        return False
    own = attributes.resource
    before = convert(attributes.obj, own, matched)
    if before is None:
        text = f"admission webhook {go_quote(name)} attempted to modify the object"
        raise errors.internal(f"{text}, which is not supported for this operation")
    try:
        after = _decode(json_patch(before, verdict.patch), before, attributes, matched)
    except ApiError as error:
        raise errors.internal(error.message) from None
    changed = bool(after != before)
    attributes.obj = convert(after, matched, own) if after.get("kind") == matched.kind else after
    return changed


def _decode(patched: Any, before: Obj, attributes: Attributes, matched: Resource) -> Obj:
    """An object of the kind again, whatever the webhook made of it, with its defaults."""
    if before.get("kind") != matched.kind:
        return dict(patched)
    call = attributes.call
    decoded = call.server.schemas.decode(patched, matched.schema, matched.kind, matched.version).obj
    if matched is attributes.resource:
        return decoding.complete(call, decoded)
    matched.default(decoded)
    return {**decoded, "apiVersion": matched.api_version, "kind": matched.kind}
