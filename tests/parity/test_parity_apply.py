"""`apply` and `diff` through both programs, each in a namespace of its own: the same output, errors and exit codes line
by line, and in the end the same objects, down to who manages which field."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from minikctl.client.yaml_load import load_document
from tests.parity.conftest import Apart, Both, Outcome

pytestmark = pytest.mark.kubectl

LIST = "apiVersion: v1\nkind: List\nitems:\n"
MANIFESTS = {
    "a1.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1', y2: '2'}\n",
    "a2.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '3'}\n",
    "three.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '4', y2: '5'}\n",
    "b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, labels: {l: p}}\n",
    "member.yaml": "apiVersion: v1\nkind: ConfigMap\n"
                   "metadata: {name: m, labels: {applyset.kubernetes.io/part-of: x}}\n",
    "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {l: p}}\n",
    "noname.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
    "generated.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: g-}\n",
    "number.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: 3}\n",
    "unknown.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nfoo: 1\n",
    "kind.yaml": "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\n",
    "broken.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x\n",
    "null.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: null, creationTimestamp: null}\n",
    "old.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: r, resourceVersion: '1'}\ndata: {x: '3'}\n",
    "fixed.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\nimmutable: true\ndata: {x: '3'}\n",
    "fixed2.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\nimmutable: true\ndata: {x: '4'}\n",
    "bare.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bare}\ndata: {z: '3'}\n",
    "bare2.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bare2}\ndata: {z: '3'}\n",
    "lease.yaml": "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\nspec: {holderIdentity: a}\n",
    "lease2.yaml": "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\n"
                   "spec: {leaseDurationSeconds: 3}\n",
    "list.yaml": LIST
    + "- {apiVersion: v1, kind: ServiceAccount, metadata: {name: s}, imagePullSecrets: [{name: a}, {name: b}],"
      " secrets: [{name: x}]}\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: s1}, stringData: {u: v}, data: {a: YQ==}}\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: s2}, type: Opaque, data: {a: YQ==, b: Yg==}}\n",
    "list2.yaml": LIST
    + "- {apiVersion: v1, kind: ServiceAccount, metadata: {name: s}, imagePullSecrets: [{name: b}, {name: c}],"
      " secrets: []}\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: s1}, stringData: {u: w}}\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: s2, labels: {}}, type: Opaque, data: {a: YWE=, c: Yg==}}\n",
    "two.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t1}\n---\n\n---\n"
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t2}\n",
}  # fmt: skip

POD = """apiVersion: v1
kind: Pod
metadata: {name: p, labels: {a: "1", b: "2"}, annotations: {k: v}}
spec:
  nodeSelector: {none: such}
  containers:
  - {name: one, image: "busybox:1", env: [{name: A, value: a}, {name: B, value: b}], ports: [{containerPort: 80}]}
  - {name: two, image: "busybox:2"}
  tolerations: [{key: x, operator: Exists}]
