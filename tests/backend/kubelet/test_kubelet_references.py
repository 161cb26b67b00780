"""Secrets and ConfigMaps that pods refer to: missing, coming, changing."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from backend.meta.types import Obj
from tests.support.kubelet_node import Node

MOUNTED = {"volumes": [{"name": "v", "configMap": {"name": "x", "defaultMode": 0o644}}]}
MOUNTING = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/etc/v"}]}


def secret(name: str = "x", **data: str) -> Obj:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "data": encoded,
    }


def config_map(name: str = "x", **data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }


def with_env(**reference: Any) -> Obj:
    source = {"secretKeyRef": {"name": "x", "key": "k", **reference}}
    return {"name": "c", "env": [{"name": "V", "valueFrom": source}]}


def env(node: Node, uid: str) -> dict[str, str]:
    return dict(node.runtime.config(node.engine_pod(uid).containers[0].id).env)


def mounted(node: Node, uid: str, path: str) -> Path:
    mounts = node.runtime.config(node.engine_pod(uid).containers[0].id).mounts
    return next(Path(m.host_path) for m in mounts if m.container_path == path)


def shows(path: Path, text: str) -> bool:
    try:
        return text in path.read_text()
    except FileNotFoundError:
        return False  # Whoever is on the way through a directory that is being replaced finds it gone.


async def test_a_container_waits_for_a_missing_secret_and_starts_by_itself_when_it_comes(node: Node) -> None:
    uid = node.pod("p", with_env())
    await node.until(lambda: node.waits_for() == "CreateContainerConfigError")
    assert node.state()["waiting"]["message"] == 'secret "x" not found'
    await node.told("Failed", 'Error: secret "x" not found')
    node.api.put("secrets", secret(k="value"))
    await node.until(node.running)
    assert env(node, uid)["V"] == "value"


async def test_a_container_waits_for_a_missing_key(node: Node) -> None:
    node.api.put("secrets", secret(other="value"))
    node.pod("p", with_env())
    await node.until(lambda: node.waits_for() == "CreateContainerConfigError")
    assert node.state()["waiting"]["message"] == "couldn't find key k in Secret default/x"
    node.api.put("secrets", secret(k="value"))
    await node.until(node.running)


async def test_an_optional_secret_is_not_waited_for(node: Node) -> None:
    uid = node.pod("p", with_env(optional=True))
    await node.until(node.running)
    assert "V" not in env(node, uid)


async def test_a_pod_waits_for_a_missing_volume_source_and_starts_by_itself_when_it_comes(node: Node) -> None:
    uid = node.pod("p", MOUNTING, **MOUNTED)
    event = ("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "x" not found')
    await node.until(lambda: event in node.events())
    assert node.waits_for() == "ContainerCreating"
    assert uid not in node.engine_uids()
    node.api.put("configmaps", config_map(k="value"))
    await node.until(node.running)
    assert (mounted(node, uid, "/etc/v") / "k").read_text() == "value"


async def test_a_missing_volume_source_is_retried_ever_later(node: Node) -> None:
    node.pod("p", MOUNTING, **MOUNTED)
    await node.until(lambda: "FailedMount" in node.reasons())
    await node.advance_until(lambda: node.clock.now() >= 1_700_000_120)
    event = next(o for (r, _, _), o in node.api.objects.items() if r == "events" and o["reason"] == "FailedMount")
    assert 6 <= event["count"] <= 9


async def test_a_changed_config_map_reaches_the_volume(node: Node) -> None:
    node.api.put("configmaps", config_map(k="old"))
    uid = node.pod("p", MOUNTING, **MOUNTED)
    await node.until(node.running)
    path = mounted(node, uid, "/etc/v") / "k"
    assert path.read_text() == "old"
    node.api.put("configmaps", config_map(k="new"))
    await node.until(lambda: shows(path, "new"))
    assert node.container()["restartCount"] == 0


async def test_nothing_is_watched_that_no_pod_names(node: Node) -> None:
    node.api.put("secrets", secret(k="value"))
    node.pod("p", with_env())
    await node.until(node.running)
    watched = [r for r in node.api.watching() if r.resource == "secrets"]
    assert [r.query["fieldSelector"] for r in watched] == ["metadata.name=x"]
    await node.delete()
    await node.until(lambda: node.get() is None)
    await node.until(lambda: not [r for r in node.api.watching() if r.resource == "secrets"])


async def test_a_signers_trust_bundle_is_waited_for_and_kept_up_to_date(node: Node) -> None:
    source = {"signerName": "x.y/z", "labelSelector": {}, "path": "ca.pem"}
    volume = {"name": "v", "projected": {"defaultMode": 0o644, "sources": [{"clusterTrustBundle": source}]}}
    uid = node.pod("p", MOUNTING, volumes=[volume])
    await node.until(lambda: "FailedMount" in node.reasons())
    node.api.put("clustertrustbundles", trust_bundle("MIIA"))
    await node.until(node.running)
    path = mounted(node, uid, "/etc/v") / "ca.pem"
    assert "MIIA" in path.read_text()
    node.api.put("clustertrustbundles", trust_bundle("MIIB"))
    await node.until(lambda: shows(path, "MIIB"))


def trust_bundle(anchor: str) -> Obj:
    text = f"-----BEGIN CERTIFICATE-----\n{anchor}\n-----END CERTIFICATE-----\n"
    meta = {"name": "x.y:z:b"}
    return {"kind": "ClusterTrustBundle", "metadata": meta, "spec": {"signerName": "x.y/z", "trustBundle": text}}
