"""What every cluster has from the start, and gets back at every start."""

import pytest

from backend.apiserver.authorization.bootstrap_policy import objects
from backend.apiserver.authorization.reconciling import reconcile_policy
from backend.controllers import cluster_role_aggregation
from backend.resources.rbac.group import KINDS
from tests.backend.apiserver.authorization.conftest import CLUSTER_BINDINGS, CLUSTER_ROLES, ROLES, rule
from tests.support.control_plane import eventually, running

VALIDATE = {kind.kind: kind.validate for kind in KINDS}


@pytest.mark.parametrize("obj", objects(), ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_every_object_is_valid(obj):
    assert VALIDATE[obj["kind"]](obj) == []
    assert obj["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"


def test_every_binding_is_of_a_role_that_is_there():
    roles = {(obj["kind"], obj["metadata"]["name"]) for obj in objects() if "rules" in obj}
    bound = {(obj["roleRef"]["kind"], obj["roleRef"]["name"]) for obj in objects() if "roleRef" in obj}
    assert bound <= roles


async def test_nothing_is_written_twice(bootstrapped):
    before = bootstrapped.plane.store.revision
    await reconcile_policy(bootstrapped.admin)
    assert bootstrapped.plane.store.revision == before


async def test_the_parts_of_the_control_plane_can_work(bootstrapped):
    ask = bootstrapped.ask
    account = "system:serviceaccount:kube-system:{}".format
    for who, verb, resource in (
        ("system:kube-scheduler", "create", "pods/binding"),
        ("system:kube-scheduler", "patch", "pods/status"),
        ("system:kube-controller-manager", "watch", "anything"),
        (account("namespace-controller"), "deletecollection", "anything"),
        (account("generic-garbage-collector"), "patch", "anything"),
        (account("root-ca-cert-publisher"), "create", "configmaps"),
        (account("service-account-controller"), "create", "serviceaccounts"),
        (account("pod-garbage-collector"), "delete", "pods"),
    ):
        assert ask(who, verb, resource, "default").allowed, (who, verb, resource)
    assert not ask("system:kube-scheduler", "get", "secrets", "default").allowed
    assert not ask(account("pod-garbage-collector"), "get", "secrets", "default").allowed
    assert ask("anybody", "get", path="/openapi/v3").allowed
    assert not ask("anybody", "get", path="/metrics").allowed


async def test_the_autoscaler_can_measure_pods_and_scale_anything(bootstrapped):
    who = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
    for verb, group, resource in (
        ("list", "metrics.k8s.io", "pods"),
        ("get", "apps", "deployments/scale"),
        ("update", "example.com", "herds/scale"),
        ("update", "autoscaling", "horizontalpodautoscalers/status"),
    ):
        assert bootstrapped.ask(who, verb, resource, "default", group=group).allowed, (verb, resource)
    assert not bootstrapped.ask(who, "update", "deployments", "default", group="apps").allowed


async def test_what_is_missing_comes_back_and_what_is_more_stays(bootstrapped):
    admin = bootstrapped.admin
    role = await admin.get(CLUSTER_ROLES, "system:kube-dns")
    changed = {**role, "rules": [rule("get", "pods")], "metadata": {**role["metadata"], "labels": {"mine": "1"}}}
    await admin.update(CLUSTER_ROLES, changed)
    binding = await admin.get(CLUSTER_BINDINGS, "system:discovery")
    await admin.update(CLUSTER_BINDINGS, {**binding, "subjects": [{"kind": "User", "name": "bob"}]})
    await admin.delete(CLUSTER_ROLES, "system:heapster")
    await reconcile_policy(admin)
    mended = await admin.get(CLUSTER_ROLES, "system:kube-dns")
    assert mended["rules"][0] == rule("get", "pods")
    assert rule("list", "services") in mended["rules"]
    assert mended["metadata"]["labels"] == {"mine": "1", "kubernetes.io/bootstrapping": "rbac-defaults"}
    subjects = (await admin.get(CLUSTER_BINDINGS, "system:discovery"))["subjects"]
    assert [subject["name"] for subject in subjects] == ["bob", "system:authenticated"]
    assert await admin.get(CLUSTER_ROLES, "system:heapster")


async def test_a_binding_of_another_role_is_made_anew(bootstrapped):
    admin = bootstrapped.admin
    await admin.delete(CLUSTER_BINDINGS, "system:discovery")
    other = {"metadata": {"name": "system:discovery"}, "roleRef": {"kind": "ClusterRole", "name": "view"}}
    await admin.create(CLUSTER_BINDINGS, other)
    await reconcile_policy(admin)
    assert (await admin.get(CLUSTER_BINDINGS, "system:discovery"))["roleRef"]["name"] == "system:discovery"


async def test_who_opts_out_is_left_alone(bootstrapped):
    admin = bootstrapped.admin
    role = await admin.get(CLUSTER_ROLES, "view")
    annotations = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
    await admin.update(
        CLUSTER_ROLES,
        {**role, "metadata": {**role["metadata"], "annotations": annotations, "labels": {}}},
    )
    await reconcile_policy(admin)
    assert "labels" not in (await admin.get(CLUSTER_ROLES, "view"))["metadata"]
    assert (await admin.get(ROLES, "system:controller:token-cleaner", "kube-system"))["rules"]


async def test_roles_aggregate(bootstrapped):
    controller = bootstrapped.client(
        "system:serviceaccount:kube-system:clusterrole-aggregation-controller", "system:serviceaccounts"
    )
    parts = cluster_role_aggregation.make(controller)
    async with running(parts.roles.run(), parts.controller.run()):
        admin = bootstrapped.admin

        async def holds(role, wanted):
            return wanted in ((await admin.get(CLUSTER_ROLES, role))["rules"] or [])

        await eventually(lambda: holds("admin", rule("get list watch", "namespaces")))
        labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
        body = {"metadata": {"name": "widgets", "labels": labels}, "rules": [rule("get", "widgets", "x.io")]}
        await admin.create(CLUSTER_ROLES, body)
        for role in ("view", "edit", "admin"):
            await eventually(lambda role=role: holds(role, rule("get", "widgets", "x.io")))
        await admin.delete(CLUSTER_ROLES, "widgets")

        async def is_gone():
            return not await holds("admin", rule("get", "widgets", "x.io"))

        await eventually(is_gone)
