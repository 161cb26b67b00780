"""Nobody gives away what they do not have."""

import pytest

from backend.meta.errors import ApiError
from tests.backend.apiserver.authorization.conftest import (
    BINDINGS,
    CLUSTER_BINDINGS,
    CLUSTER_ROLES,
    GROUP,
    ROLES,
    rule,
)

ALL = "roles rolebindings clusterroles clusterrolebindings"


@pytest.fixture
async def bob(policy):
    """May write roles and bindings, and read pods."""
    await policy.cluster_role("writer", rule("get create update patch", ALL, GROUP), rule("get list", "pods"))
    await policy.bind("writer", "User bob")
    return policy.client("bob", "dev")


async def refusal(awaitable):
    with pytest.raises(ApiError) as caught:
        await awaitable
    assert caught.value.code == 403
    return caught.value.message


def role(*rules, name="r", **fields):
    return {"metadata": {"name": name}, "rules": [*rules], **fields}


async def test_a_role_may_hold_what_its_author_may_do(bob):
    made = await bob.create(ROLES, role(rule("get", "pods"), rule("list", "pods")), "default")
    assert len(made["rules"]) == 2
    named = role(rule("get", "pods", "", "one"), name="named")
    assert (await bob.create(ROLES, named, "default"))["metadata"]["name"] == "named"


async def test_a_role_may_not_hold_more(bob):
    wanted = role(
        rule("get list delete", "pods nodes"),
        rule("get", "secrets", "", "a", "b"),
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
        name="c",
    )
    assert await refusal(bob.create(CLUSTER_ROLES, wanted)) == (
        'clusterroles.rbac.authorization.k8s.io "c" is forbidden: user "bob" (groups=["dev" "system:authenticated"])'
        " is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list" "delete"]}\n'
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}\n'
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}\n'
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}'
    )


async def test_nor_get_more_later(bob, policy):
    made = await bob.create(ROLES, role(rule("get", "pods")), "default")
    message = await refusal(bob.update(ROLES, {**made, "rules": [rule("*", "pods")]}))
    assert message.endswith('not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["*"]}')
    message = await refusal(bob.patch(ROLES, "r", {"rules": [rule("get", "secrets")]}, "default"))
    assert '"secrets"' in message


async def test_a_role_that_holds_more_may_be_touched_by_the_garbage_collector_only(bob, policy):
    made = await policy.admin.create(ROLES, role(rule("get", "secrets")), "default")
    finalizers = {**made["metadata"], "finalizers": ["a.b/c"]}
    kept = await bob.update(ROLES, {**made, "metadata": finalizers})
    assert kept["metadata"]["finalizers"] == ["a.b/c"]
    labels = {**kept["metadata"], "labels": {"a": "b"}}
    assert "not currently held" in await refusal(bob.update(ROLES, {**kept, "metadata": labels}))


async def test_whoever_may_escalate_may_give_more(bob, policy):
    await policy.cluster_role("escalator", rule("escalate", "roles", GROUP))
    await policy.bind("escalator", "User bob", namespace="default")
    await bob.create(ROLES, role(rule("*", "*", "*")), "default")
    assert "not currently held" in await refusal(bob.create(ROLES, role(rule("*", "*", "*")), "kube-system"))


async def test_an_aggregation_needs_everything(bob, policy):
    aggregation = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    wanted = role(name="sum", aggregationRule=aggregation)
    assert await refusal(bob.create(CLUSTER_ROLES, wanted)) == (
        'clusterroles.rbac.authorization.k8s.io "sum" is forbidden: must have cluster-admin privileges to use the'
        " aggregationRule"
    )
    await policy.cluster_role("all", rule("*", "*", "*"), {"verbs": ["*"], "nonResourceURLs": ["*"]})
    await policy.bind("all", "User bob")
    await bob.create(CLUSTER_ROLES, role(name="sum", aggregationRule=aggregation))


def binding(name, kind="ClusterRole"):
    return {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
        "subjects": [{"kind": "User", "name": "eve"}],
    }


async def test_a_binding_gives_what_its_author_may_do(bob, policy):
    await policy.cluster_role("reader", rule("get", "pods"))
    await policy.cluster_role("thief", rule("get", "secrets"))
    await bob.create(BINDINGS, binding("reader"), "default")
    assert policy.ask("eve", "get", "pods", "default").allowed
    assert (await refusal(bob.create(CLUSTER_BINDINGS, binding("thief")))).startswith(
        'clusterrolebindings.rbac.authorization.k8s.io "b" is forbidden: user "bob"'
    )


async def test_whoever_may_bind_a_role_may_give_it(bob, policy):
    await policy.cluster_role("thief", rule("get", "secrets"))
    await policy.cluster_role("binder", rule("bind", "clusterroles", GROUP, "thief"))
    await policy.bind("binder", "User bob", namespace="default")
    await bob.create(BINDINGS, binding("thief"), "default")
    assert "not currently held" in await refusal(bob.create(BINDINGS, binding("thief"), "kube-system"))


async def test_a_role_that_is_not_there_cannot_be_given(bob, policy):
    with pytest.raises(ApiError) as caught:
        await bob.create(BINDINGS, binding("nowhere"), "default")
    assert (caught.value.code, caught.value.message) == (
        404,
        'clusterroles.rbac.authorization.k8s.io "nowhere" not found',
    )
    assert (await policy.admin.create(BINDINGS, binding("nowhere"), "default"))["roleRef"]["name"] == "nowhere"


async def test_what_could_not_be_found_is_said(bob, policy):
    await policy.bind("lost", "User bob")
    message = await refusal(bob.create(ROLES, role(rule("get", "secrets")), "default"))
    assert message.endswith('; resolution errors: [clusterrole.rbac.authorization.k8s.io "lost" not found]')


async def test_faults_come_before_nothing_is_held(bob):
    """A binding that is no binding is told what it lacks, not what its author may not do."""
    with pytest.raises(ApiError) as caught:
        await bob.create(BINDINGS, {"metadata": {"name": "b"}, "roleRef": {"kind": "", "name": ""}}, "default")
    assert caught.value.code == 422
