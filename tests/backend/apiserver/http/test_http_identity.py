"""Acting as somebody else over HTTP, and what tells others how to verify our tokens."""

from __future__ import annotations

from pathlib import Path

import jwt
import orjson
import pytest

from backend.apiserver import pki
from backend.apiserver.authentication.claims import ISSUER
from backend.apiserver.authentication.impersonation import NobodyImpersonated, impersonated
from backend.apiserver.authentication.signing_key import SigningKey
from backend.apiserver.authorization.attributes import ALLOWED, REFUSED, Attributes, Decision
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, User
from tests.backend.apiserver.http.conftest import Running

JANE = User("jane", ("system:authenticated",))


class Allowing:
    """Allows what is in `allowed`, as (resource, name); `asked` has all that was asked for."""

    def __init__(self, *allowed: tuple[str, str]) -> None:
        self.allowed = allowed
        self.asked: list[Attributes] = []

    def authorize(self, attributes: Attributes) -> Decision:
        self.asked.append(attributes)
        return ALLOWED if (attributes.resource, attributes.name) in self.allowed else REFUSED


def headers(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in pairs]


def become(*pairs: tuple[str, str]) -> User:
    return impersonated(ADMIN, headers(*pairs), Allowing())


def test_a_user_is_authenticated_whoever_it_is() -> None:
    assert become(("Impersonate-User", "bob")) == User("bob", ("system:authenticated",))
    groups = become(("Impersonate-User", "bob"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")).groups
    assert groups == ("a", "b", "system:authenticated")
    named = (("Impersonate-User", "bob"), ("Impersonate-Group", "system:unauthenticated"))
    assert become(*named).groups == ("system:unauthenticated",)
    assert become(("Impersonate-User", "system:anonymous")).groups == ("system:unauthenticated",)


def test_an_account_has_its_groups_unless_others_are_given() -> None:
    account = ("Impersonate-User", "system:serviceaccount:ns:a")
    own = ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    assert become(account) == User("system:serviceaccount:ns:a", own)
    assert become(account, ("Impersonate-Group", "g")).groups == ("g", "system:authenticated")


def test_a_uid_and_extras_go_along() -> None:
    found = become(
        ("Impersonate-User", "bob"), ("Impersonate-Uid", "u1"), ("Impersonate-Extra-Scopes", "a"),
        ("Impersonate-Extra-Scopes", "b"), ("Impersonate-Extra-Example.com%2fkey", "c"),
    )  # fmt: skip
    assert (found.uid, dict(found.extra)) == ("u1", {"scopes": ("a", "b"), "example.com/key": ("c",)})


@pytest.mark.parametrize(
    ("pairs", "refused"),
    [
        ([("Impersonate-User", "bob")],
         'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group ""'
         " at the cluster scope"),
        ([("Impersonate-User", "system:serviceaccount:ns:a")],
         'serviceaccounts "a" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group ""'
         ' in the namespace "ns"'),
        ([("Impersonate-User", "amy"), ("Impersonate-Group", "g")],
         'groups "g" is forbidden: User "jane" cannot impersonate resource "groups" in API group ""'
         " at the cluster scope"),
        ([("Impersonate-User", "amy"), ("Impersonate-Uid", "u")],
         'uids.authentication.k8s.io "u" is forbidden: User "jane" cannot impersonate resource "uids" in API group'
         ' "authentication.k8s.io" at the cluster scope'),
        ([("Impersonate-User", "amy"), ("Impersonate-Extra-Scopes", "all")],
         'userextras.authentication.k8s.io "all" is forbidden: User "jane" cannot impersonate resource'
         ' "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope'),
    ],
)  # fmt: skip
def test_each_part_must_be_allowed(pairs: list[tuple[str, str]], refused: str) -> None:
    with pytest.raises(ApiError) as caught:
        impersonated(JANE, headers(*pairs), Allowing(("users", "amy")))
    assert (caught.value.code, caught.value.message) == (403, refused)


def test_without_headers_everybody_is_who_they_are() -> None:
    assert impersonated(JANE, headers(("Accept", "x"), ("Impersonate-User", "")), Allowing()) is JANE


def test_a_group_needs_a_user() -> None:
    with pytest.raises(NobodyImpersonated) as caught:
        become(("Impersonate-Group", "g"), ("Impersonate-Uid", "u"))
    text = "requested [{Group  g    } {UID  u  authentication.k8s.io/v1  }] without impersonating a user"
    assert str(caught.value) == text


async def test_requests_are_from_whom_the_headers_name(running: Running) -> None:
    path = "/api/v1/namespaces/default/secrets"
    await running.get(path, impersonate_user="system:admin", impersonate_group="system:masters")
    ((request, _, _),) = running.handler.asked
    assert request.user == User("system:admin", ("system:masters", "system:authenticated"))


async def test_a_group_without_a_user_is_a_plain_500(running: Running) -> None:
    reply = await running.get("/api/v1/pods?limit=1", impersonate_group="g")
    text = (
        'Internal Server Error: "/api/v1/pods?limit=1": requested [{Group  g    }] without impersonating a user\n'
    )
    assert (reply.code, reply.body.decode()) == (500, text)


async def test_a_certificate_tells_from_which_credential_a_user_is(running: Running, tmp_path: Path) -> None:
    certificate = pki.client_certificate(running.keys, "jane", ["system:masters"])
    connection = await running.tls(certificate, tmp_path)
    await connection.request("GET", "/api/v1/namespaces/default/secrets")
    ((request, _, _),) = running.handler.asked
    assert request.user.name == "jane"
    ((key, (value,)),) = request.user.extra
    assert key == "authentication.kubernetes.io/credential-id"
    assert len(value) == len("X509SHA256=") + 64


async def test_others_can_find_our_keys_and_verify(running: Running) -> None:
    reply = await running.get("/.well-known/openid-configuration")
    assert reply.json == {
        "issuer": ISSUER, "jwks_uri": "https://127.0.0.1:6443/openid/v1/jwks",
        "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }  # fmt: skip
    assert reply.headers["cache-control"] == "public, max-age=3600"
    published = await running.get("/openid/v1/jwks")
    assert published.headers["content-type"] == "application/jwk-set+json"
    token = SigningKey(running.keys.service_account_key).sign({"sub": "x"})
    key = jwt.PyJWKSet.from_dict(orjson.loads(published.body))[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key)["sub"] == "x"
