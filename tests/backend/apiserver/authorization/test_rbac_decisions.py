"""Who may do what: rules, bindings, scopes, and that changes count at once."""

import asyncio

import pytest

from backend.apiserver.authorization.attributes import Attributes
from backend.apiserver.authorization.rules import Rule
from backend.machinery.client import PODS, SECRETS
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, User
from tests.backend.apiserver.authorization.conftest import (
    BINDINGS,
    CLUSTER_BINDINGS,
    CLUSTER_ROLES,
    ROLES,
    rule,
)

BOB = User("bob", ("dev", "system:authenticated"))


def asked(verb, resource="", group="", path="", name=""):
    resource, _, subresource = resource.partition("/")
    return Attributes(BOB, verb, group, resource, subresource, "", name, path)


@pytest.mark.parametrize(
    ("source", "attributes", "expected"),
    [
        (rule("get", "pods"), asked("get", "pods"), True),
        (rule("get", "pods"), asked("list", "pods"), False),
        (rule("*", "pods"), asked("frob", "pods"), True),
        (rule("get", "pods"), asked("get", "pods", "apps"), False),
        (rule("get", "pods", "*"), asked("get", "pods", "apps"), True),
        (rule("get", "pods"), asked("get", "pods/log"), False),
        (rule("get", "pods/log"), asked("get", "pods/log"), True),
        (rule("get", "pods/log"), asked("get", "pods"), False),
        (rule("get", "*/scale"), asked("get", "pods/scale"), True),
        (rule("get", "*/scale"), asked("get", "pods"), False),
        (rule("get", "*"), asked("get", "pods/anything"), True),
        (rule("get", "*"), asked("get", path="/healthz"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["/a", "/b/*"]}, asked("get", path="/a"), True),
        ({"verbs": ["get"], "nonResourceURLs": ["/a", "/b/*"]}, asked("get", path="/a/c"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["/a", "/b/*"]}, asked("get", path="/b/c/d"), True),
        ({"verbs": ["get"], "nonResourceURLs": ["/a", "/b/*"]}, asked("get", path="/b"), False),
        ({"verbs": ["*"], "nonResourceURLs": ["*"]}, asked("put", path="/any"), True),
        ({"verbs": ["*"], "nonResourceURLs": ["*"]}, asked("get", "pods"), False),
    ],
)
def test_what_a_rule_matches(source, attributes, expected):
    assert Rule(source).matches(attributes) is expected


async def test_masters_need_no_role(policy):
    assert policy.ask(ADMIN, "delete", "nodes").allowed
    assert policy.ask(ADMIN, "get", path="/anything").allowed


async def test_nobody_else_may_do_anything(policy):
    assert policy.ask("bob", "get", "pods", "default") == (False, "")


async def test_a_role_counts_in_its_namespace(policy):
    await policy.admin.create(ROLES, {"metadata": {"name": "r"}, "rules": [rule("get", "pods")]}, "default")
    await policy.bind("r", "User bob", namespace="default", kind="Role")
    assert policy.ask("bob", "get", "pods", "default") == (
        True,
        'RBAC: allowed by RoleBinding "r-bound/default" of Role "r" to User "bob"',
    )
    assert not policy.ask("bob", "get", "pods", "kube-system").allowed
    assert not policy.ask("bob", "get", "pods").allowed


async def test_a_cluster_role_counts_where_it_is_bound(policy):
    await policy.cluster_role("c", rule("get", "pods"))
    await policy.bind("c", "Group dev", namespace="default")
    assert policy.ask(BOB, "get", "pods", "default").allowed
    assert not policy.ask(BOB, "get", "pods").allowed
    await policy.bind("c", "Group dev")
    assert policy.ask(BOB, "get", "pods", "kube-system") == (
        True,
        'RBAC: allowed by ClusterRoleBinding "c-bound" of ClusterRole "c" to Group "dev"',
    )


async def test_a_service_account_is_a_user(policy):
    await policy.cluster_role("c", rule("get", "pods"))
    await policy.bind("c", "ServiceAccount sa", namespace="default")
    account = "system:serviceaccount:default:sa"
    assert policy.ask(account, "get", "pods", "default").reason.endswith('to ServiceAccount "sa/default"')
    assert not policy.ask("system:serviceaccount:kube-system:sa", "get", "pods", "default").allowed
    assert not policy.ask("sa", "get", "pods", "default").allowed


async def test_names_are_looked_at_each_time(policy):
    await policy.cluster_role("c", rule("get", "secrets", "", "a", "b"))
    await policy.bind("c", "User bob")
    assert policy.ask("bob", "get", "secrets", "default", name="a").allowed
    assert not policy.ask("bob", "get", "secrets", "default", name="c").allowed
    assert policy.ask("bob", "get", "secrets", "default", name="b").allowed
    assert not policy.ask("bob", "get", "secrets", "default").allowed


async def test_a_change_counts_at_once(policy):
    role = await policy.cluster_role("c", rule("get", "pods"))
    binding = await policy.bind("c", "User bob")
    assert policy.ask("bob", "get", "pods").allowed
    await policy.admin.update(CLUSTER_ROLES, {**role, "rules": [rule("list", "pods")]})
    assert not policy.ask("bob", "get", "pods").allowed
    assert policy.ask("bob", "list", "pods").allowed
    await policy.admin.update(CLUSTER_BINDINGS, {**binding, "subjects": [{"kind": "User", "name": "eve"}]})
    assert not policy.ask("bob", "list", "pods").allowed
    assert policy.ask("eve", "list", "pods").allowed
    await policy.admin.delete(CLUSTER_BINDINGS, "c-bound")
    assert not policy.ask("eve", "list", "pods").allowed


