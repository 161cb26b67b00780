"""Who may approve, sign and vouch for certificates, by signer; and for whom no certificate is asked.

Source: plugin/pkg/admission/certificates/{approval,signing,subjectrestriction,ctbattest}.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.authorization.attributes import MASTERS
from backend.apiserver.authorization.attributes import Attributes as Access
from backend.meta.types import Obj
from backend.resources.certificates import requests
from backend.resources.resource import Resource

_GROUP = "certificates.k8s.io"
_REQUESTS = "certificatesigningrequests.certificates.k8s.io"


class CertificateApproval:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (operation, resource.qualified, subresource) == ("UPDATE", _REQUESTS, "approval")

    async def validate(self, attributes: Attributes) -> None:
        _require(attributes, "approve", (attributes.old or {})["spec"]["signerName"], "approve requests with")


class CertificateSigning:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (operation, resource.qualified, subresource) == ("UPDATE", _REQUESTS, "status")

    async def validate(self, attributes: Attributes) -> None:
        """Nothing is signed where neither the certificate nor the conditions change."""
        old = attributes.old or {}
        had, has = (_signed_part(request) for request in (old, attributes.new))
        if had != has:
            _require(attributes, "sign", old["spec"]["signerName"], "sign requests with")


class CertificateSubjectRestriction:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return (operation, resource.qualified, subresource) == ("CREATE", _REQUESTS, "")

    async def validate(self, attributes: Attributes) -> None:
        """The group that may do everything is not to be had by a certificate that somebody approves."""
        spec = attributes.new["spec"]
        if spec.get("signerName") != requests.KUBE_APISERVER_CLIENT:
            return
        if MASTERS in requests.organizations(requests.parse(spec["request"])):
            text = f"use of {requests.KUBE_APISERVER_CLIENT} signer with {MASTERS} group is not allowed"
            raise attributes.forbidden(text)


class ClusterTrustBundleAttest:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        qualified = f"clustertrustbundles.{_GROUP}"
        return operation in ("CREATE", "UPDATE") and resource.qualified == qualified and not subresource

    async def validate(self, attributes: Attributes) -> None:
        signer = attributes.new["spec"].get("signerName")
        if signer:
            _require(attributes, "attest", signer, "attest for")


def _signed_part(request: Obj) -> tuple[object, object]:
    status = request.get("status") or {}
    return status.get("certificate"), status.get("conditions") or []


def _require(attributes: Attributes, verb: str, signer: str, what: str) -> None:
    """The user is allowed the verb for the signer, or for all signers of its domain."""
    user, authorizer = attributes.user, attributes.call.server.authorizer
    if MASTERS in user.groups:
        return
    domain = signer.partition("/")[0]
    for name in (signer, f"{domain}/*"):
        if authorizer.authorize(Access(user, verb, _GROUP, "signers", name=name)).allowed:
            return
    shown = f'signerName "{signer}"'
    if verb == "attest":
        shown = f'signerName="{signer}"'
    raise attributes.forbidden(f"user not permitted to {what} {shown}")
