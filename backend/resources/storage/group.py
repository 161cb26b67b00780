"""The kinds of storage.k8s.io, by name."""

from backend.resources.resource import Resource
from backend.resources.storage.csi_driver import CSI_DRIVER
from backend.resources.storage.csi_node import CSI_NODE
from backend.resources.storage.csi_storage_capacity import CSI_STORAGE_CAPACITY
from backend.resources.storage.storage_class import STORAGE_CLASS
from backend.resources.storage.volume_attachment import VOLUME_ATTACHMENT
from backend.resources.storage.volume_attributes_class import VOLUME_ATTRIBUTES_CLASS

KINDS: tuple[Resource, ...] = (
    CSI_DRIVER, CSI_NODE, CSI_STORAGE_CAPACITY, STORAGE_CLASS, VOLUME_ATTACHMENT, VOLUME_ATTRIBUTES_CLASS,
)  # fmt: skip
