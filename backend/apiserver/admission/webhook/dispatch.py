"""One webhook asked about one request, with what its configuration says of failures, dry runs and conditions.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/{generic,mutating,validating}.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.admission.webhook.client import CallFailed, post
from backend.apiserver.admission.webhook.endpoints import find_endpoint
from backend.apiserver.admission.webhook.matching import matched_resource, selects
from backend.apiserver.admission.webhook.review import (
    InvalidAnswer,
    Verdict,
    make_review,
    read_verdict,
    rejection,
)
from backend.meta import errors
from backend.meta.causes import go_quote
from backend.meta.types import Obj
from backend.resources.resource import Resource
from backend.store.api import Entry

log = logging.getLogger(__name__)

_WITHOUT_EFFECT = ("None", "NoneOnDryRun")


def webhooks(configurations: Sequence[Entry]) -> Iterator[tuple[str, Obj]]:
    """All webhooks of the configurations, in their order, each with a name that no other has."""
    for entry in configurations:
        for index, webhook in enumerate(entry.obj.get("webhooks") or ()):
            yield f"{entry.key}/{index}", webhook


def relevant(webhook: Obj, attributes: Attributes) -> Resource | None:
    """The resource, in the version that the webhook wants, if it is to be asked about the request. Raises ApiError if
    that cannot be told."""
    matched = matched_resource(webhook, attributes)
    if matched is None or not selects(webhook, attributes):
        return None
    if webhook.get("matchConditions"):
        from backend.apiserver.admission.webhook.conditions import hold

        return matched if hold(webhook, attributes, matched) else None
    return matched


async def ask(webhook: Obj, attributes: Attributes, matched: Resource, *, mutating: bool) -> Verdict | None:
    """What it says of a request that it lets pass; None if it failed and may. Raises ApiError for a refusal."""
    name, seconds = webhook["name"], webhook["timeoutSeconds"]
    if attributes.dry_run and webhook["sideEffects"] not in _WITHOUT_EFFECT:
        raise errors.bad_request(f"admission webhook {go_quote(name)} does not support dry run")
    try:
        review = make_review(attributes, webhook, matched)
        endpoint = find_endpoint(attributes.call.server.store, webhook["clientConfig"], seconds)
        verdict = read_verdict(review, await post(endpoint, review.body, seconds), mutating=mutating)
    except CallFailed as error:
        why = f"failed calling webhook {go_quote(name)}: failed to call webhook: {error}"
    except InvalidAnswer as error:
        why = f"failed calling webhook {go_quote(name)}: received invalid webhook response: {error}"
    else:
        attributes.call.warnings.extend(verdict.warnings)
        if not verdict.allowed:
            raise rejection(name, verdict.result)
        return verdict
    if webhook["failurePolicy"] == "Fail":
        raise errors.internal(why)
    log.warning("going on without an answer: %s", why)
    return None
