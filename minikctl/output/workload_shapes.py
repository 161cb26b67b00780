"""The order of the fields of workloads' structs. Source: k8s.io/api apps/v1, batch/v1, policy/v1 and core/v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minikctl.output.struct_order import Shape


def _fields(names: str, **more: Shape) -> Shape:
    """`names` in order; `more` says what is in some of them."""
    return {name: more.get(name) for name in names.split()}


def _kind(spec: Shape, status: Shape | None = None) -> Shape:
    return {"kind": None, "apiVersion": None, "metadata": None, "spec": spec, "status": status}


_CONTAINER = _fields(
    "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules"
    " volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath"
    " terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty",
    ports=_fields("name hostPort containerPort protocol hostIP"),
)
_POD_SPEC = _fields(
    "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds"
    " activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken"
    " nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain"
    " affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates"
    " runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os"
    " hostUsers schedulingGates resourceClaims resources",
    initContainers=_CONTAINER,
    containers=_CONTAINER,
)
_TEMPLATE = _fields("metadata spec", spec=_POD_SPEC)
_JOB_SPEC = _fields(
    "parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex"
    " maxFailedIndexes selector manualSelector template ttlSecondsAfterFinished completionMode suspend"
    " podReplacementPolicy managedBy",
    template=_TEMPLATE,
)

DEPLOYMENT = _kind(
    _fields(
        "replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
        template=_TEMPLATE,
        strategy=_fields("type rollingUpdate", rollingUpdate=_fields("maxUnavailable maxSurge")),
    )
)
JOB = _kind(_JOB_SPEC)
CRON_JOB = _kind(
    _fields(
        "schedule timeZone startingDeadlineSeconds concurrencyPolicy suspend jobTemplate successfulJobsHistoryLimit"
        " failedJobsHistoryLimit",
        jobTemplate=_fields("metadata spec", spec=_JOB_SPEC),
    )
)
POD_DISRUPTION_BUDGET = _kind(
    _fields("minAvailable selector maxUnavailable unhealthyPodEvictionPolicy"),
    _fields(
        "observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions"
    ),
)
HORIZONTAL_POD_AUTOSCALER = _kind(
    _fields(
        "scaleTargetRef minReplicas maxReplicas metrics behavior",
        scaleTargetRef=_fields("kind name apiVersion"),
        metrics=_fields(
            "type object pods resource containerResource external",
            resource=_fields("name target", target=_fields("type value averageValue averageUtilization")),
        ),
    ),
    _fields("observedGeneration lastScaleTime currentReplicas desiredReplicas currentMetrics conditions"),
)
