"""serviceaccounts/token: the claims of tokens, what they are bound to, and what is refused."""

from __future__ import annotations

import base64

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from backend.apiserver.authentication.claims import ISSUER
from backend.machinery.client import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from backend.meta import timefmt
from backend.meta.types import Obj
from tests.backend.apiserver.authentication.conftest import TokenCluster

POD = {"apiVersion": "v1", "kind": "Pod", "name": "p"}


def part(token: str, index: int) -> Obj:
    decoded: Obj = orjson.loads(base64.urlsafe_b64decode(token.split(".")[index] + "=="))
    return decoded


async def pod(cluster: TokenCluster, **spec: str) -> Obj:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}
    return await cluster.client.create(PODS, body, "default")


async def test_an_answer_says_what_was_asked_and_when_it_ends(cluster: TokenCluster) -> None:
    answer = await cluster.request_token()
    token = answer["status"].pop("token")
    assert answer == {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": "default", "namespace": "default", "creationTimestamp": timefmt.format_time(cluster.now),
        },
        "spec": {"audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None},
        "status": {"expirationTimestamp": timefmt.format_time(cluster.now + 3600)},
    }  # fmt: skip
    account = await cluster.client.get(SERVICE_ACCOUNTS, "default", "default")
    claims = part(token, 1)
    assert len(claims.pop("jti")) == 36
    now = int(cluster.now)
    assert claims == {
        "aud": [ISSUER], "exp": now + 3600, "iat": now, "nbf": now, "iss": ISSUER,
        "kubernetes.io": {
            "namespace": "default", "serviceaccount": {"name": "default", "uid": account["metadata"]["uid"]},
        },
        "sub": "system:serviceaccount:default:default",
    }  # fmt: skip
    assert part(token, 0) == {"alg": "ES256", "kid": cluster.key.key_id}


async def test_anybody_can_verify_a_token_by_the_published_key(cluster: TokenCluster) -> None:
    token = await cluster.token(audiences=["vault"])
    published = jwt.PyJWK.from_dict(cluster.key.jwk())
    assert jwt.decode(token, published, audience="vault")["sub"] == "system:serviceaccount:default:default"


async def test_a_pods_token_names_the_pod_and_its_node(cluster: TokenCluster) -> None:
    node = await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    made = await pod(cluster, nodeName="n")
    own = part(await cluster.token(boundObjectRef=POD), 1)["kubernetes.io"]
    assert own["pod"] == {"name": "p", "uid": made["metadata"]["uid"]}
    assert own["node"] == {"name": "n", "uid": node["metadata"]["uid"]}


async def test_a_node_that_is_gone_is_named_without_uid(cluster: TokenCluster) -> None:
    await pod(cluster, nodeName="lost")
    assert part(await cluster.token(boundObjectRef=POD), 1)["kubernetes.io"]["node"] == {"name": "lost"}


async def test_a_projected_token_outlives_what_was_asked_for(cluster: TokenCluster) -> None:
    await pod(cluster)
    answer = await cluster.request_token(boundObjectRef=POD, expirationSeconds=3607)
    claims = part(answer["status"]["token"], 1)
    now = int(cluster.now)
    assert claims["exp"] == now + 365 * 24 * 3600
    assert claims["kubernetes.io"]["warnafter"] == now + 3607
    assert answer["status"]["expirationTimestamp"] == timefmt.format_time(now + 3607)
    others = await cluster.token(boundObjectRef=POD, expirationSeconds=3607, audiences=["vault"])
    assert part(others, 1)["exp"] == now + 3607


async def test_a_token_can_be_bound_to_a_secret_or_a_node(cluster: TokenCluster) -> None:
    secret = await cluster.client.create(SECRETS, {"metadata": {"name": "s"}}, "default")
    node = await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    for kind, made in (("Secret", secret), ("Node", node)):
        meta = made["metadata"]
        reference = {"apiVersion": "v1", "kind": kind, "name": meta["name"], "uid": meta["uid"]}
        own = part(await cluster.token(boundObjectRef=reference), 1)["kubernetes.io"]
        assert own[kind.lower()] == {"name": meta["name"], "uid": meta["uid"]}


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        ({"expirationSeconds": 1}, 422,
         'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 1: '
         "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": 2**32 + 1}, 422,
         'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: '
         "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "lost"}}, 404, 'pods "lost" not found'),
        ({"boundObjectRef": {"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}}, 400,
         "cannot bind token to object of type /v1, Kind=ConfigMap"),
        ({"boundObjectRef": {"apiVersion": "apps/v1", "kind": "Pod", "name": "x"}}, 400,
         "cannot bind token to object of type apps/v1, Kind=Pod"),
    ],
)  # fmt: skip
async def test_what_is_refused(cluster: TokenCluster, spec: Obj, code: int, text: str) -> None:
    assert await cluster.refused(**spec) == (code, text)


async def test_the_account_must_be_there_and_be_meant(cluster: TokenCluster) -> None:
    assert await cluster.refused("lost") == (404, 'serviceaccounts "lost" not found')
    code, text = await cluster.refused(meta={"name": "other"})
    assert (code, text) == (
        422,
        'TokenRequest.authentication.k8s.io "default" is invalid: metadata.name: Invalid value: "other": '
        "must match the service account name if specified",
    )


async def test_a_pod_gives_tokens_of_its_own_account_only(cluster: TokenCluster) -> None:
    await pod(cluster)
    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "other"}}, "default")
    text = 'cannot bind token for serviceaccount "other" to pod running with different serviceaccount name.'
    assert await cluster.refused("other", boundObjectRef=POD) == (400, text)


async def test_a_bound_object_is_the_one_that_was_meant(cluster: TokenCluster) -> None:
    await pod(cluster)
    code, text = await cluster.refused(boundObjectRef={**POD, "uid": "old"})
    why = "the UID in the bound object reference (old) does not match the UID in record. "
    more = "The object might have been deleted and then recreated"
    assert (code, text) == (409, f'Operation cannot be fulfilled on Pod "p": {why}{more}')


async def test_a_key_that_is_not_ours_signs_nothing(cluster: TokenCluster) -> None:
    claims = part(await cluster.token(), 1)
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": cluster.key.key_id})
    assert (await cluster.review(forged))["error"].startswith("[invalid bearer token, ")
