"""The plugins, in the order in which they run. Source: AllOrderedPlugins of pkg/kubeapiserver/options/plugins.go."""

from __future__ import annotations

from backend.apiserver.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
    ClusterTrustBundleAttest,
)
from backend.apiserver.admission.chain import Chain
from backend.apiserver.admission.default_ingress_class import DefaultIngressClass
from backend.apiserver.admission.default_storage_class import DefaultStorageClass
from backend.apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from backend.apiserver.admission.limit_ranger import LimitRanger
from backend.apiserver.admission.mutating_webhook import MutatingAdmissionWebhook
from backend.apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from backend.apiserver.admission.node_restriction import NodeRestriction
from backend.apiserver.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
from backend.apiserver.admission.priority import Priority
from backend.apiserver.admission.resource_quota import ResourceQuota
from backend.apiserver.admission.runtime_class import RuntimeClass
from backend.apiserver.admission.service_account import ServiceAccount
from backend.apiserver.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from backend.apiserver.admission.validating_webhook import ValidatingAdmissionWebhook
from backend.apiserver.authorization.escalation import EscalationCheck

PLUGINS = (
    NamespaceLifecycle,
    LimitRanger,
    ServiceAccount,
    NodeRestriction,
    Priority,
    DefaultTolerationSeconds,
    DefaultStorageClass,
    StorageObjectInUseProtection,
    PersistentVolumeClaimResize,
    RuntimeClass,
    CertificateApproval,
    CertificateSigning,
    ClusterTrustBundleAttest,
    CertificateSubjectRestriction,
    DefaultIngressClass,
    MutatingAdmissionWebhook,
    EscalationCheck,
    ValidatingAdmissionWebhook,
    ResourceQuota,
)


def recommended() -> Chain:
    """A chain of all plugins, for one API server: what plugins remember is theirs."""
    return Chain(plugin() for plugin in PLUGINS)
