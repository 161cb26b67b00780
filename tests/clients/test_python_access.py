"""The official Python client (`kubernetes`): who it is, what it may do, tokens, certificates, life in a pod."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from kubernetes import client, config
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.watch import Watch

from tests.support.csr import pkcs10


@pytest.fixture
def reader(python_client: ApiClient, namespace: str) -> str:
    """A service account that may read the pods of its namespace."""
    client.CoreV1Api(python_client).create_namespaced_service_account(namespace, {"metadata": {"name": "reader"}})
    rbac = client.RbacAuthorizationV1Api(python_client)
    rules = [client.V1PolicyRule(api_groups=[""], resources=["pods"], verbs=["get", "list"])]
    rbac.create_namespaced_role(namespace, client.V1Role(metadata={"name": "reads-pods"}, rules=rules))
    subject = client.RbacV1Subject(kind="ServiceAccount", name="reader", namespace=namespace)
    reference = client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name="reads-pods")
    binding = client.V1RoleBinding(metadata={"name": "reader"}, subjects=[subject], role_ref=reference)
    rbac.create_namespaced_role_binding(namespace, binding)
    return f"system:serviceaccount:{namespace}:reader"


def token_of(python_client: ApiClient, namespace: str, **spec: object) -> client.AuthenticationV1TokenRequest:
    body = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(**{"audiences": ["https://kubernetes.default.svc.cluster.local"], **spec})
    )
    return client.CoreV1Api(python_client).create_namespaced_service_account_token("reader", namespace, body)


@contextmanager
def speaking_as(python_client: ApiClient, **settings: object) -> Iterator[ApiClient]:
    """A client that knows the server and its CA, and has only the credentials given."""
    made = client.Configuration(host=python_client.configuration.host)
    made.ssl_ca_cert = python_client.configuration.ssl_ca_cert
    for name, value in settings.items():
        setattr(made, name, value)
    with ApiClient(made) as api:
        yield api


def user_of(api: ApiClient) -> client.V1UserInfo:
    review = client.AuthenticationV1Api(api).create_self_subject_review(client.V1SelfSubjectReview())
    return review.status.user_info


def test_reviews_tell_what_may_be_done(python_client: ApiClient, reader: str, namespace: str) -> None:
    authorization = client.AuthorizationV1Api(python_client)

    def allowed(verb: str, resource: str) -> bool:
        attributes = client.V1ResourceAttributes(namespace=namespace, verb=verb, resource=resource)
        spec = client.V1SubjectAccessReviewSpec(resource_attributes=attributes, user=reader)
        return authorization.create_subject_access_review(client.V1SubjectAccessReview(spec=spec)).status.allowed

    assert (allowed("list", "pods"), allowed("delete", "pods"), allowed("list", "secrets")) == (True, False, False)
    attributes = client.V1ResourceAttributes(verb="*", resource="*", group="*")
    own = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    )
    assert authorization.create_self_subject_access_review(own).status.allowed
    rules = authorization.create_self_subject_rules_review(
        client.V1SelfSubjectRulesReview(spec=client.V1SelfSubjectRulesReviewSpec(namespace=namespace))
    ).status
    assert rules.incomplete is False
    assert any(rule.verbs == ["*"] and rule.resources == ["*"] for rule in rules.resource_rules)


def test_a_requested_token_is_its_account_while_the_account_lives(
    python_client: ApiClient, reader: str, namespace: str
) -> None:
    requested = token_of(python_client, namespace, expiration_seconds=600).status
    reviews = client.AuthenticationV1Api(python_client)
    review = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=requested.token))
    assert reviews.create_token_review(review).status.user.username == reader
    settings = {"api_key": {"authorization": requested.token}, "api_key_prefix": {"authorization": "Bearer"}}
    with speaking_as(python_client, **settings) as api:
        core = client.CoreV1Api(api)
        assert user_of(api).username == reader
        assert core.list_namespaced_pod(namespace).items == []
        with pytest.raises(ApiException) as refused:
            core.list_namespaced_secret(namespace)
        assert f'User \\"{reader}\\" cannot list resource \\"secrets\\"' in refused.value.body
        client.CoreV1Api(python_client).delete_namespaced_service_account("reader", namespace)
        with pytest.raises(ApiException) as gone:
            core.list_namespaced_pod(namespace)
        assert (gone.value.status, gone.value.reason) == (401, "Unauthorized")
    assert reviews.create_token_review(review).status.authenticated is None


def test_a_client_that_thinks_it_is_in_a_pod(
    python_client: ApiClient, reader: str, namespace: str, tmp_path: Path
) -> None:
    """With the files that a pod's volume has and the variables that its containers have."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    roots = client.CoreV1Api(python_client).read_namespaced_config_map("kube-root-ca.crt", namespace)
    authority.write_text(roots.data["ca.crt"])
    token.write_text(token_of(python_client, namespace).status.token)
    host, port = python_client.configuration.host.removeprefix("https://").split(":")
    made = client.Configuration()
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    InClusterConfigLoader(str(token), str(authority), environ=environment).load_and_set(made)
    with ApiClient(made) as api:
        assert user_of(api).username == reader
        assert client.CoreV1Api(api).list_namespaced_pod(namespace).kind == "PodList"


def test_a_certificate_is_requested_approved_and_used(python_client: ApiClient, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificates = client.CertificatesV1Api(python_client)
    spec = client.V1CertificateSigningRequestSpec(
        request=base64.b64encode(pkcs10("jane", ["devs"], key=key)).decode(), usages=["client auth"],
        signer_name="kubernetes.io/kube-apiserver-client",
    )  # fmt: skip
    request = client.V1CertificateSigningRequest(metadata=client.V1ObjectMeta(name="jane"), spec=spec)
    made = certificates.create_certificate_signing_request(request)
    approved = client.V1CertificateSigningRequestCondition(type="Approved", status="True", reason="ByTest")
    made.status.conditions = [approved]
    certificates.replace_certificate_signing_request_approval("jane", made)
    issued, watching = None, Watch()
    stream = watching.stream(
        certificates.list_certificate_signing_request, field_selector="metadata.name=jane", timeout_seconds=20
    )
    for event in stream:
        if issued := event["object"].status.certificate:
            watching.stop()
    assert issued is not None
    (tmp_path / "crt").write_bytes(base64.b64decode(issued))
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with speaking_as(python_client, cert_file=str(tmp_path / "crt"), key_file=str(tmp_path / "key")) as api:
        user = user_of(api)
        assert (user.username, user.groups) == ("jane", ["devs", "system:authenticated"])
        with pytest.raises(ApiException) as refused:
            client.CoreV1Api(api).list_namespace()
        assert refused.value.status == 403
    certificates.delete_certificate_signing_request("jane")


def test_an_unknown_client_is_told_so(python_client: ApiClient) -> None:
    with speaking_as(python_client) as api:
        with pytest.raises(ApiException) as unknown:
            client.CoreV1Api(api).list_namespace()
        assert unknown.value.status == 401


def test_a_kubeconfig_is_read_from_a_dict(kubeconfig: Path) -> None:
    with config.new_client_from_config_dict(yaml.safe_load(kubeconfig.read_text())) as api:
        assert client.VersionApi(api).get_code().git_version.startswith("v1.37")
