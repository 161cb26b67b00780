"""How `describe` shows each kind: one module per kind, imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Describer = Callable[["Client", Mapping[str, Any], bool], str]
"""(client, object, whether to show its events) -> the text."""

_MODULES = {
    ("", "ConfigMap"): "configmap",
    ("", "Endpoints"): "endpoints",
    ("", "LimitRange"): "limitrange",
    ("", "Namespace"): "namespace",
    ("", "Node"): "node",
    ("", "PersistentVolume"): "persistentvolume",
    ("", "PersistentVolumeClaim"): "persistentvolumeclaim",
    ("", "Pod"): "pod",
    ("", "ReplicationController"): "replicaset",
    ("", "ResourceQuota"): "resourcequota",
    ("", "Secret"): "secret",
    ("", "Service"): "service",
    ("", "ServiceAccount"): "serviceaccount",
    ("apps", "DaemonSet"): "daemonset",
    ("apps", "Deployment"): "deployment",
    ("apps", "ReplicaSet"): "replicaset",
    ("apps", "StatefulSet"): "statefulset",
    ("autoscaling", "HorizontalPodAutoscaler"): "horizontalpodautoscaler",
    ("batch", "CronJob"): "cronjob",
    ("batch", "Job"): "job",
    ("certificates.k8s.io", "CertificateSigningRequest"): "certificatesigningrequest",
    ("discovery.k8s.io", "EndpointSlice"): "endpointslice",
    ("networking.k8s.io", "IPAddress"): "ipaddress",
    ("networking.k8s.io", "Ingress"): "ingress",
    ("networking.k8s.io", "IngressClass"): "ingressclass",
    ("networking.k8s.io", "NetworkPolicy"): "networkpolicy",
    ("networking.k8s.io", "ServiceCIDR"): "servicecidr",
    ("policy", "PodDisruptionBudget"): "poddisruptionbudget",
    ("rbac.authorization.k8s.io", "ClusterRole"): "role",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "rolebinding",
    ("rbac.authorization.k8s.io", "Role"): "role",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rolebinding",
    ("scheduling.k8s.io", "PriorityClass"): "priorityclass",
    ("storage.k8s.io", "CSINode"): "csinode",
    ("storage.k8s.io", "StorageClass"): "storageclass",
    ("storage.k8s.io", "VolumeAttributesClass"): "volumeattributesclass",
}


def describer(group: str, kind: str) -> Describer:
    """The kind's own, or the one that shows every field."""
    found: Describer = import_module(f"minikctl.describe.{_MODULES.get((group, kind), 'generic')}").describe
    return found
