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


_KEY_REF = _fields("name key optional")
_KEY_TO_PATH = _fields("key path mode")
_FIELD_REF = _fields("apiVersion fieldPath")
_ENV = _fields(
    "name value valueFrom",
    valueFrom=_fields(
        "fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef",
        fieldRef=_FIELD_REF,
        resourceFieldRef=_fields("containerName resource divisor"),
        configMapKeyRef=_KEY_REF,
        secretKeyRef=_KEY_REF,
    ),
)
_HANDLER = _fields(
    "exec httpGet tcpSocket grpc sleep",
    httpGet=_fields("path port host scheme httpHeaders", httpHeaders=_fields("name value")),
    tcpSocket=_fields("port host"),
    grpc=_fields("port service"),
)
_PROBE = {
    **_HANDLER,
    **_fields(
        "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold"
        " terminationGracePeriodSeconds"
    ),
}
_CONTAINER = _fields(
    "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules"
    " volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath"
    " terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty",
    ports=_fields("name hostPort containerPort protocol hostIP"),
    envFrom=_fields(
        "prefix configMapRef secretRef", configMapRef=_fields("name optional"), secretRef=_fields("name optional")
    ),
    env=_ENV,
    resources=_fields("limits requests claims"),
    volumeMounts=_fields("name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr"),
    livenessProbe=_PROBE,
    readinessProbe=_PROBE,
    startupProbe=_PROBE,
    lifecycle=_fields("postStart preStop stopSignal", postStart=_HANDLER, preStop=_HANDLER),
)
_POD_SPEC = _fields(
    "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds"
    " activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken"
    " nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain"
    " affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates"
    " runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os"
    " hostUsers schedulingGates resourceClaims resources",
    volumes=_fields(
        "name hostPath emptyDir secret persistentVolumeClaim downwardAPI configMap projected",
        hostPath=_fields("path type"),
        emptyDir=_fields("medium sizeLimit"),
        secret=_fields("secretName items defaultMode optional", items=_KEY_TO_PATH),
        persistentVolumeClaim=_fields("claimName readOnly"),
        configMap=_fields("name items defaultMode optional", items=_KEY_TO_PATH),
        projected=_fields(
            "sources defaultMode",
            sources=_fields(
                "secret downwardAPI configMap serviceAccountToken",
                secret=_fields("name items optional", items=_KEY_TO_PATH),
                downwardAPI=_fields("items", items=_fields("path fieldRef", fieldRef=_FIELD_REF)),
                configMap=_fields("name items optional", items=_KEY_TO_PATH),
                serviceAccountToken=_fields("audience expirationSeconds path"),
            ),
        ),
    ),
    initContainers=_CONTAINER,
    containers=_CONTAINER,
    tolerations=_fields("key operator value effect tolerationSeconds"),
    hostAliases=_fields("ip hostnames"),
    topologySpreadConstraints=_fields("maxSkew topologyKey whenUnsatisfiable labelSelector"),
)
_TEMPLATE = _fields(
    "metadata spec",
    metadata=_fields("name generateName namespace labels annotations ownerReferences finalizers"),
    spec=_POD_SPEC,
)
_JOB_SPEC = _fields(
    "parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex"
    " maxFailedIndexes selector manualSelector template ttlSecondsAfterFinished completionMode suspend"
    " podReplacementPolicy managedBy",
    template=_TEMPLATE,
)

_CONDITION = _fields(
    "type observedGeneration status lastProbeTime lastUpdateTime lastTransitionTime reason message"
)
_CONTAINER_STATUS = _fields(
    "name state lastState ready restartCount image imageID containerID started allocatedResources resources"
    " volumeMounts user allocatedResourcesStatus stopSignal",
    state=_fields("waiting running terminated"),
    volumeMounts=_fields("name mountPath readOnly recursiveReadOnly"),
)
POD = _kind(
    _POD_SPEC,
    _fields(
        "observedGeneration phase conditions message reason nominatedNodeName hostIP hostIPs podIP podIPs startTime"
        " initContainerStatuses containerStatuses qosClass ephemeralContainerStatuses resize",
        conditions=_CONDITION,
        containerStatuses=_CONTAINER_STATUS,
        initContainerStatuses=_CONTAINER_STATUS,
    ),
)
DEPLOYMENT = _kind(
    _fields(
        "replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
        template=_TEMPLATE,
        strategy=_fields("type rollingUpdate", rollingUpdate=_fields("maxUnavailable maxSurge")),
    ),
    _fields(
        "observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas"
        " terminatingReplicas conditions collisionCount",
        conditions=_CONDITION,
    ),
)
REPLICA_SET = _kind(
    _fields("replicas minReadySeconds selector template", template=_TEMPLATE),
    _fields(
        "replicas fullyLabeledReplicas readyReplicas availableReplicas terminatingReplicas observedGeneration"
        " conditions",
        conditions=_CONDITION,
    ),
)
STATEFUL_SET = _kind(
    _fields(
        "replicas selector template volumeClaimTemplates serviceName podManagementPolicy updateStrategy"
        " revisionHistoryLimit minReadySeconds persistentVolumeClaimRetentionPolicy ordinals",
        template=_TEMPLATE,
        updateStrategy=_fields("type rollingUpdate", rollingUpdate=_fields("partition maxUnavailable")),
        persistentVolumeClaimRetentionPolicy=_fields("whenDeleted whenScaled"),
    ),
    _fields(
        "observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision updateRevision"
        " collisionCount conditions availableReplicas",
        conditions=_CONDITION,
    ),
)
DAEMON_SET = _kind(
    _fields(
        "selector template updateStrategy minReadySeconds revisionHistoryLimit",
        template=_TEMPLATE,
        updateStrategy=_fields("type rollingUpdate", rollingUpdate=_fields("maxUnavailable maxSurge")),
    ),
    _fields(
        "currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration"
        " updatedNumberScheduled numberAvailable numberUnavailable collisionCount conditions",
        conditions=_CONDITION,
    ),
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
