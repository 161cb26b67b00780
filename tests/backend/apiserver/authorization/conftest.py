"""An API server with the bootstrap policy, and clients of anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.apiserver.authorization.attributes import Attributes, Decision
from backend.apiserver.authorization.reconciling import reconcile_policy
from backend.machinery.client import GVR, Client
from backend.meta.types import Obj, User
from tests.support.control_plane import ControlPlane, control_plane

GROUP = "rbac.authorization.k8s.io"
ROLES, CLUSTER_ROLES, BINDINGS, CLUSTER_BINDINGS = (
    GVR(GROUP, "v1", name) for name in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
)


def rule(verbs: str, resources: str, group: str = "", *names: str) -> Obj:
    made: Obj = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**made, "resourceNames": [*names]} if names else made


@dataclass
class Policy:
    """What a test makes roles with and asks about."""

    plane: ControlPlane

    @property
    def admin(self) -> Client:
        return self.plane.client

    @property
    def handler(self):
        return self.plane.client._transport

    def client(self, name: str, *groups: str) -> Client:
        return Client(self.handler, User(name, (*groups, "system:authenticated")))

    async def cluster_role(self, name: str, *rules: Obj, **fields: Obj) -> Obj:
        return await self.admin.create(CLUSTER_ROLES, {"metadata": {"name": name}, "rules": [*rules], **fields})

    async def bind(self, role: str, *subjects: str, namespace: str = "", kind: str = "ClusterRole") -> Obj:
        """`subjects` are `User NAME`, `Group NAME` or `ServiceAccount NAME`."""
        parts = [subject.split() for subject in subjects]
        body = {
            "metadata": {"name": f"{role}-bound"},
            "roleRef": {"kind": kind, "name": role},
            "subjects": [{"kind": kind, "name": name} for kind, name in parts],
        }
        return await self.admin.create(BINDINGS if namespace else CLUSTER_BINDINGS, body, namespace)

    def ask(self, who: User | str, verb: str, resource: str = "", namespace: str = "", **more: str) -> Decision:
        user = who if isinstance(who, User) else User(who, ("system:authenticated",))
        resource, _, subresource = resource.partition("/")
        attributes = Attributes(
            user, verb, resource=resource, subresource=subresource, namespace=namespace, **more
        )
        return self.handler.authorizer.authorize(attributes)


@pytest.fixture
async def policy(tmp_path: Path) -> AsyncIterator[Policy]:
    """Without the bootstrap policy, which `bootstrapped` adds."""
    async with control_plane(tmp_path) as plane:
        yield Policy(plane)


@pytest.fixture
async def bootstrapped(policy: Policy) -> Policy:
    await reconcile_policy(policy.admin)
    return policy
