"""The user that a client certificate is of. Source: k8s.io/apiserver/pkg/authentication/request/x509."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from backend.apiserver.authentication.accounts import AUTHENTICATED, CREDENTIAL_ID
from backend.meta.types import User


def certificate_user(certificate: Mapping[str, Any] | None, der: bytes | None) -> User | None:
    """The user of a verified peer certificate: CN, and Os as groups. `certificate` is as ssl.SSLSocket.getpeercert
    gives it; `der` its bytes, which tell from which credential the user is."""
    if not certificate or not der:
        return None
    attributes = [pair for rdn in certificate.get("subject", ()) for pair in rdn]
    names = [value for key, value in attributes if key == "commonName"]
    if not names:
        return None
    groups = [value for key, value in attributes if key == "organizationName"]
    credential = (CREDENTIAL_ID, (f"X509SHA256={hashlib.sha256(der).hexdigest()}",))
    return User(names[0], (*groups, AUTHENTICATED), "", (credential,))
