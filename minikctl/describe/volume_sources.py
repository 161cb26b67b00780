"""The sources of persistent volumes, and those that pods have in the same form.

Source: k8s.io/kubectl/pkg/describe (the print*VolumeSource functions that describePersistentVolume calls).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minikctl.describe.common import MAX_ANNOTATION
from minikctl.describe.writer import Writer

Obj = Mapping[str, Any]
Show = Callable[[Any], str]


def text(value: Any) -> str:
    """As Go's %v prints a field that may be absent."""
    return "" if value is None else str(value)


def flag(value: Any) -> str:
    return "true" if value else "false"


def _number(value: Any) -> str:
    return str(value or 0)


def _or_none(value: Any) -> str:
    return "<none>" if value is None else str(value)


def _or_unset(value: Any) -> str:
    return "<unset>" if value is None else str(value)


def _list(values: Any) -> str:
    return f"[{' '.join(values or ())}]"


def _map(values: Any) -> str:
    return f"map[{' '.join(f'{key}:{value}' for key, value in sorted((values or {}).items()))}]"


def _commas(values: Any) -> str:
    return ", ".join(values or ())


def _reference(value: Any) -> str:
    """A SecretReference as its generated String method prints it."""
    if value is None:
        return "nil"
    return f"&SecretReference{{Name:{value.get('name', '')},Namespace:{value.get('namespace', '')},}}"


def _local_reference(value: Any) -> str:
    return "nil" if value is None else f"&LocalObjectReference{{Name:{value.get('name', '')},}}"


_ONLY_PERSISTENT = frozenset({"EndpointsNamespace:", "SecretNamespace:", "VolumeHandle:"})

_FS_TYPE: tuple[str, str, Show] = ("FSType:", "fsType", text)
_READ_ONLY: tuple[str, str, Show] = ("ReadOnly:", "readOnly", flag)
_SECRET: tuple[str, str, Show] = ("SecretRef:", "secretRef", _reference)
_PARTITION: tuple[str, str, Show] = ("Partition:", "partition", _number)

