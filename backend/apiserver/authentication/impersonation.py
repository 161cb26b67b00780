"""Acting as somebody else, who is named in headers. Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation.

Whoever may `impersonate` the user, each of the groups, the uid and each extra value is then that user and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from backend.apiserver.authentication import accounts
from backend.apiserver.authorization.attributes import Attributes, Authorizer
from backend.apiserver.authorization.refusal import require
from backend.meta.types import User

PREFIX = b"impersonate-"
_USER = b"impersonate-user"
_GROUP = b"impersonate-group"
_UID = b"impersonate-uid"
_EXTRA = b"impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"

Headers = Iterable[tuple[bytes, bytes]]


class NobodyImpersonated(Exception):
    """Something of a user was asked for without the user; kube-apiserver takes that as its own fault."""


class _Wish(NamedTuple):
    """One thing to be. `key` is an extra's; `namespace` a service account's."""

    kind: str
    name: str
    namespace: str = ""
    key: str = ""

    def __str__(self) -> str:
        """As Go prints an ObjectReference."""
        version = f"{_AUTHENTICATION}/v1" if self.kind in ("UserExtra", "UID") else ""
        return f"{{{self.kind} {self.namespace} {self.name}  {version}  {self.key}}}"


def impersonated(user: User, headers: Headers, authorizer: Authorizer) -> User:
    """Whom the request is to be from; `user` where its headers name nobody.

    `headers` have lower-case names, repeated ones several times. Raises 403 for what `user` may not be, and
    NobodyImpersonated.
    """
    wishes = list(_wishes(headers))
    if not wishes:
        return user
    if wishes[0].kind not in ("User", "ServiceAccount"):
        listed = " ".join(map(str, wishes))
        raise NobodyImpersonated(f"requested [{listed}] without impersonating a user")
    for wish in wishes:
        require(authorizer, _attributes(user, wish))
    return _become(wishes)


def _wishes(headers: Headers) -> Iterator[_Wish]:
    """The user first, if there is one; then the rest in kube-apiserver's order."""
    given = [(name, value.decode("latin-1")) for name, value in headers if name.startswith(PREFIX)]
    name = next((value for header, value in given if header == _USER), "")
    if name:
        account = accounts.split(name)
        yield _Wish("User", name) if account is None else _Wish("ServiceAccount", account[1], account[0])
    for header, value in given:
        if header == _GROUP:
            yield _Wish("Group", value)
    for header, value in given:
        if header.startswith(_EXTRA):
            yield _Wish("UserExtra", value, key=unquote(header.removeprefix(_EXTRA).decode("latin-1").lower()))
    uid = next((value for header, value in given if header == _UID), "")
    if uid:
        yield _Wish("UID", uid)


def _attributes(user: User, wish: _Wish) -> Attributes:
    if wish.kind == "UserExtra":
        return Attributes(user, "impersonate", _AUTHENTICATION, "userextras", wish.key, name=wish.name)
    if wish.kind == "UID":
        return Attributes(user, "impersonate", _AUTHENTICATION, "uids", name=wish.name)
    plural = f"{wish.kind.lower()}s"
    return Attributes(user, "impersonate", "", plural, namespace=wish.namespace, name=wish.name)


def _become(wishes: list[_Wish]) -> User:
    who = wishes[0]
    name, groups = who.name, [wish.name for wish in wishes if wish.kind == "Group"]
    if who.kind == "ServiceAccount":
        name = accounts.username(who.namespace, who.name)
        groups = groups or list(accounts.groups(who.namespace))
    if name == accounts.ANONYMOUS:
        if accounts.UNAUTHENTICATED not in groups:
            groups.append(accounts.UNAUTHENTICATED)
    elif not {accounts.AUTHENTICATED, accounts.UNAUTHENTICATED} & set(groups):
        groups.append(accounts.AUTHENTICATED)
    extra: dict[str, tuple[str, ...]] = {}
    for wish in wishes:
        if wish.kind == "UserExtra":
            extra[wish.key] = (*extra.get(wish.key, ()), wish.name)
    uid = next((wish.name for wish in wishes if wish.kind == "UID"), "")
    return User(name, tuple(groups), uid, tuple(extra.items()))
