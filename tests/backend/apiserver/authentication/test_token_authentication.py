"""Who a token is, and how long: its time, its audience, and the life of what it is bound to."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from backend.apiserver.authentication.authenticator import Authenticator
from backend.apiserver.authentication.bound_objects import TokenRefused
from backend.apiserver.authentication.claims import ISSUER, legacy_claims
from backend.machinery.client import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, Obj, User
from tests.backend.apiserver.authentication.conftest import ADMIN_TOKEN, TokenCluster


def bearer(token: str) -> Mapping[bytes, bytes]:
    return {b"authorization": f"Bearer {token}".encode()}


def user(cluster: TokenCluster, headers: Mapping[bytes, bytes], **state: object) -> User:
    return Authenticator(cluster.tokens).user(state, headers)


def refusal(cluster: TokenCluster, token: str, *audiences: str) -> str:
    with pytest.raises(TokenRefused) as caught:
        cluster.tokens.authenticate(token, audiences or (ISSUER,))
    with pytest.raises(ApiError, match="Unauthorized"):
        user(cluster, bearer(token))
    return str(caught.value)


async def pod_token(cluster: TokenCluster) -> tuple[Obj, str]:
    await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "n"}}
    pod = await cluster.client.create(PODS, body, "default")
    return pod, await cluster.token(boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "p"})


async def test_a_token_is_its_account_in_its_groups(cluster: TokenCluster) -> None:
    account = await cluster.client.get(SERVICE_ACCOUNTS, "default", "default")
    found = user(cluster, bearer(await cluster.token()))
    assert found.name == "system:serviceaccount:default:default"
    assert found.uid == account["metadata"]["uid"]
    assert found.groups == ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated")
    ((key, (credential,)),) = found.extra
    assert key == "authentication.kubernetes.io/credential-id"
    assert credential.startswith("JTI=")


async def test_a_pods_token_tells_pod_and_node(cluster: TokenCluster) -> None:
    pod, token = await pod_token(cluster)
    extra = dict(user(cluster, bearer(token)).extra)
    assert extra["authentication.kubernetes.io/pod-name"] == ("p",)
    assert extra["authentication.kubernetes.io/pod-uid"] == (pod["metadata"]["uid"],)
    assert extra["authentication.kubernetes.io/node-name"] == ("n",)


async def test_a_token_ends(cluster: TokenCluster) -> None:
    token = await cluster.token()
    cluster.now += 3600 + 59
    assert user(cluster, bearer(token))
    cluster.now += 2
    assert refusal(cluster, token) == "service account token has expired"


async def test_a_token_begins(cluster: TokenCluster) -> None:
    token = await cluster.token()
    cluster.now -= 61
    assert refusal(cluster, token) == "service account token is not valid yet"


async def test_a_token_is_for_its_audience(cluster: TokenCluster) -> None:
    token = await cluster.token(audiences=["vault", "bank"])
    text = f'token audiences ["vault" "bank"] is invalid for the target audiences ["{ISSUER}"]'
    assert refusal(cluster, token) == text
    status = await cluster.review(token, "bank", "shop")
    assert (status["authenticated"], status["audiences"]) == (True, ["bank"])


async def test_a_token_dies_with_its_account(cluster: TokenCluster) -> None:
    token = await cluster.token()
    assert user(cluster, bearer(token))
    await cluster.client.delete(SERVICE_ACCOUNTS, "default", "default")
    assert refusal(cluster, token) == 'serviceaccounts "default" not found'
    made = await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    assert refusal(cluster, token).startswith(f"service account UID ({made['metadata']['uid']}) does not match")


async def test_a_token_dies_with_its_pod(cluster: TokenCluster) -> None:
    _, token = await pod_token(cluster)
    assert user(cluster, bearer(token))
    await cluster.client.delete(PODS, "p", "default", {"gracePeriodSeconds": 0})
    assert refusal(cluster, token) == "service account token has been invalidated"


async def test_a_pod_that_is_ending_keeps_its_token_until_a_minute_after_its_time(cluster: TokenCluster) -> None:
    _, token = await pod_token(cluster)
    await cluster.client.delete(PODS, "p", "default", {"gracePeriodSeconds": 30})
    cluster.now += 89
    assert user(cluster, bearer(token))
    cluster.now += 3
    assert refusal(cluster, token) == "service account token has been invalidated"


async def test_a_token_that_is_kept_in_a_secret_is_valid_while_it_is_kept(cluster: TokenCluster) -> None:
    account = await cluster.client.get(SERVICE_ACCOUNTS, "default", "default")
    token = cluster.accounts.sign(legacy_claims(account, "s"))
    data = {"token": base64.b64encode(token.encode()).decode()}
    secret = await cluster.client.create(SECRETS, {"metadata": {"name": "s"}, "data": data}, "default")
    assert user(cluster, bearer(token)).name == "system:serviceaccount:default:default"
    await cluster.client.update(SECRETS, {**secret, "data": {"token": ""}})
    assert refusal(cluster, token) == "token does not match server's copy"
    await cluster.client.delete(SECRETS, "s", "default")
    assert refusal(cluster, token) == "service account token has been invalidated"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.e30", "é", "." * 20_000])
async def test_what_is_no_token_is_nobody(cluster: TokenCluster, token: str) -> None:
    with pytest.raises(ApiError) as caught:
        user(cluster, {b"authorization": b"Bearer " + token.encode()})
    assert (caught.value.code, caught.value.message) == (401, "Unauthorized")


async def test_the_administrator_has_a_token(cluster: TokenCluster) -> None:
    assert user(cluster, bearer(ADMIN_TOKEN)) == ADMIN
    assert (await cluster.review(ADMIN_TOKEN))["user"]["username"] == "kubernetes-admin"
    assert (await cluster.review("another"))["error"] == "invalid bearer token"


async def test_who_owns_the_socket_may_be_another_by_token(cluster: TokenCluster) -> None:
    token = await cluster.token()
    assert user(cluster, {}, user=ADMIN, local=True) == ADMIN
    assert user(cluster, bearer(token), user=ADMIN, local=True).name == "system:serviceaccount:default:default"
    assert user(cluster, bearer(token), user=User("cert")) == User("cert")


async def test_a_websocket_may_have_its_token_as_a_protocol(cluster: TokenCluster) -> None:
    encoded = base64.urlsafe_b64encode(ADMIN_TOKEN.encode()).rstrip(b"=").decode()
    offered = f"v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.{encoded}"
    assert user(cluster, {b"sec-websocket-protocol": offered.encode()}) == ADMIN


async def test_everybody_can_ask_who_they_are(cluster: TokenCluster) -> None:
    asker = User("jane", ("devs", "system:masters"), "u1", (("scopes", ("a", "b")),))
    assert await cluster.who_am_i(asker) == {
        "username": "jane", "uid": "u1", "groups": ["devs", "system:masters"],
        "extra": {"scopes": ["a", "b"]},
    }  # fmt: skip
