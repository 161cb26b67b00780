"""The kinds of core/v1, by name."""

from backend.resources.core.binding import BINDING
from backend.resources.core.component_status import COMPONENT_STATUS
from backend.resources.core.configmap import CONFIG_MAP
from backend.resources.core.endpoints import ENDPOINTS
from backend.resources.core.event import EVENT
from backend.resources.core.limit_range import LIMIT_RANGE
from backend.resources.core.namespace import NAMESPACE
from backend.resources.core.node import NODE
from backend.resources.core.persistent_volume import PERSISTENT_VOLUME
from backend.resources.core.persistent_volume_claim import PERSISTENT_VOLUME_CLAIM
from backend.resources.core.pod import POD
from backend.resources.core.podtemplate import POD_TEMPLATE
from backend.resources.core.replicationcontroller import REPLICATION_CONTROLLER
from backend.resources.core.resource_quota import RESOURCE_QUOTA
from backend.resources.core.secret import SECRET
from backend.resources.core.service import SERVICE
from backend.resources.core.serviceaccount import SERVICE_ACCOUNT

KINDS = (
    BINDING, COMPONENT_STATUS, CONFIG_MAP, ENDPOINTS, EVENT, LIMIT_RANGE, NAMESPACE, NODE, PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME, POD, POD_TEMPLATE, REPLICATION_CONTROLLER, RESOURCE_QUOTA, SECRET, SERVICE_ACCOUNT, SERVICE,
)  # fmt: skip
