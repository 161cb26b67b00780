"""What the published OpenAPI leaves out of Kubernetes' Go types, and decoding errors nevertheless show.

Source: k8s.io/api. Two things: names of string types (`v1.RestartPolicy` rather than `string`), and embedded
structs, whose names stand in the path of a field (`spec.volumes.VolumeSource.secret`).
"""

from __future__ import annotations

_NAMED = {
    "core": {
        "Container": {"imagePullPolicy": "PullPolicy", "terminationMessagePolicy": "TerminationMessagePolicy"},
        "ContainerPort": {"protocol": "Protocol"},
        "ContainerResizePolicy": {"resourceName": "ResourceName", "restartPolicy": "ResourceResizeRestartPolicy"},
        "EmptyDirVolumeSource": {"medium": "StorageMedium"},
        "EndpointPort": {"protocol": "Protocol"},
        "HTTPGetAction": {"scheme": "URIScheme"},
        "HostPathVolumeSource": {"type": "HostPathType"},
        "NamespaceCondition": {"status": "ConditionStatus", "type": "NamespaceConditionType"},
        "NamespaceStatus": {"phase": "NamespacePhase"},
        "NodeAddress": {"type": "NodeAddressType"},
        "NodeCondition": {"status": "ConditionStatus", "type": "NodeConditionType"},
        "NodeSelectorRequirement": {"operator": "NodeSelectorOperator"},
        "NodeStatus": {"phase": "NodePhase"},
        "ObjectReference": {"uid": "types.UID"},
        "PersistentVolumeClaimSpec": {"volumeMode": "PersistentVolumeMode"},
        "PersistentVolumeClaimStatus": {"phase": "PersistentVolumeClaimPhase"},
        "PersistentVolumeSpec": {
            "persistentVolumeReclaimPolicy": "PersistentVolumeReclaimPolicy",
            "volumeMode": "PersistentVolumeMode",
        },
        "PodCondition": {"status": "ConditionStatus", "type": "PodConditionType"},
        "PodReadinessGate": {"conditionType": "PodConditionType"},
        "PodSecurityContext": {"fsGroupChangePolicy": "PodFSGroupChangePolicy"},
        "PodSpec": {
            "dnsPolicy": "DNSPolicy",
            "preemptionPolicy": "PreemptionPolicy",
            "restartPolicy": "RestartPolicy",
        },
        "PodStatus": {"phase": "PodPhase", "qosClass": "PodQOSClass"},
        "SeccompProfile": {"type": "SeccompProfileType"},
        "Secret": {"type": "SecretType"},
        "SecurityContext": {"procMount": "ProcMountType"},
        "ServicePort": {"protocol": "Protocol"},
        "ServiceSpec": {
            "externalTrafficPolicy": "ServiceExternalTrafficPolicy",
            "internalTrafficPolicy": "ServiceInternalTrafficPolicy",
            "ipFamilyPolicy": "IPFamilyPolicy",
            "sessionAffinity": "ServiceAffinity",
            "type": "ServiceType",
        },
        "Taint": {"effect": "TaintEffect"},
        "Toleration": {"effect": "TaintEffect", "operator": "TolerationOperator"},
        "TopologySpreadConstraint": {"whenUnsatisfiable": "UnsatisfiableConstraintAction"},
        "VolumeMount": {"mountPropagation": "MountPropagationMode"},
    },
    "apps": {
        "DeploymentStrategy": {"type": "DeploymentStrategyType"},
        "DaemonSetUpdateStrategy": {"type": "DaemonSetUpdateStrategyType"},
        "StatefulSetSpec": {"podManagementPolicy": "PodManagementPolicyType"},
        "StatefulSetUpdateStrategy": {"type": "StatefulSetUpdateStrategyType"},
    },
    "batch": {
        "CronJobSpec": {"concurrencyPolicy": "ConcurrencyPolicy"},
        "JobSpec": {"completionMode": "CompletionMode"},
    },
    "meta": {
        "DeleteOptions": {"propagationPolicy": "DeletionPropagation"},
        "LabelSelectorRequirement": {"operator": "LabelSelectorOperator"},
        "ManagedFieldsEntry": {"operation": "ManagedFieldsOperationType"},
        "ObjectMeta": {"uid": "types.UID"},
        "OwnerReference": {"uid": "types.UID"},
        "Preconditions": {"uid": "types.UID"},
    },
}

_LOCAL_REFERENCE = {"name": "LocalObjectReference"}
_EMBEDDED = {
    "ConfigMapEnvSource": _LOCAL_REFERENCE,
    "ConfigMapKeySelector": _LOCAL_REFERENCE,
    "ConfigMapProjection": _LOCAL_REFERENCE,
    "ConfigMapVolumeSource": _LOCAL_REFERENCE,
    "SecretEnvSource": _LOCAL_REFERENCE,
    "SecretKeySelector": _LOCAL_REFERENCE,
    "SecretProjection": _LOCAL_REFERENCE,
    "Probe": dict.fromkeys(("exec", "httpGet", "tcpSocket", "grpc"), "ProbeHandler"),
}
_EMBEDDED_REST = {
    "Volume": ("VolumeSource", frozenset({"name"})),
    "EphemeralContainer": ("EphemeralContainerCommon", frozenset({"targetContainerName"})),
    "PersistentVolumeSpec": (
        "PersistentVolumeSource",
        frozenset({
            "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
            "storageClassName", "volumeAttributesClassName", "volumeMode",
        }),
    ),
}  # fmt: skip
"""Structs that embed nearly all of their fields: the embedded struct and the fields that are not in it."""


def struct_name(definition: str) -> str:
    """`io.k8s.api.core.v1.Container` -> `Container`."""
    return definition.rpartition(".")[2]


def type_name(definition: str) -> str:
    """`io.k8s.api.core.v1.Container` -> `v1.Container`, as Go prints the type."""
    return ".".join(definition.split(".")[-2:])


def string_type(definition: str, field: str) -> str:
    """The Go type of a string field: `string` or a named type."""
    parts = definition.split(".")
    group = parts[-3] if len(parts) > 2 else ""
    named = _NAMED.get(group, {}).get(parts[-1], {}).get(field)
    if named is None:
        return "string"
    return named if "." in named else f"{parts[-2]}.{named}"


def embedded_in(definition: str, field: str) -> str:
    """The embedded struct that declares `field`, or "" when the struct itself does."""
    if ".core.v1." not in definition:
        return ""
    name = struct_name(definition)
    rest = _EMBEDDED_REST.get(name)
    if rest is not None:
        return "" if field in rest[1] else rest[0]
    return _EMBEDDED.get(name, {}).get(field, "")
