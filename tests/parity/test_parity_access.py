"""`auth`, `create role|rolebinding|...` and the describers of roles: the same through both programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import KUBECTL, MINIKCTL, Apart, Both, comparable

pytestmark = pytest.mark.kubectl

ROLE = """apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: rr, namespace: NAMESPACE, annotations: {of: ANNOTATION}}
rules:
- {apiGroups: [""], resources: [RESOURCES], verbs: [VERBS]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb, namespace: NAMESPACE, labels: {a: b}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: BOUND}
subjects: [SUBJECTS]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: passed-over, namespace: NAMESPACE}
"""
USER = "{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}"
OTHERS = (
    "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: g}, {kind: ServiceAccount, name: sa, namespace: x}"
)
FIRST = {"ANNOTATION": "one", "RESOURCES": "pods", "VERBS": "get, list", "BOUND": "rr", "SUBJECTS": USER}
SECOND = {"ANNOTATION": "two", "RESOURCES": "pods, secrets", "VERBS": "get", "BOUND": "rr", "SUBJECTS": OTHERS}
STEPS = (
    (FIRST, "--dry-run=client"),
    (FIRST, ""),
    (FIRST, ""),
    (FIRST, "-o yaml"),
    (SECOND, "--dry-run=client -o json"),
    (SECOND, ""),
    (SECOND, "--remove-extra-permissions --remove-extra-subjects"),
    (SECOND, "-o json"),
    ({**SECOND, "BOUND": "other"}, ""),
    (FIRST, "--dry-run=server"),
    (FIRST, "stray"),
)


@pytest.mark.parametrize("lines", chunks("access_commands.txt"), ids=lambda lines: lines[0])
def test_nothing_changed(both: Both, lines: list[str]) -> None:
    def run(args: list[str], stdin: bytes) -> tuple[object, object]:
        return both(*args, stdin=stdin)

    assert differences(lines, run, FOLDER) == []


CREATED = (
    "create role r --verb=get,list --resource=pods,deploy,secrets --resource-name=a",
    "create role r --verb=get --resource=pods",
    "create role s --verb=* --resource=* -o yaml",
    "create role t --verb=get --resource=pods -o json --save-config",
    "create rolebinding b --role=r --user=u --user=v --group=g --serviceaccount=ns:sa",
    "create rolebinding b --role=r",
    "create rolebinding c --clusterrole=view --group=g -o json",
    "create rolebinding d --clusterrole=view -o name",
    "describe role r",
    "describe role",
    "describe rolebinding b",
    "describe rolebinding",
    "get role,rolebinding -o wide",
    "get role r -o yaml",
    "get rolebinding b -o json",
    'patch rolebinding b -p {"roleRef":{"name":"x"}}',
    "auth can-i --list --as=v",
    "auth can-i get pods/a --as=v",
    "auth can-i get pods/b --as=v",
    "auth can-i get pods --as=v",
    "auth can-i get pods --as=w --as-group=g -q",
    "delete role r s t",
)


def test_roles_and_bindings_are_created(apart: Apart) -> None:
    namespaces = ("access-a", "access-b")
    for namespace in namespaces:
        apart(namespaces, "create", "namespace", namespace)
    for line in CREATED:
        kubectl, minikctl = apart(namespaces, *line.split())
        assert kubectl == minikctl, line


def test_roles_and_bindings_are_reconciled(parity_home: Path) -> None:
    """Step after step, each program in a namespace of its own, which is not there yet."""
    for values, flags in STEPS:
        kubectl = _reconcile(parity_home, [KUBECTL], "kubectl-ns", values, flags)
        minikctl = _reconcile(parity_home, MINIKCTL, "mini-ns", values, flags)
        assert kubectl == minikctl, (values, flags)


def _reconcile(
    home: Path, program: list[str], namespace: str, values: dict[str, str], flags: str
) -> tuple[object, ...]:
    text = ROLE.replace("NAMESPACE", namespace)
    for name, value in values.items():
        text = text.replace(name, value)
    env = {**os.environ, "KUBECONFIG": str(home / "kubeconfig"), "MINIKCTL_HOME": str(home)}
    command = [*program, "auth", "reconcile", "-f", "-", *flags.split()]
    done = subprocess.run(command, input=text.encode(), capture_output=True, env=env, timeout=60)
    texts = (comparable(out.decode().replace(namespace, "NS")) for out in (done.stdout, done.stderr))
    return done.returncode, *texts
