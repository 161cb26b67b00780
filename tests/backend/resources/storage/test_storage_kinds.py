"""Storage classes, CSI drivers and nodes, capacities and attachments."""

import pytest

from backend.resources.storage.csi_driver import CSI_DRIVER
from backend.resources.storage.csi_node import CSI_NODE
from backend.resources.storage.csi_storage_capacity import CSI_STORAGE_CAPACITY
from backend.resources.storage.storage_class import STORAGE_CLASS
from backend.resources.storage.volume_attachment import VOLUME_ATTACHMENT
from backend.resources.storage.volume_attributes_class import VOLUME_ATTRIBUTES_CLASS

NOW = 1_700_000_000.0
AGO_20S = "2023-11-14T22:13:00Z"


def texts(found):
    return [str(cause) for cause in found]


def made(resource, **fields):
    obj = {"metadata": {"name": "x", "creationTimestamp": AGO_20S}, **fields}
    resource.default(obj)
    return obj


def storage_class(**fields):
    return made(STORAGE_CLASS, **{"provisioner": "example.com/p", **fields})


def test_a_default_class_says_so():
    plain = storage_class()
    assert STORAGE_CLASS.row(plain, NOW) == ["x", "example.com/p", "Delete", "Immediate", False, "20s"]
    plain["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert STORAGE_CLASS.row(plain, NOW)[0] == "x (default)"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"provisioner": ""}, ["provisioner: Required value"]),
        (
            {"reclaimPolicy": "Recycle"},
            ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
        ),
        ({"parameters": {"": "x"}}, ['parameters: Invalid value: "": field can not be empty.']),
        (
            {"allowedTopologies": [{"matchLabelExpressions": [{"key": "a", "values": ["b"]}]}] * 2},
            ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
        ),
        ({"allowedTopologies": [{}]}, ["allowedTopologies[0].matchLabelExpressions: Required value"]),
    ],
)
def test_rules_of_storage_classes(fields, expected):
    assert texts(STORAGE_CLASS.validate(storage_class(**fields))) == expected


def test_what_provisions_stays():
    new = storage_class(
        provisioner="other", parameters={"a": "b"}, reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer",
        allowVolumeExpansion=True,
    )  # fmt: skip
    assert texts(STORAGE_CLASS.validate_update(new, storage_class())) == [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
        "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]


def test_a_volume_attributes_class_has_parameters_that_stay():
    good = made(VOLUME_ATTRIBUTES_CLASS, driverName="d.example.com", parameters={"a": "b"})
    assert texts(VOLUME_ATTRIBUTES_CLASS.validate(good)) == []
    bad = {**good, "parameters": {}}
    assert texts(VOLUME_ATTRIBUTES_CLASS.validate_update(bad, good)) == [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "parameters: Required value: must contain at least one key/value pair",
    ]


def test_a_csi_driver_and_its_row():
    driver = made(CSI_DRIVER, spec={"tokenRequests": [{"audience": "a"}, {"audience": "b"}]})
    assert CSI_DRIVER.row(driver, NOW) == ["x", True, False, False, "a,b", False, "Persistent", "20s"]
    assert driver["spec"]["fsGroupPolicy"] == "ReadWriteOnceWithFSType"
    assert texts(CSI_DRIVER.validate(driver)) == []


def test_rules_of_csi_drivers():
    requests = [{"audience": "a", "expirationSeconds": 5}, {"audience": "a"}]
    driver = made(
        CSI_DRIVER, spec={"fsGroupPolicy": "x", "tokenRequests": requests, "volumeLifecycleModes": ["y"]}
    )
    assert texts(CSI_DRIVER.validate(driver)) == [
        'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
        'spec.volumeLifecycleModes: Unsupported value: "y": supported values: "Persistent", "Ephemeral"',
    ]


def test_a_driver_counts_what_others_have_to_be_told():
    old, new = made(CSI_DRIVER), made(CSI_DRIVER, spec={"requiresRepublish": True})
    CSI_DRIVER.prepare_update(new, old)
    assert new["metadata"]["generation"] == 1
    assert texts(CSI_DRIVER.validate_update(made(CSI_DRIVER, spec={"attachRequired": False}), old)) == [
        "spec.attachedRequired: Invalid value: false: field is immutable"
    ]


def test_a_nodes_drivers_change_only_what_they_can_allocate():
    driver = {"name": "d.example.com", "nodeID": "i"}
    old = made(CSI_NODE, spec={"drivers": [driver]})
    assert CSI_NODE.row(old, NOW) == ["x", 1, "20s"]
    more = made(CSI_NODE, spec={"drivers": [{**driver, "allocatable": {"count": 3}}]})
    assert texts(CSI_NODE.validate_update(more, old)) == []
    other = made(CSI_NODE, spec={"drivers": [{**driver, "nodeID": "j"}]})
    assert texts(CSI_NODE.validate_update(other, old)) == [
        'spec.drivers: Invalid value: {"name":"d.example.com","nodeID":"j"}: field is immutable'
    ]
    twice = made(CSI_NODE, spec={"drivers": [driver, {**driver, "nodeID": ""}]})
    assert texts(CSI_NODE.validate(twice)) == [
        "spec.drivers[1].nodeID: Required value", 'spec.drivers[1].name: Duplicate value: "d.example.com"',
    ]  # fmt: skip


def test_a_capacity_stays_what_it_is_of():
    old = made(CSI_STORAGE_CAPACITY, storageClassName="a", capacity="1Gi")
    assert CSI_STORAGE_CAPACITY.row(old, NOW) == ["x", "a", "1Gi"]
    assert CSI_STORAGE_CAPACITY.row(made(CSI_STORAGE_CAPACITY, storageClassName="a"), NOW)[2] == "<unset>"
    new = {**old, "storageClassName": "b", "capacity": "2Gi"}
    assert texts(CSI_STORAGE_CAPACITY.validate_update(new, old)) == [
        'storageClassName: Invalid value: "b": field is immutable'
    ]
    assert texts(CSI_STORAGE_CAPACITY.validate({**old, "capacity": "-1"})) == [
        'capacity: Invalid value: "-1": must be greater than or equal to 0'
    ]


def attachment(**source):
    spec = {"attacher": "d.example.com", "nodeName": "n", "source": source}
    return {"metadata": {"name": "x", "creationTimestamp": AGO_20S}, "spec": spec, "status": {"attached": False}}


def test_an_attachment_has_one_source_that_stays():
    good = attachment(persistentVolumeName="v")
    assert VOLUME_ATTACHMENT.row(good, NOW) == ["x", "d.example.com", "v", "n", False, "20s"]
    assert texts(VOLUME_ATTACHMENT.validate(good)) == []
    one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    assert texts(VOLUME_ATTACHMENT.validate(attachment())) == [f"spec.source: Required value: {one}"]
    inline = attachment(inlineVolumeSpec={"accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}})
    assert texts(VOLUME_ATTACHMENT.validate(inline)) == [
        "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes"
    ]
    (fault,) = texts(VOLUME_ATTACHMENT.validate_update(attachment(persistentVolumeName="w"), good))
    assert fault.startswith("spec: Invalid value: ")
    assert fault.endswith(": field is immutable")
    failed = {**good, "status": {"attachError": {"errorCode": -1}}}
    assert texts(VOLUME_ATTACHMENT.validate_status_update(failed, good)) == [
        "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive"
    ]
