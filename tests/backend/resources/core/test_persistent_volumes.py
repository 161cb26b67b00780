"""Volumes and claims: defaults, rules, what may change, and their rows."""

import copy

import pytest

from backend.resources.core.persistent_volume import PERSISTENT_VOLUME
from backend.resources.core.persistent_volume_claim import PERSISTENT_VOLUME_CLAIM
from backend.resources.core.volume_validation import validate_volumes

NOW = 1_700_000_000.0
AGO_20S = "2023-11-14T22:13:00Z"
SPEC = {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"]}
CSI = {"driver": "d.example.com", "volumeHandle": "h"}
AFFINITY = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "k", "operator": "Exists"}]}]}}


def texts(found):
    return [str(cause) for cause in found]


def volume(**spec):
    source = {} if {"hostPath", "nfs", "csi", "local"} & set(spec) else {"hostPath": {"path": "/data"}}
    made = {
        "metadata": {"name": "v", "creationTimestamp": AGO_20S},
        "spec": {**copy.deepcopy(SPEC), **source, **spec},
    }
    PERSISTENT_VOLUME.default(made)
    return made


def claim(phase="Pending", **spec):
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    made = {"metadata": {"name": "c", "namespace": "default", "creationTimestamp": AGO_20S}, "spec": body}
    PERSISTENT_VOLUME_CLAIM.default(made)
    made["status"] = {"phase": phase}
    return made


def test_a_volume_is_retained_and_mounted_unless_it_says_otherwise():
    made = volume()
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["spec"]["volumeMode"] == "Filesystem"
    assert made["spec"]["hostPath"] == {"path": "/data", "type": ""}
    PERSISTENT_VOLUME.prepare_create(made)
    assert made["status"]["phase"] == "Pending"
    assert texts(PERSISTENT_VOLUME.validate(made)) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"accessModes": []}, ["spec.accessModes: Required value"]),
        (
            {"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]},
            ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
        ),
        (
            {"capacity": {"storage": "0"}},
            ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
        ),
        (
            {"hostPath": {"path": "/a"}, "nfs": {"server": "s", "path": "/p"}},
            ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            {"hostPath": {"path": "/"}, "persistentVolumeReclaimPolicy": "Recycle"},
            ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
        ),
        ({"local": {"path": "/x"}}, ["spec.nodeAffinity: Required value: Local volume requires node affinity"]),
        ({"local": {"path": "/x"}, "nodeAffinity": AFFINITY}, []),
        ({"csi": {"driver": "", "volumeHandle": "h"}}, ["spec.csi.driver: Required value"]),
        (
            {"csi": {**CSI, "nodePublishSecretRef": {"name": "s"}}},
            ["spec.csi.nodePublishSecretRef.namespace: Required value"],
        ),
        (
            {"volumeAttributesClassName": "gold"},
            ["spec.csi: Required value: has to be specified when using volumeAttributesClassName"],
        ),
        (
            {"volumeMode": "x"},
            ['spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem"'],
        ),
    ],
)
def test_rules_of_volumes(spec, expected):
    assert texts(PERSISTENT_VOLUME.validate(volume(**spec))) == expected


def test_a_volume_without_a_source_is_none():
    made = {"metadata": {"name": "v"}, "spec": dict(SPEC)}
    PERSISTENT_VOLUME.default(made)
    assert texts(PERSISTENT_VOLUME.validate(made)) == ["spec: Required value: must specify a volume type"]


def test_a_volumes_source_stays():
    old = volume()
    new = volume(hostPath={"path": "/other"})
    (fault,) = texts(PERSISTENT_VOLUME.validate_update(new, old))
    assert fault.startswith(
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after"
    )
    assert '-    "path": "/data",\n+    "path": "/other",' in fault
    expandable = volume(csi={**CSI, "controllerExpandSecretRef": {"name": "s", "namespace": "n"}})
    assert texts(PERSISTENT_VOLUME.validate_update(expandable, volume(csi=dict(CSI)))) == []
    assert texts(PERSISTENT_VOLUME.validate_update(volume(capacity={"storage": "9Gi"}), old)) == []


def test_a_volumes_row():
    made = volume(claimRef={"namespace": "n", "name": "c"}, accessModes=["ReadOnlyMany", "ReadWriteOnce"])
    row = ["v", "5Gi", "RWO,ROX", "Retain", "Pending", "n/c", "", "<unset>", "", "20s", "Filesystem"]
    assert PERSISTENT_VOLUME.row(made, NOW) == row
    made["metadata"]["deletionTimestamp"] = AGO_20S
    assert PERSISTENT_VOLUME.row(made, NOW)[4] == "Terminating"


def test_a_claim_shows_a_capacity_once_it_has_a_volume():
    made = claim()
    assert PERSISTENT_VOLUME_CLAIM.row(made, NOW) == [
        "c", "Pending", "", "", "", "", "<unset>", "20s", "Filesystem",
    ]  # fmt: skip
    made = claim("Bound", volumeName="v", storageClassName="fast")
    made["status"] |= {"capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteMany"]}
    assert PERSISTENT_VOLUME_CLAIM.row(made, NOW)[1:6] == ["Bound", "v", "2Gi", "RWX", "fast"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"accessModes": []}, ["spec.accessModes: Required value: at least 1 access mode is required"]),
        ({"resources": {}}, ["spec.resources[storage]: Required value"]),
        (
            {"dataSource": {"kind": "Pod", "name": "p"}},
            [
                "spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the"
                " default apiGroup"
            ],
        ),
        (
            {
                "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"},
                "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "b"},
            },
            ['spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
        ),
    ],
)
def test_rules_of_claims(spec, expected):
    assert texts(PERSISTENT_VOLUME_CLAIM.validate(claim(**spec))) == expected


