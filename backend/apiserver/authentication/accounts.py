"""How a service account is named as a user. Source: k8s.io/apiserver/pkg/authentication/serviceaccount/util.go."""

from __future__ import annotations

from backend.meta import names

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"

_PREFIX = "system:serviceaccount:"
_ALL_ACCOUNTS = "system:serviceaccounts"

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
POD_NAME = "authentication.kubernetes.io/pod-name"
POD_UID = "authentication.kubernetes.io/pod-uid"
NODE_NAME = "authentication.kubernetes.io/node-name"
NODE_UID = "authentication.kubernetes.io/node-uid"


def username(namespace: str, name: str) -> str:
    return f"{_PREFIX}{namespace}:{name}"


def groups(namespace: str) -> tuple[str, ...]:
    """The groups that every account of the namespace has, system:authenticated not among them."""
    return (_ALL_ACCOUNTS, f"{_ALL_ACCOUNTS}:{namespace}")


def split(user: str) -> tuple[str, str] | None:
    """(namespace, name) of a service account's user name; None for any other user."""
    if not user.startswith(_PREFIX):
        return None
    namespace, colon, name = user.removeprefix(_PREFIX).partition(":")
    if not colon or names.dns1123_label(namespace) or names.dns1123_subdomain(name):
        return None
    return namespace, name
