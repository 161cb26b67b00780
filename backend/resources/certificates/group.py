"""The kinds of certificates.k8s.io, by name."""

from backend.resources.certificates.certificate_signing_request import CERTIFICATE_SIGNING_REQUEST
from backend.resources.certificates.cluster_trust_bundle import CLUSTER_TRUST_BUNDLE
from backend.resources.certificates.pod_certificate_request import POD_CERTIFICATE_REQUEST
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (CERTIFICATE_SIGNING_REQUEST, CLUSTER_TRUST_BUNDLE, POD_CERTIFICATE_REQUEST)
