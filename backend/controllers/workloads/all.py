"""The controllers of workloads, over the informers that they share."""

from __future__ import annotations

from collections.abc import Callable

from backend.controllers.workloads import replicas
from backend.controllers.workloads.deployment.controller import DEPLOYMENTS, DeploymentController
from backend.controllers.workloads.deployment.controller import NAME as DEPLOYMENT
from backend.controllers.workloads.history import CONTROLLER_REVISIONS
from backend.controllers.workloads.replicas import ReplicasController
from backend.controllers.workloads.statefulset.controller import NAME as STATEFUL_SET
from backend.controllers.workloads.statefulset.controller import STATEFUL_SETS, StatefulSetController
from backend.controllers.workloads.statefulset.storage import CLAIMS
from backend.machinery.client import PODS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller
from backend.machinery.events import EventRecorder
from backend.machinery.informers import SharedInformers


class Workloads:
    """`recorders` are run by whoever runs `controllers`."""

    def __init__(
        self, informers: SharedInformers, acting_as: Callable[[str], Client], clock: Clock | None = None
    ) -> None:
        """Each controller changes things as its own service account of kube-system: `acting_as(NAME)`."""
        self.controllers: list[Controller] = []
        self.recorders: list[EventRecorder] = []
        pods = informers.of(PODS)
        for flavour in (replicas.REPLICA_SET, replicas.REPLICATION_CONTROLLER):
            owners = informers.of(flavour.gvr)
            keeper = ReplicasController(acting_as(flavour.name), flavour, owners=owners, pods=pods, clock=clock)
            self.controllers.append(keeper.controller)
            self.recorders.append(keeper.recorder)
        deployer = DeploymentController(
            acting_as(DEPLOYMENT),
            deployments=informers.of(DEPLOYMENTS),
            replica_sets=informers.of(replicas.REPLICA_SETS),
            pods=pods,
            clock=clock,
        )
        self.controllers.append(deployer.controller)
        self.recorders.append(deployer.recorder)
        keeper_of_sets = StatefulSetController(
            acting_as(STATEFUL_SET),
            sets=informers.of(STATEFUL_SETS),
            pods=pods,
            revisions=informers.of(CONTROLLER_REVISIONS),
            claims=informers.of(CLAIMS),
            clock=clock,
        )
        self.controllers.append(keeper_of_sets.controller)
        self.recorders.append(keeper_of_sets.recorder)