"""

SEQUENCES = {
    "merge": """
        apply -f a1.yaml
        apply -f a1.yaml
        apply -f a2.yaml --dry-run=client
        apply -f a2.yaml --dry-run=server
        diff -f a2.yaml
        apply -f a2.yaml
        apply -f a1.yaml -o name
        apply -f a2.yaml -o yaml
        apply -f a1.yaml,b.yaml -o json
        apply -f a2.yaml --field-manager=me
        apply -f null.yaml
        apply -f lease.yaml
        diff -f lease2.yaml
        apply -f lease2.yaml
        apply -f -""",
    "kinds": """
        apply -f pod1.yaml
        apply -f pod1.yaml
        diff -f pod2.yaml
        apply -f pod2.yaml
        diff -f pod3.yaml
        apply -f pod3.yaml
        diff -f list.yaml
        apply -f list.yaml
        diff -f list2.yaml
        diff -f list2.yaml --show-secrets
        apply -f list2.yaml
        apply -f list2.yaml
        diff -f list2.yaml""",
    "not applied before": """
        create configmap bare --from-literal=x=1
        create configmap bare2 --from-literal=x=1
        apply view-last-applied configmap bare
        apply view-last-applied -f bare.yaml
        apply set-last-applied -f bare.yaml
        apply set-last-applied -f bare.yaml --create-annotation --dry-run=client
        apply set-last-applied -f bare.yaml --create-annotation -o yaml
        apply set-last-applied -f bare.yaml
        apply view-last-applied configmap bare
        apply -f bare.yaml
        apply view-last-applied configmap
        apply view-last-applied configmap --all
        apply view-last-applied configmap bare -o json
        apply view-last-applied configmap bare -o foo
        apply -f bare2.yaml --dry-run=client
        apply -f bare2.yaml --overwrite=false
        apply -f bare2.yaml""",
    "refused": """
        apply -f a1.yaml
        apply -f noname.yaml
        diff -f noname.yaml
        apply -f generated.yaml
        apply -f number.yaml
        diff -f number.yaml
        apply -f unknown.yaml
        apply -f unknown.yaml --validate=warn
        apply -f kind.yaml,a2.yaml,noname.yaml
        apply -f broken.yaml
        diff -f broken.yaml
        apply -f fixed.yaml
        apply -f fixed2.yaml
        diff -f fixed2.yaml
        apply -f fixed2.yaml --force
        apply -f a1.yaml --server-side
        diff -f a1.yaml --server-side""",
    "server side": """
        apply -f a1.yaml
        apply -f a1.yaml --server-side --dry-run=server
        diff -f a2.yaml --server-side
        apply -f a1.yaml --server-side
        apply -f a1.yaml --server-side -o yaml --show-managed-fields
        apply -f a2.yaml --server-side --field-manager=other
        diff -f a2.yaml --server-side --field-manager=other
        apply -f three.yaml --server-side --field-manager=other
        apply -f a2.yaml --server-side --field-manager=other --force-conflicts
        apply -f a1.yaml --server-side
        apply -f a1.yaml
        apply -f number.yaml --server-side
        apply -f unknown.yaml --server-side
        apply -f unknown.yaml --server-side --validate=ignore
        apply -f list.yaml --server-side
        apply -f list2.yaml --server-side
        apply -f list2.yaml --server-side --field-manager=other --force-conflicts
        apply -f old.yaml --server-side
        apply -f noname.yaml --server-side
        apply -f pod1.yaml
        apply -f pod2.yaml --server-side
        apply -f pod3.yaml --server-side --field-manager=other
        apply -f pod1.yaml --server-side --subresource status
        create -f b.yaml --save-config
        apply -f b.yaml --server-side --field-manager=mine
        apply -f b.yaml --server-side --field-manager=mine""",
    "conflict": """
        apply -f old.yaml
        diff -f old.yaml
        apply -f old.yaml --force""",
    "prune": """
        apply -f a1.yaml,b.yaml,c.yaml
        apply -f b.yaml --prune -l l=p --prune-allowlist=core/v1/ConfigMap --dry-run=client
        apply -f b.yaml --prune -l l=p --prune-allowlist=core/v1/ConfigMap --dry-run=server
        apply -f b.yaml --prune -l l=p --prune-allowlist=core/v1/ConfigMap
        apply -f b.yaml --prune --all --prune-allowlist=core/v1/ConfigMap
        apply -f b.yaml --prune -l l=p --prune-allowlist=core/v1
        apply -f b.yaml --prune -l l=p --prune-allowlist=core/v1/Foo
        apply -f b.yaml --prune -l l=p
        apply -f b.yaml --prune
        apply -f b.yaml --prune --all --server-side""",
    "diff prune": """
        apply -f a1.yaml,b.yaml,c.yaml
        diff -f b.yaml --prune --prune-allowlist=core/v1/ConfigMap
        diff -f b.yaml --prune --prune-allowlist=core/v1/ConfigMap -l l=p
        diff -f b.yaml --prune --prune-allowlist=core/v1/ConfigMap -l l=q
        diff -f b.yaml --prune -l l=p
        diff -f b.yaml --prune --prune-allowlist=core/v1
        diff -f b.yaml --prune --prune-allowlist=core/v1/Foo""",
    "apply set": """
        apply -f a1.yaml,b.yaml --prune --applyset=set
        get secret set -o yaml
        apply -f b.yaml,c.yaml --prune --applyset=set --dry-run=client
        apply -f b.yaml,c.yaml --prune --applyset=set --dry-run=server
        apply -f b.yaml,c.yaml --prune --applyset=set
        apply -f c.yaml,lease.yaml --prune --applyset=set --server-side
        get secret set -o yaml
        apply -f lease2.yaml --prune --applyset=configmap/other
        get configmaps,leases -o yaml
        apply -f a1.yaml --applyset=set
        apply -f a1.yaml --prune --applyset=set -l a=b
        apply -f a1.yaml --prune --applyset=set --all
        apply -f a1.yaml --prune --applyset=set --force
        apply -f a1.yaml --prune --applyset=set --prune-allowlist=core/v1/ConfigMap
        apply -f a1.yaml --prune --applyset=foo/set
        apply -f a1.yaml --prune --applyset=/
        apply -f a1.yaml --prune --applyset=pods/set
        apply -f a1.yaml --prune --applyset=namespaces/set
        apply -f member.yaml --prune --applyset=set
        create secret generic mine
        apply -f a1.yaml --prune --applyset=mine
        annotate secret mine applyset.kubernetes.io/tooling=helm/v3
        apply -f a1.yaml --prune --applyset=mine
        annotate secret mine applyset.kubernetes.io/tooling=kubectl/v1 --overwrite
        apply -f a1.yaml --prune --applyset=mine
        label secret mine applyset.kubernetes.io/id=x
        apply -f a1.yaml --prune --applyset=mine""",
    "misuse": """
        apply
        apply -f absent.yaml
        apply -f a1.yaml -l no=such
        apply -f a1.yaml --server-side --dry-run=client
        apply -f a1.yaml --server-side --force
        apply -f a1.yaml --all -l x=y
        apply -f a1.yaml --subresource status
        apply -f a1.yaml --cascade=foo
        apply view-last-applied
        diff
        diff --bogus
        diff -f absent.yaml
        diff -f a1.yaml --force-conflicts
        diff -f a1.yaml -l no=such""",
}
"""Command lines that follow on each other; what reads standard input gets two.yaml."""

_TEMPORARY = re.compile(r"(?<=/LIVE-)\w+|(?<=/MERGED-)\w+|(?<=\t)UNIQUE.*|(?<=\t)\d{4}-\d\d-\d\d .*")
_UNIQUE = re.compile(
    r'(?<="resourceVersion":)"\d+"|(?<=resourceVersion:)\d+|(?<="uid":)"[^"]+"|(?<=kube-api-access-)\w{5}'
    r"|(?<=applyset-)[\w-]{43}(?=-v1)"
)
"""What differs by object or, for the identity of an apply set, by namespace."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifests."""
    made = tmp_path_factory.mktemp("apply")
    moved = POD.replace("busybox:1", "busybox:3").replace(', b: "2"', "")
    pods = {
        "pod1.yaml": POD,
        "pod2.yaml": moved.replace("Exists}]", "Exists}, {key: y, operator: Exists}]"),
        "pod3.yaml": moved.replace("value: b", "value: c"),
    }
    for name, text in (MANIFESTS | pods).items():
        (made / name).write_text(text)
    return made


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(both: Both, apart: Apart, folder: Path, name: str) -> None:
    number = list(SEQUENCES).index(name)
    namespaces = (f"one-{number}", f"two-{number}")
    for namespace in namespaces:
        both("create", "namespace", namespace)
    unlike = []
    for line in SEQUENCES[name].strip().splitlines():
        args = shlex.split(line)
        stdin = (folder / "two.yaml").read_bytes()
        env = {"KUBECTL_APPLYSET": "true"} if name == "apply set" else None
        kubectl, minikctl = map(_alike, apart(namespaces, *args, stdin=stdin, cwd=folder, env=env))
        if kubectl != minikctl:
            unlike.append(f"{line.strip()}\n  kubectl:  {kubectl}\n  minikctl: {minikctl}\n")
    assert not unlike
    kinds = "configmaps,secrets,pods,serviceaccounts,leases"
    theirs, ours = apart(namespaces, "get", kinds, "-o", "yaml", "--show-managed-fields")
    assert _objects(ours) == _objects(theirs)


def _objects(outcome: Outcome) -> list[Any]:
    """The list's items; their managers in no order, since the server orders them by time and name."""
    items: list[Any] = load_document(_alike(outcome).out)["items"]
    for item in items:
        item["metadata"]["managedFields"].sort(key=lambda entry: json.dumps(entry["fieldsV1"]))
    return items


def _alike(outcome: Outcome) -> Outcome:
    """Without what no two runs share: names and times of temporary files, versions within patches."""
    texts = (_UNIQUE.sub("UNIQUE", _TEMPORARY.sub("UNIQUE", text)) for text in (outcome.out, outcome.err))
    return Outcome(outcome.code, *texts)


@pytest.mark.parametrize("program", ["echo -x --a=b ;", "false", "sh -c", "no-such-program", "diff"])
def test_diff_by_another_program(both: Both, folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setenv("KUBECTL_EXTERNAL_DIFF", program)
    kubectl, minikctl = map(_alike, both("diff", "-f", "two.yaml", cwd=folder))
    assert minikctl == kubectl
