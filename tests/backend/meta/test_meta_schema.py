"""Decoding by the schema. The errors in the tables are what kubectl v1.37 said when it decoded the same object."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta.errors import ApiError
from backend.meta.schema import Schemas, duplicate_fields

CORE = "io.k8s.api.core.v1."
QUANTITY = r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

POD_FAULTS: list[tuple[str, Any, str]] = [
    ("spec.containers.0.image", 5, "number > Container.spec.containers.image > string"),
    ("spec.containers.0.image", {}, "object > Container.spec.containers.image > string"),
    ("spec.containers.0.image", [], "array > Container.spec.containers.image > string"),
    ("spec.containers.0.image", True, "bool > Container.spec.containers.image > string"),
    (
        "spec.containers.0.ports",
        [{"containerPort": "x"}],
        "string > ContainerPort.spec.containers.ports.containerPort > int32",
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": 1.5}],
        "number 1.5 > ContainerPort.spec.containers.ports.containerPort > int32",
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": 1.0}],
        "number 1.0 > ContainerPort.spec.containers.ports.containerPort > int32",
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": 99999999999}],
        "number 99999999999 > ContainerPort.spec.containers.ports.containerPort > int32",
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": True}],
        "bool > ContainerPort.spec.containers.ports.containerPort > int32",
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": []}],
        "array > ContainerPort.spec.containers.ports.containerPort > int32",
    ),
    ("spec.containers.0.ports", {}, "object > Container.spec.containers.ports > []v1.ContainerPort"),
    ("spec.containers.0.ports", "x", "string > Container.spec.containers.ports > []v1.ContainerPort"),
    ("spec.containers.0.ports", ["x"], "string > Container.spec.containers.ports > v1.ContainerPort"),
    ("spec.containers", ["x"], "string > PodSpec.spec.containers > v1.Container"),
    ("spec.containers", {}, "object > PodSpec.spec.containers > []v1.Container"),
    ("spec", [], "array > Pod.spec > v1.PodSpec"),
    ("spec", "x", "string > Pod.spec > v1.PodSpec"),
    ("metadata", "x", "string > Pod.metadata > v1.ObjectMeta"),
    ("metadata.labels", {"a": {}}, "object > ObjectMeta.metadata.labels > string"),
    ("metadata.labels", {"a": 1}, "number > ObjectMeta.metadata.labels > string"),
    ("metadata.labels", "x", "string > ObjectMeta.metadata.labels > map[string]string"),
    ("metadata.labels", [], "array > ObjectMeta.metadata.labels > map[string]string"),
    ("metadata.name", 1, "number > ObjectMeta.metadata.name > string"),
    (
        "metadata.creationTimestamp",
        "x",
        'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ),
    ("metadata.creationTimestamp", 5, "number > ObjectMeta.metadata.creationTimestamp > string"),
    ("metadata.creationTimestamp", {}, "object > ObjectMeta.metadata.creationTimestamp > string"),
    (
        "metadata.creationTimestamp",
        "",
        'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"',
    ),
    (
        "metadata.creationTimestamp",
        "2024-01-01",
        'parsing time "2024-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"',
    ),
    (
        "metadata.creationTimestamp",
        "2024-13-01T00:00:00Z",
        'parsing time "2024-13-01T00:00:00Z": month out of range',
    ),
    ("metadata.generation", "x", "string > ObjectMeta.metadata.generation > int64"),
    ("metadata.finalizers", "x", "string > ObjectMeta.metadata.finalizers > []string"),
    ("metadata.finalizers", [1], "number > ObjectMeta.metadata.finalizers > string"),
    (
        "metadata.ownerReferences",
        [{"controller": "x"}],
        "string > OwnerReference.metadata.ownerReferences.controller > bool",
    ),
    (
        "metadata.managedFields",
        [{"time": "x"}],
        'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ),
    ("spec.containers.0.resources", {"limits": {"cpu": "x"}}, QUANTITY),
    ("spec.containers.0.resources", {"limits": {"cpu": True}}, QUANTITY),
    ("spec.containers.0.resources", {"limits": {"cpu": {}}}, QUANTITY),
    (
        "spec.containers.0.resources",
        {"limits": []},
        "array > ResourceRequirements.spec.containers.resources.limits > v1.ResourceList",
    ),
    ("spec.containers.0.resources", {"limits": {"cpu": "1kk"}}, "unable to parse quantity's suffix"),
    (
        "spec.containers.0.livenessProbe",
        {"httpGet": {"port": 1.5}},
        "number 1.5 > HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port > int32",
    ),
    (
        "spec.containers.0.livenessProbe",
        {"httpGet": {"port": True}},
        "bool > HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port > int32",
    ),
    (
        "spec.containers.0.livenessProbe",
        {"httpGet": {"port": {}}},
        "object > HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port > int32",
    ),
    (
        "spec.containers.0.livenessProbe",
        {"httpGet": {"port": 99999999999}},
        "number 99999999999 > HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port > int32",
    ),
    (
        "spec.containers.0.livenessProbe",
        {"httpGet": "x"},
        "string > Probe.spec.containers.livenessProbe.ProbeHandler.httpGet > v1.HTTPGetAction",
    ),
    ("spec.containers.0.livenessProbe", "x", "string > Container.spec.containers.livenessProbe > v1.Probe"),
    ("spec.containers.0.env", [{"name": "x", "value": 1}], "number > EnvVar.spec.containers.env.value > string"),
    ("spec.containers.0.env", [{"name": "x", "value": 1.5}], "number > EnvVar.spec.containers.env.value > string"),
    (
        "spec.containers.0.env",
        [{"name": "x", "valueFrom": {"secretKeyRef": {"optional": "x"}}}],
        "string > SecretKeySelector.spec.containers.env.valueFrom.secretKeyRef.optional > bool",
    ),
    (
        "spec.containers.0.env",
        [{"name": "x", "valueFrom": {"secretKeyRef": {"name": 5}}}],
        "number > SecretKeySelector.spec.containers.env.valueFrom.secretKeyRef.LocalObjectReference.name > string",
    ),
    ("spec.containers.0.command", "x", "string > Container.spec.containers.command > []string"),
    ("spec.containers.0.command", [1], "number > Container.spec.containers.command > string"),
    ("spec.containers.0.command", [{}], "object > Container.spec.containers.command > string"),
    (
        "spec.volumes",
        [{"secret": {"defaultMode": "x"}}],
        "string > SecretVolumeSource.spec.volumes.VolumeSource.secret.defaultMode > int32",
    ),
    (
        "spec.volumes",
        [{"name": "a", "secret": "x"}],
        "string > Volume.spec.volumes.VolumeSource.secret > v1.SecretVolumeSource",
    ),
    (
        "spec.volumes",
        [{"name": "a", "secret": {"secretName": 1}}],
        "number > SecretVolumeSource.spec.volumes.VolumeSource.secret.secretName > string",
    ),
    ("spec.volumes", [{"emptyDir": {"sizeLimit": "x"}}], QUANTITY),
    (
        "spec.volumes",
        [{"emptyDir": {"medium": 1}}],
        "number > EmptyDirVolumeSource.spec.volumes.VolumeSource.emptyDir.medium > v1.StorageMedium",
    ),
    ("spec.restartPolicy", 1, "number > PodSpec.spec.restartPolicy > v1.RestartPolicy"),
    ("spec.hostAliases", [{"hostnames": [1]}], "number > HostAlias.spec.hostAliases.hostnames > string"),
    ("spec.terminationGracePeriodSeconds", "x", "string > PodSpec.spec.terminationGracePeriodSeconds > int64"),
    (
        "spec.securityContext",
        {"runAsUser": "x"},
        "string > PodSecurityContext.spec.securityContext.runAsUser > int64",
    ),
    (
        "spec.securityContext",
        {"supplementalGroups": ["x"]},
        "string > PodSecurityContext.spec.securityContext.supplementalGroups > int64",
    ),
    ("spec.nodeSelector", {"a": True}, "bool > PodSpec.spec.nodeSelector > string"),
    ("spec.hostNetwork", "x", "string > PodSpec.spec.hostNetwork > bool"),
    (
        "spec.affinity",
        {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": 1}]}},
        "number > PodAffinityTerm.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.topologyKey"
        " > string",
    ),
    (
        "spec.tolerations",
        [{"tolerationSeconds": 1e30}],
        "number 1e+30 > Toleration.spec.tolerations.tolerationSeconds > int64",
    ),
    (
        "status",
        {"containerStatuses": [{"ready": "x"}]},
        "string > ContainerStatus.status.containerStatuses.ready > bool",
    ),
    ("status", {"phase": 5}, "number > PodStatus.status.phase > v1.PodPhase"),
    ("status", {"podIPs": ["x"]}, "string > PodStatus.status.podIPs > v1.PodIP"),
]
"""(path, value put there, error); a wrong type as JSON type > struct and path > Go type."""

SECRET_FAULTS: list[tuple[Any, str]] = [
    ({"data": {"k": "a"}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "ab"}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "abc"}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "ab="}}, "illegal base64 data at input byte 3"),
    ({"data": {"k": "YQ"}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "Y Q=="}}, "illegal base64 data at input byte 1"),
    ({"data": {"k": "s^pEr3eC8=="}}, "illegal base64 data at input byte 1"),
    ({"data": {"k": "OFJKHasidjfh="}}, "illegal base64 data at input byte 12"),
    ({"data": {"k": "YQ==x"}}, "illegal base64 data at input byte 4"),
    ({"data": {"k": "===="}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "_-__"}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "YQ="}}, "illegal base64 data at input byte 3"),
    ({"data": {"k": "é"}}, "illegal base64 data at input byte 0"),
    ({"data": {"k": "YWJj YWJj"}}, "illegal base64 data at input byte 4"),
    ({"data": {"k": "YQ==="}}, "illegal base64 data at input byte 4"),
    ({"data": {"k": "YWJjZA====="}}, "illegal base64 data at input byte 8"),
    ({"data": {"k": 1}}, "number > Secret.data > []uint8"),
    ({"data": {"k": {}}}, "object > Secret.data > []uint8"),
    ({"data": "x"}, "string > Secret.data > map[string][]uint8"),
    ({"data": {"k": "YQ=="}, "type": 1}, "number > Secret.type > v1.SecretType"),
    ({"data": {"k": "YQ=="}, "immutable": "x"}, "string > Secret.immutable > bool"),
    ({"data": {"k": "YQ=="}, "stringData": {"a": 1}}, "number > Secret.stringData > string"),
]


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas.load()


def pod(**spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i"}
    spec = {"containers": [container]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


def secret(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}} | more


def put(obj: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    found: Any = obj
    for key in parents:
        found = found[int(key)] if isinstance(found, list) else found.setdefault(key, {})
    found[last] = value
    return obj


def message(fault: str) -> str:
    if " > " not in fault:
        return fault
    what, where, go_type = fault.split(" > ")
    return f"json: cannot unmarshal {what} into Go struct field {where} of type {go_type}"


@pytest.mark.parametrize(("path", "value", "fault"), POD_FAULTS)
def test_faults_of_a_pod(schemas: Schemas, path: str, value: Any, fault: str) -> None:
    with pytest.raises(ApiError) as caught:
        schemas.decode(put(pod(), path, value), CORE + "Pod", "Pod", "v1")
    assert caught.value.code == 400
    assert caught.value.message == f'Pod in version "v1" cannot be handled as a Pod: {message(fault)}'


@pytest.mark.parametrize(("fields", "fault"), SECRET_FAULTS)
def test_faults_of_a_secret(schemas: Schemas, fields: Any, fault: str) -> None:
    with pytest.raises(ApiError) as caught:
        schemas.decode(secret(**fields), CORE + "Secret", "Secret", "v1")
    assert caught.value.message == f'Secret in version "v1" cannot be handled as a Secret: {message(fault)}'


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (None, "Object 'Kind' is missing in 'null'"),
        ({"kind": 1}, "json: cannot unmarshal number into Go struct field .kind of type string"),
        ({"apiVersion": {}}, "json: cannot unmarshal object into Go struct field .apiVersion of type string"),
        ([], "json: cannot unmarshal array into Go value of type struct { APIVersion string"),
    ],
)
def test_what_is_no_object(schemas: Schemas, document: Any, why: str) -> None:
    with pytest.raises(ApiError) as caught:
        schemas.decode(document, CORE + "Pod", "Pod", "v1")
    assert caught.value.message.startswith("the object provided is unrecognized (must be of type Pod): ")
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("path", "value", "decoded"),
    [
        ("metadata.labels", {"a": None}, {"a": ""}),
        ("metadata.finalizers", [None], [""]),
        ("metadata.creationTimestamp", "2024-01-01T00:00:00.5+02:00", "2023-12-31T22:00:00Z"),
        ("metadata.managedFields", [{"fieldsV1": {"f:x": None}}], [{"fieldsV1": {"f:x": None}}]),
        ("spec.containers", [None], [{}]),
        ("spec.containers", [], []),
        ("spec.volumes", [{"name": "v", "emptyDir": {}}], [{"name": "v", "emptyDir": {}}]),
        (
            "spec.containers.0.resources",
            {"limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {"cpu": None}},
            {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "0"}},
        ),
        ("spec.containers.0.livenessProbe", {"httpGet": {"port": "http"}}, {"httpGet": {"port": "http"}}),
    ],
)
def test_canonical_values(schemas: Schemas, path: str, value: Any, decoded: Any) -> None:
    found: Any = schemas.decode(put(pod(), path, value), CORE + "Pod", "Pod", "v1").obj
    for key in path.split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    assert found == decoded


@pytest.mark.parametrize("path", ["spec.nodeName", "spec.volumes", "metadata.creationTimestamp", "status"])
def test_null_is_absent(schemas: Schemas, path: str) -> None:
    assert schemas.decode(put(pod(), path, None), CORE + "Pod", "Pod", "v1").obj == pod()


@pytest.mark.parametrize(
    ("path", "empty"), [("spec.volumes", []), ("metadata.labels", {}), ("spec.nodeSelector", {})]
)
def test_optional_lists_and_maps_that_are_empty_are_absent(schemas: Schemas, path: str, empty: Any) -> None:
    assert schemas.decode(put(pod(), path, empty), CORE + "Pod", "Pod", "v1").obj == pod()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("YQ==", "YQ=="),
        ("YR==", "YQ=="),
        ("YW\nJj", "YWJj"),
        ("YQ=\r\n=", "YQ=="),
        ("", ""),
        (None, ""),
        ([1, 2], "AQI="),
    ],
)
def test_binary_values(schemas: Schemas, text: Any, stored: str) -> None:
    decoded = schemas.decode(secret(data={"k": text}), CORE + "Secret", "Secret", "v1").obj
    assert decoded["data"] == {"k": stored}


def test_unknown_fields_are_pruned_and_named(schemas: Schemas) -> None:
    obj = pod(
        foo=1, containers=[{"name": "c", "bar": {}, "ports": [{"containerPort": 1, "baz": None}]}], Volumes=[]
    )
    obj["metadata"]["Labels"] = {}
    decoded = schemas.decode(obj, CORE + "Pod", "Pod", "v1")
    assert decoded.strict == [
        'unknown field "metadata.Labels"',
        'unknown field "spec.containers[0].bar"',
        'unknown field "spec.containers[0].ports[0].baz"',
        'unknown field "spec.foo"',
        'unknown field "spec.Volumes"',
    ]
    assert decoded.obj == pod(containers=[{"name": "c", "ports": [{"containerPort": 1}]}])


def test_the_argument_is_neither_changed_nor_shared(schemas: Schemas) -> None:
    obj = pod(nodeSelector={"a": "b"}, foo=1)
    before = json.dumps(obj)
    decoded = schemas.decode(obj, CORE + "Pod", "Pod", "v1").obj
    decoded["spec"]["nodeSelector"]["a"] = "c"
    decoded["metadata"]["name"] = "b"
    decoded["spec"]["containers"][0]["name"] = "d"
    assert json.dumps(obj) == before


def test_deep_nesting_is_refused(schemas: Schemas) -> None:
    deep: Any = {}
    for _ in range(3000):
        deep = {"properties": {"x": deep}}
    definition = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
    spec = {"versions": [{"schema": {"openAPIV3Schema": deep}}]}
    with pytest.raises(ApiError, match="exceeded max depth"):
        schemas.decode({"spec": spec}, definition, "CustomResourceDefinition", "v1")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def shaped(schemas: Schemas, definition: str, depth: int = 4) -> st.SearchStrategy[Any]:
    """Documents with the field names of a definition, and any values."""
    fields = schemas.fields(definition)
    options = {}
    for name, field in fields.items():
        inner: st.SearchStrategy[Any] = JSON
        if field.definition and depth:
            inner = JSON | st.deferred(lambda d=field.definition: shaped(schemas, d, depth - 1))
        if field.kind == "list":
            inner = JSON | st.lists(inner, max_size=2)
        options[name] = inner
    return st.fixed_dictionaries({}, optional=options)


SCHEMAS = Schemas.load()


@pytest.mark.parametrize("kind", ["Secret", "Pod", "Event"])
def test_any_json_is_decoded_or_a_bad_request(kind: str) -> None:
    @given(JSON | shaped(SCHEMAS, CORE + kind))
    def check(document: Any) -> None:
        with suppress(ApiError):
            decoded = SCHEMAS.decode(document, CORE + kind, kind, "v1").obj
            again = SCHEMAS.decode(decoded, CORE + kind, kind, "v1")
            assert again.obj == decoded
            assert again.strict == []

    check()


def test_every_definition_can_be_read_and_decoded(schemas: Schemas) -> None:
    for name in schemas.raw_definitions():
        schemas.fields(name)
        assert schemas.decode({}, name, "X", "v1").strict == []


def test_fields_know_how_they_merge(schemas: Schemas) -> None:
    ports = schemas.fields(CORE + "Container")["ports"]
    assert (ports.kind, ports.definition, ports.go_type) == ("list", CORE + "ContainerPort", "[]v1.ContainerPort")
    assert (ports.merge_key, ports.patch_strategy) == ("containerPort", ("merge",))
    assert (ports.list_type, ports.list_map_keys) == ("map", ("containerPort", "protocol"))
    assert schemas.fields(CORE + "PodSpec")["volumes"].patch_strategy == ("merge", "retainKeys")
    limits = schemas.fields(CORE + "ResourceRequirements")["limits"]
    assert limits.element is not None
    assert (limits.kind, limits.element.kind, limits.go_type) == ("map", "quantity", "v1.ResourceList")


def test_kinds(schemas: Schemas) -> None:
    kinds = schemas.kinds()
    assert kinds["", "v1", "Secret"] == CORE + "Secret"
    assert kinds["apps", "v1", "Deployment"] == "io.k8s.api.apps.v1.Deployment"
    assert "description" in schemas.raw_definitions()[CORE + "Secret"]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"a": 1}', []),
        (b'{"a": 1, "a": 2, "a": 3}', ["a"]),
        (b'{"metadata": {"name": "x", "name": "y"}}', ["metadata.name"]),
        (b'{"spec": {"c": [{}, {"n": 1, "n": 2}]}, "spec": {}}', ["spec.c[1].n", "spec"]),
        (b"[1, 2]", []),
        (b"not json", []),
        (b"\xff", []),
    ],
)
def test_duplicate_fields(raw: bytes, found: list[str]) -> None:
    assert duplicate_fields(raw) == [f'duplicate field "{path}"' for path in found]