async def test_a_subject_that_is_named_twice_stays_until_it_is_gone(policy):
    await policy.cluster_role("c", rule("get", "pods"))
    binding = await policy.bind("c", "User bob", "User bob", "User eve")
    assert policy.ask("bob", "get", "pods").allowed
    await policy.admin.update(CLUSTER_BINDINGS, {**binding, "subjects": binding["subjects"][1:]})
    assert policy.ask("bob", "get", "pods").allowed
    assert policy.ask("eve", "get", "pods").allowed


async def test_what_is_missing_is_said(policy):
    await policy.bind("nowhere", "User bob")
    await policy.bind("lost", "User bob", namespace="default", kind="Role")
    assert policy.ask("bob", "get", "pods").reason == (
        'RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found'
    )
    assert policy.ask("bob", "get", "pods", "default").reason == (
        'RBAC: [clusterrole.rbac.authorization.k8s.io "nowhere" not found,'
        ' role.rbac.authorization.k8s.io "lost" not found]'
    )
    with pytest.raises(ApiError) as caught:
        await policy.client("bob").list(PODS, "default")
    assert (caught.value.code, caught.value.message) == (
        403,
        'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default":'
        ' RBAC: [clusterrole.rbac.authorization.k8s.io "nowhere" not found,'
        ' role.rbac.authorization.k8s.io "lost" not found]',
    )


async def test_it_holds_on_to_the_truth_when_nobody_asks_for_long(policy):
    """A watch that nobody reads is dropped; what it would have told must not be missed."""
    await policy.cluster_role("c", rule("get", "pods"))
    assert not policy.ask("bob", "get", "pods").allowed
    await policy.bind("c", "User bob")
    policy.handler.authorizer.rbac.policy._watch._drop()
    await policy.admin.create(SECRETS, {"metadata": {"name": "s"}}, "default")
    assert policy.ask("bob", "get", "pods").allowed


async def test_parts_of_the_process_are_asked_too(policy):
    bob = policy.client("bob")
    for refused in (
        bob.get(SECRETS, "s", "default"),
        bob.create(SECRETS, {"metadata": {"name": "s"}}, "default"),
        bob.delete_collection(SECRETS, "default"),
    ):
        with pytest.raises(ApiError) as caught:
            await refused
        assert caught.value.code == 403
    with pytest.raises(ApiError) as caught:
        async with bob.watch(SECRETS, "0", "default"):
            pass
    assert caught.value.message == (
        'secrets is forbidden: User "bob" cannot watch resource "secrets" in API group "" in the namespace "default"'
    )


async def test_a_list_of_one_name_needs_that_name(policy):
    await policy.cluster_role("c", rule("list watch", "secrets", "", "a"))
    await policy.bind("c", "User bob", namespace="default")
    bob = policy.client("bob")
    assert (await bob.list(SECRETS, "default", fieldSelector="metadata.name=a"))["items"] == []
    for selector in ("metadata.name!=a", "metadata.name=b", "type=a"):
        with pytest.raises(ApiError, match="forbidden"):
            await bob.list(SECRETS, "default", fieldSelector=selector)


async def test_nodes_have_the_rules_of_nodes(policy):
    node = User("system:node:n", ("system:nodes", "system:authenticated"))
    assert policy.ask(node, "patch", "nodes/status", name="n").allowed
    assert policy.ask(node, "get", "secrets", "default").allowed
    assert not policy.ask(node, "create", "secrets", "default").allowed
    assert not policy.ask(node, "get", path="/metrics").allowed
    assert not policy.ask(User("n", ("system:nodes",)), "get", "secrets", "default").allowed
    assert not policy.ask(User("system:node:n"), "get", "secrets", "default").allowed


async def test_roles_of_bindings_need_not_exist_yet(policy):
    await policy.bind("later", "User bob", namespace="default", kind="Role")
    assert not policy.ask("bob", "get", "pods", "default").allowed
    await policy.admin.create(ROLES, {"metadata": {"name": "later"}, "rules": [rule("get", "pods")]}, "default")
    assert policy.ask("bob", "get", "pods", "default").allowed
    await policy.admin.delete(BINDINGS, "later-bound", "default")
    assert policy.ask("bob", "get", "pods", "default") == (False, "")


async def test_reading_ahead_changes_nothing(policy):
    await policy.cluster_role("c", rule("get", "pods"))
    index = policy.handler.authorizer.rbac.policy
    reading = asyncio.create_task(index.prime())
    await policy.bind("c", "User bob")
    await reading
    assert policy.ask("bob", "get", "pods").allowed
    await index.prime()
    await policy.admin.delete(CLUSTER_BINDINGS, "c-bound")
    assert not policy.ask("bob", "get", "pods").allowed


async def test_whoever_asks_much_does_not_fill_the_memory(policy):
    for number in range(3000):
        policy.ask("bob", "get", f"r{number}", f"n{number}")
    policy.ask("bob", "get", "r" * 1000)
    policy.ask("bob", "get", path="/" + "x" * 1000)
    policy.ask("bob", "get", "pods", "n" * 1000)
    [known] = policy.handler.authorizer.rbac._known.values()
    assert len(known.decisions) <= 1024
    assert len(known.grants) <= 256
    assert max(map(len, known.grants)) < 1000
    assert not any(len(part) >= 1000 for question in known.decisions for part in question)
