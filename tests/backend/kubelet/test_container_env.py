"""Environments, field by field, with the kubelet's errors."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kubelet.env import EnvError, NodeFacts, container_env, expand, expand_strictly
from backend.meta.types import Obj

NODE = NodeFacts(["10.1.0.5", "fd00::5"], ["192.0.2.1", "fd00::1"], {"cpu": "2", "memory": "4Gi"})
OBJECTS = {
    ("Secret", "db"): {"data": {"user": "cm9vdA==", "pass": base64.b64encode(b"a$(B)").decode()}},
    ("ConfigMap", "conf"): {"data": {"mode": "fast", "1digit": "x"}},
    ("ConfigMap", "empty"): {},
}  # fmt: skip


def env(*variables: Obj, env_from: tuple[Obj, ...] = (), **container) -> list[tuple[str, str]]:
    spec = {"name": "c", "env": list(variables), "envFrom": list(env_from), **container}
    pod = {
        "metadata": {
            "name": "p", "namespace": "ns", "uid": "u-1",
            "labels": {"app": "web"}, "annotations": {"example.com/a": "note"},
        },
        "spec": {
            "containers": [spec, {"name": "other", "resources": {"limits": {"cpu": "250m"}}}],
            "nodeName": "node-1", "serviceAccountName": "robot",
        },
    }  # fmt: skip
    return container_env(pod, spec, lambda kind, name: OBJECTS.get((kind, name)), NODE)


def one(**source: Obj) -> str:
    [(_, value)] = env({"name": "X", "valueFrom": source})
    return value


def test_values_expand_what_was_defined_before() -> None:
    assert env(
        {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(C)-$$(A)"},
        {"name": "C", "value": "3"}, {"name": "D"},
    ) == [("A", "1"), ("B", "1-$(C)-$(A)"), ("C", "3"), ("D", "")]  # fmt: skip


def test_keys_of_secrets_and_config_maps() -> None:
    assert one(secretKeyRef={"name": "db", "key": "user"}) == "root"
    assert one(configMapKeyRef={"name": "conf", "key": "mode"}) == "fast"


def test_the_value_of_a_secret_is_never_expanded() -> None:
    assert env(
        {"name": "B", "value": "leak"}, {"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pass"}}}
    )[1] == ("P", "a$(B)")  # fmt: skip


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "db", "key": "k"}}, "couldn't find key k in Secret ns/db"),
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"configMapKeyRef": {"name": "empty", "key": "k"}}, "couldn't find key k in ConfigMap ns/empty"),
        ({"fieldRef": {"fieldPath": "spec.hostname"}}, "unsupported fieldPath: spec.hostname"),
        ({"resourceFieldRef": {"containerName": "no", "resource": "limits.cpu"}}, "container no not found"),
        ({"resourceFieldRef": {"resource": "cpu"}}, "unsupported container resource : cpu"),
        ({"fileKeyRef": {"path": "x"}}, "unsupported source of a variable: fileKeyRef"),
    ],
)
def test_what_is_missing_is_named_as_the_kubelet_does(source: Obj, text: str) -> None:
    with pytest.raises(EnvError) as caught:
        one(**source)
    assert str(caught.value) == text


@pytest.mark.parametrize("name", ["none", "db"])
def test_an_optional_key_that_is_missing_sets_nothing(name: str) -> None:
    assert env({"name": "X", "valueFrom": {"secretKeyRef": {"name": name, "key": "k", "optional": True}}}) == []


def test_all_keys_with_a_prefix_and_env_wins() -> None:
    assert env(
        {"name": "DB_user", "value": "$(DB_pass)"},
        env_from=(
            {"prefix": "DB_", "secretRef": {"name": "db"}}, {"configMapRef": {"name": "conf"}},
            {"configMapRef": {"name": "none", "optional": True}},
        ),
    ) == [("DB_pass", "a$(B)"), ("DB_user", "a$(B)"), ("1digit", "x"), ("mode", "fast")]  # fmt: skip


def test_a_missing_source_of_all_keys_is_named() -> None:
    with pytest.raises(EnvError, match=r'^configmap "none" not found$'):
        env(env_from=({"configMapRef": {"name": "none"}},))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"), ("metadata.namespace", "ns"), ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "web"), ("metadata.labels['none']", ""),
        ("metadata.annotations['example.com/a']", "note"),
        ("spec.nodeName", "node-1"), ("spec.serviceAccountName", "robot"),
        ("status.podIP", "10.1.0.5"), ("status.podIPs", "10.1.0.5,fd00::5"),
        ("status.hostIP", "192.0.2.1"), ("status.hostIPs", "192.0.2.1,fd00::1"),
    ],
)  # fmt: skip
def test_fields_of_the_pod(path: str, value: str) -> None:
    assert one(fieldRef={"fieldPath": path}) == value


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ({"resource": "limits.cpu", "containerName": "other"}, "1"),
        ({"resource": "limits.cpu", "containerName": "other", "divisor": "1m"}, "250"),
        ({"resource": "limits.memory", "containerName": "other", "divisor": "1Mi"}, "4096"),
        ({"resource": "requests.memory", "containerName": "other"}, "0"),
        ({"resource": "limits.memory"}, "1500"),
        ({"resource": "limits.memory", "divisor": "1k"}, "2"),
    ],
)
def test_resources_in_units_of_the_divisor(reference: Obj, value: str) -> None:
    variable = {"name": "X", "valueFrom": {"resourceFieldRef": reference}}
    assert env(variable, resources={"limits": {"memory": "1500"}}) == [("X", value)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$A", "$A"), ("$(A", "$(A"), ("$", "$"), ("a$", "a$"),
        ("$(NONE)", "$(NONE)"), ("$()", "$()"), ("$($(A))", "$($(A))"), ("$(A)$(A)", "11"), ("$$", "$"), ("$$$$", "$$"),
    ],
)  # fmt: skip
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


@given(st.text(alphabet="$)Ax "))
def test_text_without_references_keeps_all_but_escapes(text: str) -> None:
    assert expand(text, {}) == text.replace("$$", "$")


def test_a_strict_expansion_needs_every_name() -> None:
    assert expand_strictly("logs/$(A)/$$(B)", {"A": "1"}) == "logs/1/$(B)"
    with pytest.raises(EnvError, match=r'^missing value for "B"$'):
        expand_strictly("$(A)/$(B)", {"A": "1"})
