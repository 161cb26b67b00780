"""The kinds of core/v1, by name."""

from backend.resources.core.configmap import CONFIG_MAP
from backend.resources.core.event import EVENT
from backend.resources.core.namespace import NAMESPACE
from backend.resources.core.node import NODE
from backend.resources.core.pod import POD
from backend.resources.core.secret import SECRET
from backend.resources.core.serviceaccount import SERVICE_ACCOUNT

KINDS = (CONFIG_MAP, EVENT, NAMESPACE, NODE, POD, SECRET, SERVICE_ACCOUNT)
