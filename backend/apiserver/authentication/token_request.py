"""serviceaccounts/token: a new token for an account. Source: pkg/registry/core/serviceaccount/storage/token.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.apiserver import decoding
from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.authentication.claims import AUDIENCES, bound_claims
from backend.apiserver.call import Call, Plain
from backend.meta import causes, errors, timefmt
from backend.meta.errors import Cause
from backend.meta.types import Obj

_KIND = "TokenRequest"
_GROUP = "authentication.k8s.io"
_DEFAULT_SECONDS = 3600
_MIN_SECONDS = 600
_MAX_SECONDS = 1 << 32
_PROJECTED_SECONDS = 3607
"""What the ServiceAccount admission asks for, which tells such a token from others: it goes on being valid, for
clients that read their token only once, and whoever reads it again has a fresh one."""
_EXTENDED_SECONDS = 365 * 24 * 3600


async def create_token(call: Call) -> Plain:
    tokens = call.server.tokens
    if tokens is None:
        raise errors.page_not_found()
    request = decoding.decode_as(
        call, "io.k8s.api.authentication.v1.TokenRequest", _KIND, f"{_GROUP}/v1"
    )  # fmt: skip
    name, namespace = call.request.name, call.request.namespace
    admission = Attributes(call, "CREATE", request, name=name)
    await call.server.admission.admit(admission)
    request = admission.new
    _check_identity(request.get("metadata") or {}, name, namespace)
    entry = call.server.store.get(call.key)
    if entry is None:
        raise errors.not_found("serviceaccounts", name)
    spec = _defaulted(request.get("spec") or {})
    if found := _validate(spec):
        raise errors.invalid(f"{_KIND}.{_GROUP}", "", found)
    admission.obj = {**request, "spec": spec}
    await call.server.admission.validate(admission)
    bound = _bound(call, spec["boundObjectRef"])
    seconds, warn_after = spec["expirationSeconds"], None
    if "pod" in bound and seconds == _PROJECTED_SECONDS and set(spec["audiences"]) <= set(AUDIENCES):
        seconds, warn_after = _EXTENDED_SECONDS, seconds
    now = call.server.clock()
    token = tokens.accounts.sign(bound_claims(entry.obj, bound, spec["audiences"], now, seconds, warn_after))
    answer = {
        "kind": _KIND, "apiVersion": f"{_GROUP}/v1",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": timefmt.format_time(now)},
        "spec": spec,
        "status": {"token": token, "expirationTimestamp": timefmt.format_time(now + spec["expirationSeconds"])},
    }  # fmt: skip
    return Plain(answer, 201)


def _check_identity(meta: Obj, name: str, namespace: str) -> None:
    for field, here in (("name", name), ("namespace", namespace)):
        if meta.get(field) and meta[field] != here:
            text = f"must match the service account {field} if specified"
            found = [causes.invalid_value(f"metadata.{field}", meta[field], text)]
            raise errors.invalid(f"{_KIND}.{_GROUP}", name, found)


def _defaulted(spec: Obj) -> Obj:
    seconds = spec.get("expirationSeconds")
    return {
        "audiences": spec.get("audiences") or list(AUDIENCES),
        "expirationSeconds": _DEFAULT_SECONDS if seconds is None else seconds,
        "boundObjectRef": spec.get("boundObjectRef"),
    }


def _validate(spec: Obj) -> Sequence[Cause]:
    """Source: ValidateTokenRequest."""
    path, seconds = "spec.expirationSeconds", spec["expirationSeconds"]
    if seconds < _MIN_SECONDS:
        return [causes.invalid_value(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > _MAX_SECONDS:
        return [causes.invalid_value(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return ()


def _bound(call: Call, reference: Obj | None) -> Obj:
    """The metadata, by claim, of what the token is bound to, and of the node that its pod is on."""
    if reference is None:
        return {}
    kind, version = reference.get("kind", ""), reference.get("apiVersion", "")
    group, _, version = version.rpartition("/")
    if group or kind not in ("Pod", "Node", "Secret"):
        raise errors.bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    name = reference.get("name", "")
    found = _find(call, kind, name)
    bound = {kind.lower(): found["metadata"]}
    if kind == "Pod":
        if found["spec"].get("serviceAccountName") != call.request.name:
            account = causes.go_quote(call.request.name)
            text = "to pod running with different serviceaccount name."
            raise errors.bad_request(f"cannot bind token for serviceaccount {account} {text}")
        if found["spec"].get("nodeName"):
            bound["node"] = _node(call, found["spec"]["nodeName"])
    if reference.get("uid") and reference["uid"] != found["metadata"]["uid"]:
        text = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
        raise errors.conflict(kind, name, f"{text}The object might have been deleted and then recreated")
    return bound


def _find(call: Call, kind: str, name: str) -> Obj:
    plural = f"{kind.lower()}s"
    place = name if kind == "Node" else f"{call.request.namespace}/{name}"
    entry = call.server.store.get(f"core/{plural}/{place}")
    if entry is None:
        raise errors.not_found(plural, name)
    return entry.obj


def _node(call: Call, name: str) -> Obj:
    """A node that is gone is still named."""
    entry = call.server.store.get(f"core/nodes/{name}")
    return entry.obj["metadata"] if entry is not None else {"name": name}