_SOURCES: dict[str, tuple[str, tuple[tuple[str, str, Show], ...]]] = {
    "hostPath": (
        "HostPath (bare host directory volume)",
        (("Path:", "path", text), ("HostPathType:", "type", _or_none)),
    ),
    "gcePersistentDisk": (
        "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        (("PDName:", "pdName", text), _FS_TYPE, _PARTITION, _READ_ONLY),
    ),
    "awsElasticBlockStore": (
        "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
        (("VolumeID:", "volumeID", text), _FS_TYPE, _PARTITION, _READ_ONLY),
    ),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        (("Server:", "server", text), ("Path:", "path", text), _READ_ONLY),
    ),
    "iscsi": (
        "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
        (
            ("TargetPortal:", "targetPortal", text),
            ("IQN:", "iqn", text),
            ("Lun:", "lun", _number),
            ("ISCSIInterface", "iscsiInterface", text),
            _FS_TYPE,
            _READ_ONLY,
            ("Portals:", "portals", _list),
            ("DiscoveryCHAPAuth:", "chapAuthDiscovery", flag),
            ("SessionCHAPAuth:", "chapAuthSession", flag),
            _SECRET,
            ("InitiatorName:", "initiatorName", _or_none),
        ),
    ),
    "glusterfs": (
        "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)",
        (
            ("EndpointsName:", "endpoints", text),
            ("EndpointsNamespace:", "endpointsNamespace", _or_unset),
            ("Path:", "path", text),
            _READ_ONLY,
        ),
    ),
    "rbd": (
        "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
        (
            ("CephMonitors:", "monitors", _list),
            ("RBDImage:", "image", text),
            _FS_TYPE,
            ("RBDPool:", "pool", text),
            ("RadosUser:", "user", text),
            ("Keyring:", "keyring", text),
            _SECRET,
            _READ_ONLY,
        ),
    ),
    "quobyte": (
        "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
        (("Registry:", "registry", text), ("Volume:", "volume", text), _READ_ONLY),
    ),
    "vsphereVolume": (
        "vSphereVolume (a Persistent Disk resource in vSphere)",
        (("VolumePath:", "volumePath", text), _FS_TYPE, ("StoragePolicyName:", "storagePolicyName", text)),
    ),
    "cinder": (
        "Cinder (a Persistent Disk resource in OpenStack)",
        (("VolumeID:", "volumeID", text), _FS_TYPE, _READ_ONLY, _SECRET),
    ),
    "azureDisk": (
        "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
        (
            ("DiskName:", "diskName", text),
            ("DiskURI:", "diskURI", text),
            ("Kind: ", "kind", text),
            _FS_TYPE,
            ("CachingMode:", "cachingMode", text),
            _READ_ONLY,
        ),
    ),
    "photonPersistentDisk": (
        "PhotonPersistentDisk (a Persistent Disk resource in photon platform)",
        (("PdID:", "pdID", text), _FS_TYPE),
    ),
    "portworxVolume": ("PortworxVolume (a Portworx Volume resource)", (("VolumeID:", "volumeID", text),)),
    "scaleIO": (
        "ScaleIO (a persistent volume backed by a block device in ScaleIO)",
        (
            ("Gateway:", "gateway", text),
            ("System:", "system", text),
            ("Protection Domain:", "protectionDomain", text),
            ("Storage Pool:", "storagePool", text),
            ("Storage Mode:", "storageMode", text),
            ("VolumeName:", "volumeName", text),
            ("SecretName:", "secretRef", lambda reference: text((reference or {}).get("name"))),
            ("SecretNamespace:", "secretRef", lambda reference: text((reference or {}).get("namespace"))),
            _FS_TYPE,
            _READ_ONLY,
        ),
    ),
    "local": (
        "LocalVolume (a persistent volume backed by local storage on a node)",
        (("Path:", "path", text),),
    ),
    "cephfs": (
        "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
        (
            ("Monitors:", "monitors", _list),
            ("Path:", "path", text),
            ("User:", "user", text),
            ("SecretFile:", "secretFile", text),
            _SECRET,
            _READ_ONLY,
        ),
    ),
    "storageos": (
        "StorageOS (a StorageOS Persistent Disk resource)",
        (
            ("VolumeName:", "volumeName", text),
            ("VolumeNamespace:", "volumeNamespace", text),
            _FS_TYPE,
            _READ_ONLY,
        ),
    ),
    "fc": (
        "FC (a Fibre Channel disk)",
        (("TargetWWNs:", "targetWWNs", _commas), ("LUN:", "lun", _or_none), _FS_TYPE, _READ_ONLY),
    ),
    "azureFile": (
        "AzureFile (an Azure File Service mount on the host and bind mount to the pod)",
        (
            ("SecretName:", "secretName", text),
            ("SecretNamespace:", "secretNamespace", text),
            ("ShareName:", "shareName", text),
            _READ_ONLY,
        ),
    ),
    "flexVolume": (
        "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
        (("Driver:", "driver", text), _FS_TYPE, _SECRET, _READ_ONLY, ("Options:", "options", _map)),
    ),
    "flocker": (
        "Flocker (a Flocker volume mounted by the Flocker agent)",
        (("DatasetName:", "datasetName", text), ("DatasetUUID:", "datasetUUID", text)),
    ),
    "csi": (
        "CSI (a Container Storage Interface (CSI) volume source)",
        (
            ("Driver:", "driver", text),
            _FS_TYPE,
            ("VolumeHandle:", "volumeHandle", text),
            _READ_ONLY,
        ),
    ),
}
"""In kubectl's order: the first that a volume has is shown."""


def describe_source(writer: Writer, spec: Obj) -> None:
    """The source of a persistent volume's spec."""
    kind = next((kind for kind in _SOURCES if spec.get(kind) is not None), None)
    if kind is None:
        writer.write(1, "<unknown>\n")
        return
    _describe(writer, kind, spec[kind])


def describe_pod_source(writer: Writer, volume: Obj) -> bool:
    """The same for a pod's volume, whose sources have less: no namespaces, and no secrets but their pod's own.

    False if the volume has none of these sources."""
    kind = next((kind for kind in _SOURCES if volume.get(kind) is not None), None)
    if kind is not None:
        _describe(writer, kind, volume[kind], of_pod=True)
    return kind is not None


def _describe(writer: Writer, kind: str, source: Obj, *, of_pod: bool = False) -> None:
    title, fields = _SOURCES[kind]
    writer.write(2, f"Type:\t{title}\n")
    for label, name, show in fields:
        if of_pod and label in _ONLY_PERSISTENT:
            continue
        shown = _local_reference(source.get(name)) if of_pod and show is _reference else show(source.get(name))
        writer.write(2, f"{label}\t{shown}\n")
    if kind == "csi":
        _attributes(writer, source.get("volumeAttributes") or {})


def _attributes(writer: Writer, attributes: Mapping[str, str]) -> None:
    """kubectl indents each part of these lines, also in the middle of a line."""
    writer.write(2, "VolumeAttributes:\t")
    if not attributes:
        writer.write(0, "<none>\n")
    for number, key in enumerate(sorted(attributes)):
        if number:
            writer.write(2, "")
            writer.write(2, "\t")
        line = f"{key}={attributes[key]}"
        writer.write(2, f"{line[:MAX_ANNOTATION]}...\n" if len(line) > MAX_ANNOTATION else f"{line}\n")
