"""The kinds of apps/v1, by name."""

from backend.resources.apps.controllerrevision import CONTROLLER_REVISION
from backend.resources.apps.daemonset import DAEMON_SET
from backend.resources.apps.deployment import DEPLOYMENT
from backend.resources.apps.replicaset import REPLICA_SET
from backend.resources.apps.statefulset import STATEFUL_SET
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (CONTROLLER_REVISION, DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET)
