"""SubjectAccessReview and its like: questions that are answered and not stored."""

import pytest

from backend.machinery.client import GVR
from backend.meta.errors import ApiError
from tests.backend.apiserver.authorization.conftest import rule

LOCAL, SELF, RULES, SUBJECT = (
    GVR("authorization.k8s.io", "v1", name)
    for name in (
        "localsubjectaccessreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "subjectaccessreviews",
    )
)
PODS_GET = {"verb": "get", "resource": "pods", "namespace": "default"}


@pytest.fixture
async def bob(bootstrapped):
    await bootstrapped.cluster_role("reader", rule("get", "pods"))
    await bootstrapped.bind("reader", "User bob")
    return bootstrapped.client("bob")


async def refusal(awaitable):
    with pytest.raises(ApiError) as caught:
        await awaitable
    return caught.value.code, caught.value.message


async def test_one_may_ask_about_oneself(bob, bootstrapped):
    before = bootstrapped.plane.store.revision
    review = await bob.create(SELF, {"spec": {"resourceAttributes": PODS_GET}})
    assert review["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by ClusterRoleBinding "reader-bound" of ClusterRole "reader" to User "bob"',
    }
    assert review["spec"] == {"resourceAttributes": PODS_GET}
    [manager] = review["metadata"]["managedFields"]
    assert list(manager["fieldsV1"]) == ["f:spec"]
    refused = await bob.create(SELF, {"spec": {"resourceAttributes": {**PODS_GET, "verb": "list"}}})
    assert refused["status"] == {"allowed": False}
    url = await bob.create(SELF, {"spec": {"nonResourceAttributes": {"path": "/api/v1", "verb": "get"}}})
    assert url["status"]["allowed"]
    assert bootstrapped.plane.store.revision == before


async def test_only_some_may_ask_about_others(bob, bootstrapped):
    spec = {"user": "bob", "resourceAttributes": PODS_GET}
    code, message = await refusal(bob.create(SUBJECT, {"spec": spec}))
    assert code == 403
    assert message.startswith("subjectaccessreviews.authorization.k8s.io is forbidden")
    answers = [
        (await bootstrapped.admin.create(SUBJECT, {"spec": {**spec, **subject}}))["status"]["allowed"]
        for subject in (
            {},
            {"user": "eve"},
            {"user": "eve", "groups": ["system:masters"]},
            {"user": "", "groups": ["x"]},
        )
    ]
    assert answers == [True, False, True, False]


async def test_a_local_review_is_of_its_namespace(bootstrapped):
    admin = bootstrapped.admin
    spec = {"user": "bob", "resourceAttributes": PODS_GET}
    meta = {"namespace": "default"}
    review = await admin.create(LOCAL, {"metadata": meta, "spec": spec}, "default")
    assert review["status"] == {"allowed": False}
    elsewhere = {**spec, "resourceAttributes": {**PODS_GET, "namespace": "x"}}
    assert await refusal(admin.create(LOCAL, {"metadata": meta, "spec": elsewhere}, "default")) == (
        422,
        '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "x": must match'
        " metadata.namespace",
    )
    url = {"user": "bob", "nonResourceAttributes": {"path": "/", "verb": "get"}}
    assert await refusal(admin.create(LOCAL, {"metadata": meta, "spec": url}, "default")) == (
        422,
        '.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value:'
        ' {"Path":"/","Verb":"get"}: disallowed on this kind of request',
    )


@pytest.mark.parametrize(
    ("review", "fault"),
    [
        (
            {"spec": {}},
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or"
            " resourceAttributes must be specified",
        ),
        (
            {"spec": {"resourceAttributes": PODS_GET, "nonResourceAttributes": {"path": "/"}}},
            'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination'
            " with resourceAttributes",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"resourceAttributes": PODS_GET}},
            'metadata: Invalid value: {"name":"x"}: must be empty',
        ),
    ],
)
async def test_a_review_asks_one_thing(bootstrapped, review, fault):
    code, message = await refusal(bootstrapped.admin.create(SELF, review))
    assert (code, message) == (422, f'.authorization.k8s.io "" is invalid: {fault}')


async def test_a_subject_is_somebody(bootstrapped):
    code, message = await refusal(bootstrapped.admin.create(SUBJECT, {"spec": {"resourceAttributes": PODS_GET}}))
    assert (code, message) == (
        422,
        '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be'
        " specified",
    )


async def test_all_that_one_may_do(bob, bootstrapped):
    assert await refusal(bob.create(RULES, {"spec": {}})) == (400, "no namespace on request")
    review = await bob.create(RULES, {"spec": {"namespace": "default"}})
    status = review["status"]
    assert {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]} in status["resourceRules"]
    assert status["incomplete"] is False
    assert "evaluationError" not in status
    assert any("/api/*" in each["nonResourceURLs"] for each in status["nonResourceRules"])
    assert (review["metadata"], review["spec"]) == ({}, {})
    await bootstrapped.bind("nowhere", "User bob")
    review = await bob.create(RULES, {"spec": {"namespace": "default"}})
    assert review["status"]["evaluationError"] == ('clusterrole.rbac.authorization.k8s.io "nowhere" not found')


async def test_what_nodes_may_do_is_not_told(bootstrapped):
    node = bootstrapped.client("system:node:n", "system:nodes")
    review = await node.create(RULES, {"spec": {"namespace": "default"}})
    assert review["status"]["evaluationError"] == "node authorizer does not support user rule resolution"


@pytest.mark.parametrize(
    ("selector", "fault"),
    [
        ({"fieldSelector": {"rawSelector": "a=b"}}, ""),
        ({"labelSelector": {"requirements": [{"key": "a", "operator": "Resembles", "values": ["b"]}]}}, ""),
        (
            {"fieldSelector": {}},
            "fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified,"
            " requirements or rawSelector is required",
        ),
        (
            {"labelSelector": {"rawSelector": "a", "requirements": [{"key": "a", "operator": "Exists"}]}},
            'labelSelector.rawSelector: Invalid value: "a": may not specified at the same time as requirements',
        ),
        (
            {"fieldSelector": {"requirements": [{"operator": "Exists"}]}},
            "fieldSelector.requirements[0].key: Required value: must be specified",
        ),
        (
            {"fieldSelector": {"requirements": [{"key": "a", "operator": "In"}]}},
            "fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or"
            " 'NotIn'",
        ),
        (
            {"labelSelector": {"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
            "labelSelector.requirements[0].values: Forbidden: may not be specified when `operator` is 'Exists' or"
            " 'DoesNotExist'",
        ),
    ],
)
async def test_selectors_are_sound(bootstrapped, selector, fault):
    review = {"spec": {"resourceAttributes": {**PODS_GET, **selector}}}
    if not fault:
        assert (await bootstrapped.admin.create(SELF, review))["status"]["allowed"]
        return
    code, message = await refusal(bootstrapped.admin.create(SELF, review))
    assert (code, message) == (422, f'.authorization.k8s.io "" is invalid: spec.resourceAttributes.{fault}')