def test_both_names_of_a_data_source_say_the_same():
    source = {"kind": "PersistentVolumeClaim", "name": "a"}
    made = claim(dataSource=source)
    PERSISTENT_VOLUME_CLAIM.prepare_create(made)
    assert made["spec"]["dataSourceRef"] == source
    made = claim(dataSourceRef=source)
    PERSISTENT_VOLUME_CLAIM.prepare_create(made)
    assert made["spec"]["dataSource"] == source
    made = claim(dataSource={"apiGroup": "example.com", "kind": "Thing", "name": "a"})
    PERSISTENT_VOLUME_CLAIM.prepare_create(made)
    assert "dataSource" not in made["spec"]


def bigger(made, size):
    new = copy.deepcopy(made)
    new["spec"]["resources"]["requests"]["storage"] = size
    return new


def test_only_a_bound_claim_grows():
    old = claim("Bound", volumeName="v")
    assert texts(PERSISTENT_VOLUME_CLAIM.validate_update(bigger(old, "2Gi"), old)) == []
    old = claim()
    (fault,) = texts(PERSISTENT_VOLUME_CLAIM.validate_update(bigger(old, "2Gi"), old))
    assert fault.startswith(
        "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName"
        " for bound claims\n"
    )


def test_a_failed_expansion_is_taken_back_to_what_there_is():
    old = claim("Bound", volumeName="v")
    old["spec"]["resources"]["requests"]["storage"] = "9Gi"
    old["status"]["capacity"] = {"storage": "2Gi"}
    assert texts(PERSISTENT_VOLUME_CLAIM.validate_update(bigger(old, "3Gi"), old)) == []
    assert texts(PERSISTENT_VOLUME_CLAIM.validate_update(bigger(old, "2Gi"), old)) == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]


def test_a_claim_gets_a_volume_and_a_class_once():
    old, new = claim(), claim(volumeName="v", storageClassName="slow")
    assert texts(PERSISTENT_VOLUME_CLAIM.validate_update(new, old)) == []
    other = claim(volumeName="w", storageClassName="slow")
    assert len(PERSISTENT_VOLUME_CLAIM.validate_update(other, new)) == 1
    other = claim(volumeName="v", storageClassName="fast")
    assert len(PERSISTENT_VOLUME_CLAIM.validate_update(other, new)) == 1
    assert texts(PERSISTENT_VOLUME_CLAIM.validate_update(claim(), claim(volumeAttributesClassName="a"))) == [
        "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden"
    ]


def test_rules_of_a_claims_status():
    made = claim()
    made["status"] = {"allocatedResourceStatuses": {"cpu": "Odd"}, "capacity": {"storage": "-1"}}
    assert texts(PERSISTENT_VOLUME_CLAIM.validate_status_update(made, claim())) == [
        "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
        'status.allocatedResourceStatus: Unsupported value: "cpu": supported values: "storage"',
        'status.allocatedResourceStatus: Unsupported value: "cpu": supported values: "ControllerResizeInProgress",'
        ' "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    ]


def test_a_new_phase_has_a_time():
    old = volume()
    old["status"] = {"phase": "Pending", "lastPhaseTransitionTime": AGO_20S}
    new = {**old, "status": {"phase": "Available", "lastPhaseTransitionTime": AGO_20S}}
    PERSISTENT_VOLUME.prepare_status_update(new, old)
    assert new["status"]["lastPhaseTransitionTime"] > AGO_20S
    told = {**old, "status": {"phase": "Available", "lastPhaseTransitionTime": "2023-11-14T22:13:09Z"}}
    PERSISTENT_VOLUME.prepare_status_update(told, old)
    assert told["status"]["lastPhaseTransitionTime"] == "2023-11-14T22:13:09Z"


def test_what_is_old_is_warned_of():
    made = volume(persistentVolumeReclaimPolicy="Recycle", rbd={"monitors": ["m"], "image": "i"})
    made["metadata"]["annotations"] = {"volume.beta.kubernetes.io/storage-class": "a"}
    assert PERSISTENT_VOLUME.warnings(made, None) == [
        "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use"
        ' "storageClassName" attribute instead',
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended"
        " approach is to use dynamic provisioning.",
        "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
    ]
    assert PERSISTENT_VOLUME_CLAIM.warnings(claim(resources={"requests": {"storage": "1500m"}}), None) == [
        'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'
    ]


def test_a_pods_own_claim_has_the_rules_of_claims():
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    volumes = [{"name": "d", "ephemeral": {"volumeClaimTemplate": template}}]
    assert texts(validate_volumes(volumes, "spec.volumes")[0]) == [
        "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value"
    ]
