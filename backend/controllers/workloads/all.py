"""The controllers of workloads, over the informers that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from backend.controllers.workloads import replicas
from backend.controllers.workloads.cronjob.controller import CRON_JOBS, CronJobController
from backend.controllers.workloads.cronjob.controller import NAME as CRON_JOB
from backend.controllers.workloads.daemonset.controller import DAEMON_SETS, DaemonSetController
from backend.controllers.workloads.daemonset.controller import NAME as DAEMON_SET
from backend.controllers.workloads.deployment.controller import DEPLOYMENTS, DeploymentController
from backend.controllers.workloads.deployment.controller import NAME as DEPLOYMENT
from backend.controllers.workloads.history import CONTROLLER_REVISIONS
from backend.controllers.workloads.job.controller import JOBS, JobController
from backend.controllers.workloads.job.controller import NAME as JOB
from backend.controllers.workloads.job.ttl import NAME as TTL
from backend.controllers.workloads.job.ttl import TtlAfterFinishedController
from backend.controllers.workloads.replicas import Flavour, ReplicasController
from backend.controllers.workloads.statefulset.controller import NAME as STATEFUL_SET
from backend.controllers.workloads.statefulset.controller import STATEFUL_SETS, StatefulSetController
from backend.controllers.workloads.statefulset.storage import CLAIMS
from backend.machinery.client import NODES, PODS, Client
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
        self._informers = informers
        self._acting_as = acting_as
        self._clock = clock
        pods = informers.of(PODS)
        replica_sets = informers.of(replicas.REPLICA_SETS)
        revisions = informers.of(CONTROLLER_REVISIONS)
        parts: list[_Part] = [
            self._replicas(replicas.REPLICA_SET),
            self._replicas(replicas.REPLICATION_CONTROLLER),
            DeploymentController(
                acting_as(DEPLOYMENT), deployments=informers.of(DEPLOYMENTS), replica_sets=replica_sets, pods=pods,
                clock=clock,
            ),
            StatefulSetController(
                acting_as(STATEFUL_SET), sets=informers.of(STATEFUL_SETS), pods=pods, revisions=revisions,
                claims=informers.of(CLAIMS), clock=clock,
            ),
            DaemonSetController(
                acting_as(DAEMON_SET), sets=informers.of(DAEMON_SETS), pods=pods, nodes=informers.of(NODES),
                revisions=revisions, clock=clock,
            ),
        ]  # fmt: skip
        jobs = informers.of(JOBS)
        job = JobController(acting_as(JOB), jobs=jobs, pods=pods, clock=clock)
        ttl = TtlAfterFinishedController(acting_as(TTL), jobs=jobs, clock=clock)
        cron_job = CronJobController(
            acting_as(CRON_JOB), cron_jobs=informers.of(CRON_JOBS), jobs=jobs, clock=clock
        )
        parts += [job, cron_job]
        self.controllers = [*(part.controller for part in parts), job.orphans, ttl.controller]
        self.recorders = [part.recorder for part in parts]

    def _replicas(self, flavour: Flavour) -> ReplicasController:
        return ReplicasController(
            self._acting_as(flavour.name), flavour, owners=self._informers.of(flavour.gvr),
            pods=self._informers.of(PODS), clock=self._clock,
        )  # fmt: skip


class _Part(Protocol):
    controller: Controller
    recorder: EventRecorder
