"""What a webhook is asked, and what its answer means.

Sources: k8s.io/apiserver/pkg/admission/plugin/webhook/{request/admissionreview.go,errors/statuserror.go}.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.versions import from_stored, to_stored
from backend.meta.causes import go_quote
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.meta.uids import new_uid
from backend.resources.resource import Resource

_GROUP = "admission.k8s.io"
_VERSIONS = ("v1", "v1beta1")
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


@dataclass(frozen=True, slots=True)
class Review:
    """One question: the document that is sent, and what its answer must agree with."""

    body: bytes
    uid: str
    version: str


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    result: Obj
    """The Status that explains a refusal; may be empty."""
    patch: list[Any] | None
    warnings: tuple[str, ...]


class InvalidAnswer(Exception):
    """What the webhook answered is no review of what it was asked; the text says why."""


def make_review(attributes: Attributes, webhook: Obj, matched: Resource) -> Review:
    """In the first version that the webhook understands; `matched` is the resource in the version it wants."""
    versions = webhook["admissionReviewVersions"]
    version = next((version for version in versions if version in _VERSIONS), "")
    if not version:
        raise InvalidAnswer("webhook does not accept known AdmissionReview versions (v1, v1beta1)")
    uid = new_uid()
    request = {"uid": uid, **make_request(attributes, matched)}
    request["object"] = convert(attributes.obj, attributes.resource, matched)
    request["oldObject"] = convert(attributes.old, attributes.resource, matched)
    document = {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": request}
    return Review(orjson.dumps(document), uid, version)


def make_request(attributes: Attributes, matched: Resource) -> Obj:
    """An AdmissionRequest without its uid and the objects."""
    own, subresource = attributes.resource, attributes.subresource
    request: Obj = {
        "kind": _kind(attributes, matched),
        "resource": _resource(matched),
        "requestKind": _kind(attributes, own),
        "requestResource": _resource(own),
    }
    if subresource:
        request["subResource"] = request["requestSubResource"] = subresource
    if attributes.name:
        request["name"] = attributes.name
    if attributes.namespace:
        request["namespace"] = attributes.namespace
    request["operation"] = attributes.operation
    request["userInfo"] = attributes.user.info
    request["dryRun"] = attributes.dry_run
    request["options"] = _options(attributes)
    return request


def _kind(attributes: Attributes, resource: Resource) -> Obj:
    """The object's own, which may be another than the resource's below it."""
    obj = attributes.obj if attributes.obj is not None else attributes.old
    group, version, kind = resource.group, resource.version, resource.kind
    if obj is not None and obj.get("kind") not in (None, kind):
        group, _, version = (obj.get("apiVersion") or "").rpartition("/")
        kind = obj["kind"]
    return {"group": group, "version": version, "kind": kind}


def _resource(resource: Resource) -> Obj:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def convert(obj: Obj | None, own: Resource, wanted: Resource) -> Obj | None:
    """An object of `own` in the version that is wanted, which may share its parts. Objects of another kind stay."""
    if obj is None or wanted is own or obj.get("kind") != own.kind:
        return obj
    stored = to_stored(own, obj) if own.stored_as is not None else obj
    return from_stored(wanted, stored) if wanted.stored_as is not None else stored


def _options(attributes: Attributes) -> Obj | None:
    kind = _OPTIONS.get(attributes.operation)
    if kind is None:
        return None
    if attributes.operation == "DELETE":
        return {"kind": kind, "apiVersion": "meta.k8s.io/v1", **(attributes.options or {})}
    request = attributes.call.request
    patched = attributes.operation == "UPDATE" and request.verb == "patch"
    options: Obj = {"kind": "PatchOptions" if patched else kind, "apiVersion": "meta.k8s.io/v1"}
    query = request.query
    if attributes.dry_run:
        options["dryRun"] = ["All"]
    if patched and query.get("force") in ("true", "1"):
        options["force"] = True
    for name in ("fieldManager", "fieldValidation"):
        if query.get(name):
            options[name] = query[name]
    return options


def read_verdict(review: Review, answer: Any, *, mutating: bool) -> Verdict:
    """Raises InvalidAnswer. Source: VerifyAdmissionResponse."""
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise InvalidAnswer("webhook response was absent")
    response = answer["response"]
    given_uid = response.get("uid") or ""
    if review.version == "v1":
        if given_uid != review.uid:
            raise InvalidAnswer(f"expected response.uid={go_quote(review.uid)}, got {go_quote(given_uid)}")
        _check_kind(answer, review)
        _check_patch(response, mutating=mutating)
    result = response.get("status") or {}
    warnings = tuple(str(text) for text in response.get("warnings") or ())
    patch = _read_patch(response.get("patch")) if mutating else None
    return Verdict(response.get("allowed") is True, result if isinstance(result, dict) else {}, patch, warnings)


def _check_kind(answer: Obj, review: Review) -> None:
    group, _, version = str(answer.get("apiVersion") or "").rpartition("/")
    kind = str(answer.get("kind") or "")
    if (group, version, kind) != (_GROUP, review.version, "AdmissionReview"):
        expected = f"{_GROUP}/{review.version}, Kind=AdmissionReview"
        raise InvalidAnswer(f"expected webhook response of {expected}, got {group}/{version}, Kind={kind}")


def _check_patch(response: Obj, *, mutating: bool) -> None:
    patch, kind = response.get("patch"), response.get("patchType")
    if not mutating:
        if patch:
            raise InvalidAnswer("validating webhook may not return response.patch")
        if kind is not None:
            raise InvalidAnswer("validating webhook may not return response.patchType")
        return
    if patch and kind is None:
        raise InvalidAnswer("webhook returned response.patch but not response.patchType")
    if not patch and kind is not None:
        raise InvalidAnswer("webhook returned response.patchType but not response.patch")
    if patch and kind != "JSONPatch":
        raise InvalidAnswer(f"webhook returned invalid response.patchType of {go_quote(str(kind))}")


def _read_patch(encoded: object) -> list[Any] | None:
    if not encoded:
        return None
    try:
        patch = orjson.loads(base64.b64decode(str(encoded)))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise InvalidAnswer(f"webhook returned an invalid response.patch: {error}") from None
    return patch if isinstance(patch, list) else None


def rejection(name: str, result: Obj) -> ApiError:
    """Source: ToStatusErr."""
    denied = f"admission webhook {go_quote(name)} denied the request"
    code = result.get("code")
    code = code if isinstance(code, int) and code >= 400 else 400
    reason, message = str(result.get("reason") or ""), str(result.get("message") or "")
    why = message or reason
    text = f"{denied}: {why}" if why else f"{denied} without explanation"
    details = result.get("details")
    return ApiError(code, reason, text, details if isinstance(details, dict) else None)
