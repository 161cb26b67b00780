"""Pods that kube-apiserver refuses, and the words in which it does."""

import pytest

from backend.resources.core.pod_defaults import default_pod
from backend.resources.core.pod_validation import validate_pod


def faults(**spec):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec}}
    default_pod(pod)
    return [str(cause) for cause in validate_pod(pod)]


def container(**fields):
    return faults(containers=[{"name": "c", "image": "busybox", **fields}], volumes=[{"name": "v"}])


def init(**fields):
    return faults(initContainers=[{"name": "i", "image": "busybox", **fields}])


def volume(**source):
    return faults(volumes=[{"name": "v", **source}])


C, V = "spec.containers[0]", "spec.volumes[0]"
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def test_a_plain_pod_is_valid():
    assert faults() == []


def test_a_rich_pod_is_valid():
    assert (
        faults(
            volumes=[{"name": "creds", "secret": {"secretName": "s", "items": [{"key": "k", "path": "a/b"}]}}],
            initContainers=[
                {"name": "side", "image": "x", "restartPolicy": "Always", "startupProbe": {"exec": {"command": ["a"]}}}
            ],
            containers=[
                {
                    "name": "c", "image": "x",
                    "env": [{"name": "U", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                    "envFrom": [{"prefix": "P_", "configMapRef": {"name": "m"}}],
                    "ports": [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}],
                    "volumeMounts": [{"name": "creds", "mountPath": "/etc", "readOnly": True, "subPath": "a"}],
                    "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "nvidia.com/gpu": "1"}},
                }
            ],
            tolerations=[
                {"operator": "Exists"}, {"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 1},
            ],
            nodeSelector={"kubernetes.io/os": "linux"},
            dnsPolicy="None",
            dnsConfig={"nameservers": ["10.0.0.1"], "searches": ["my_zone.local."]},
            hostAliases=[{"ip": "127.0.0.1", "hostnames": ["foo.local"]}],
        )
        == []
    )  # fmt: skip


CONTAINERS = [
    (faults(containers=[]), ["spec.containers: Required value"]),
    (container(name=""), [f"{C}.name: Required value"]),
    (container(name="A_b"), [f'{C}.name: Invalid value: "A_b": {LABEL}']),
    (container(image=""), [f"{C}.image: Required value"]),
    (container(image=" x"), [f'{C}.image: Invalid value: " x": must not have leading or trailing whitespace']),
    (
        faults(containers=[{"name": "c", "image": "a"}, {"name": "c", "image": "b"}]),
        ['spec.containers[1].name: Duplicate value: "c"'],
    ),
    (
        container(imagePullPolicy="x"),
        [f'{C}.imagePullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"'],
    ),
    (
        container(terminationMessagePolicy="x"),
        [
            f'{C}.terminationMessagePolicy: Unsupported value: "x": supported values: '
            '"File", "FallbackToLogsOnError"'
        ],
    ),
    (container(restartPolicy="Always"), [f"{C}.restartPolicy: Forbidden: may not be set for non-init containers"]),
    (init(name="c"), ['spec.initContainers[0].name: Duplicate value: "c"']),
    (
        init(restartPolicy="Never"),
        ['spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ),
    (
        init(livenessProbe={"exec": {"command": ["a"]}}),
        [
            "spec.initContainers[0].livenessProbe: Forbidden: "
            "may not be set for init containers without restartPolicy=Always"
        ],
    ),
    (
        faults(ephemeralContainers=[{"name": "e", "image": "x"}]),
        ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ),
]

ENV = [
    (container(env=[{"name": "", "value": "x"}]), [f"{C}.env[0].name: Required value"]),
    (
        container(env=[{"name": "a=b", "value": "x"}]),
        [
            f'{C}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of '
            "printable ASCII characters other than '='"
        ],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {}}]),
        [
            f'{C}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
            "`configMapKeyRef` or `secretKeyRef`"
        ],
    ),
    (
        container(env=[{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
        [f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ),
    (
        container(
            env=[
                {
                    "name": "A",
                    "valueFrom": {
                        "secretKeyRef": {"name": "s", "key": "k"}, "configMapKeyRef": {"name": "s", "key": "k"},
                    },
                }
            ]
        ),
        [f'{C}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time'],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {}}}]),
        [f"{C}.env[0].valueFrom.secretKeyRef.{name}: Required value" for name in ("name", "key")],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.foo"}}}]),
        [
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: '
            "field label not supported: spec.foo"
        ],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]),
        [
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: '
            '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", '
            '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"'
        ],
    ),
    (container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}]), []),
    (
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name['app']"}}}]),
        [f'{C}.env[0].valueFrom.fieldRef: Invalid value: "metadata.name": does not support subscript'],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.disk"}}}]),
        [
            f'{C}.env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.disk": supported values: '
            '"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", '
            '"requests.ephemeral-storage", "requests.memory"'
        ],
    ),
    (
        container(
            env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}}]
        ),
        [
            f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "cpu": '
            "only divisor's values 1m and 1 are supported with the cpu resource"
        ],
    ),
    (
        container(envFrom=[{}]),
        [f'{C}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    ),
    (container(envFrom=[{"secretRef": {}}]), [f"{C}.envFrom[0].secretRef.name: Required value"]),
    (
        container(envFrom=[{"secretRef": {"name": "a"}, "configMapRef": {"name": "a"}}]),
        [f'{C}.envFrom: Invalid value: "": may not have more than one field specified at a time'],
    ),
]  # fmt: skip

MOUNTS = [
    (container(volumeMounts=[{"name": "x", "mountPath": "/a"}]), [f'{C}.volumeMounts[0].name: Not found: "x"']),
    (container(volumeMounts=[{"name": "v"}]), [f"{C}.volumeMounts[0].mountPath: Required value"]),
    (
        container(volumeMounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]),
        [f'{C}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
    ),
    (
        container(volumeMounts=[{"name": "v", "mountPath": "/a", "subPath": "../b"}]),
        [f"{C}.volumeMounts.subPath: Invalid value: \"../b\": must not contain '..'"],
    ),
    (
        container(volumeMounts=[{"name": "v", "mountPath": "/a", "subPath": "/b"}]),
        [f'{C}.volumeMounts.subPath: Invalid value: "/b": must be a relative path'],
    ),
    (
        container(volumeMounts=[{"name": "v", "mountPath": "/a", "subPath": "b", "subPathExpr": "c"}]),
        [f'{C}.volumeMounts[0].subPathExpr: Invalid value: "c": subPathExpr and subPath are mutually exclusive'],
    ),
    (
        container(volumeMounts=[{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}]),
        [
            f"{C}.volumeMounts[0].mountPropagation: Forbidden: "
            "Bidirectional mount propagation is available only to privileged containers"
        ],
    ),
]

VOLUMES = [
    (faults(volumes=[{"name": "v", "unknown": {}}]), [f"{V}: Required value: must specify a volume type"]),
    (
        volume(emptyDir={}, secret={"secretName": "s"}),
        [f"{V}.secret: Forbidden: may not specify more than 1 volume type"],
    ),
    (faults(volumes=[{"name": ""}]), [f"{V}.name: Required value"]),
    (faults(volumes=[{"name": "A"}]), [f'{V}.name: Invalid value: "A": {LABEL}']),
    (faults(volumes=[{"name": "v"}, {"name": "v"}]), ['spec.volumes[1].name: Duplicate value: "v"']),
    (volume(secret={}), [f"{V}.secret.secretName: Required value"]),
    (volume(configMap={}), [f"{V}.configMap.name: Required value"]),
    (
        volume(secret={"secretName": "s", "defaultMode": 512}),
        [
            f"{V}.secret.defaultMode: Invalid value: 512: "
            "must be a number between 0 and 0777 (octal), both inclusive"
        ],
    ),
    (
        volume(secret={"secretName": "s", "items": [{"key": "k", "path": "p", "mode": -1}]}),
        [
            f"{V}.secret.items[0].mode: Invalid value: -1: "
            "must be a number between 0 and 0777 (octal), both inclusive"
        ],
    ),
    (
        volume(secret={"secretName": "s", "items": [{}]}),
        [f"{V}.secret.items[0].key: Required value", f"{V}.secret.items[0].path: Required value"],
    ),
    (
        volume(configMap={"name": "s", "items": [{"key": "k", "path": "/p"}]}),
        [f'{V}.configMap.items[0].path: Invalid value: "/p": must be a relative path'],
    ),
    (
        volume(configMap={"name": "s", "items": [{"key": "k", "path": "a/../b"}]}),
        [f"{V}.configMap.items[0].path: Invalid value: \"a/../b\": must not contain '..'"],
    ),
    (
        volume(configMap={"name": "s", "items": [{"key": "k", "path": "..data"}]}),
        [f"{V}.configMap.items[0].path: Invalid value: \"..data\": must not start with '..'"],
    ),
    (volume(hostPath={}), [f"{V}.hostPath.path: Required value"]),
    (
        volume(hostPath={"path": "/a/../b"}),
        [f"{V}.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
    ),
    (
        volume(hostPath={"path": "/a", "type": "x"}),
        [
            f'{V}.hostPath.type: Unsupported value: "x": supported values: "", "BlockDevice", "CharDevice", '
            '"Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"'
        ],
    ),
    (
        volume(emptyDir={"sizeLimit": "-1"}),
        [f"{V}.emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"],
    ),
    (
        volume(nfs={"server": "s", "path": "a"}),
        [f'{V}.nfs.path: Invalid value: "a": must be an absolute path'],
    ),
    (
        volume(downwardAPI={"items": [{"path": "p"}]}),
        [f"{V}.downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"],
    ),
    (
        volume(downwardAPI={"items": [{"path": "p", "resourceFieldRef": {"resource": "limits.cpu"}}]}),
        [f"{V}.downwardAPI.resourceFieldRef.containerName: Required value"],
    ),
    (
        volume(projected={"sources": [{"secret": {"name": "a", "items": [{"key": "k", "path": "p"}]}},
                                      {"configMap": {"name": "b", "items": [{"key": "k", "path": "p"}]}}]}),
        [f'{V}.projected: Invalid value: "b": conflicting duplicate paths'],
    ),
    (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]}),
        [
            f"{V}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: "
            "may not specify a duration less than 10 minutes"
        ],
    ),
    (volume(persistentVolumeClaim={}), [f"{V}.persistentVolumeClaim.claimName: Required value"]),
]  # fmt: skip

PORTS = [
    (container(ports=[{}]), [f"{C}.ports[0].containerPort: Required value"]),
    (
        container(ports=[{"containerPort": 70000}]),
        [f"{C}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"],
    ),
    (
        container(ports=[{"containerPort": 1, "hostPort": -1}]),
        [f"{C}.ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive"],
    ),
    (
        container(ports=[{"containerPort": 1, "protocol": "x"}]),
        [f'{C}.ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"'],
    ),
    (
        container(ports=[{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]),
        [f'{C}.ports[1].name: Duplicate value: "a"'],
    ),
    (
        container(ports=[{"containerPort": 1, "name": "-"}]),
        [
            f'{C}.ports[0].name: Invalid value: "-": must contain at least one letter (a-z)',
            f'{C}.ports[0].name: Invalid value: "-": must not begin or end with a hyphen',
        ],
    ),
    (
        container(ports=[{"containerPort": 1, "hostPort": 8080}, {"containerPort": 2, "hostPort": 8080}]),
        [f'{C}.ports[1].hostPort: Duplicate value: "TCP//8080"'],
    ),
    (
        faults(
            hostNetwork=True,
            containers=[{"name": "c", "image": "x", "ports": [{"containerPort": 1, "hostPort": 2}]}],
        ),
        [f"{C}.ports[0].containerPort: Invalid value: 1: must match `hostPort` when `hostNetwork` is true"],
    ),
]

PROBES = [
    (container(livenessProbe={}), [f"{C}.livenessProbe: Required value: must specify a handler type"]),
    (
        container(livenessProbe={"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}),
        [f"{C}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    ),
    (container(readinessProbe={"exec": {}}), [f"{C}.readinessProbe.exec.command: Required value"]),
    (
        container(livenessProbe={"exec": {"command": ["a"]}, "successThreshold": 2}),
        [f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    (
        container(startupProbe={"exec": {"command": ["a"]}, "periodSeconds": -1}),
        [f"{C}.startupProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"],
    ),
    (
        container(readinessProbe={"exec": {"command": ["a"]}, "terminationGracePeriodSeconds": 1}),
        [
            f"{C}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: "
            "must not be set for readinessProbes"
        ],
    ),
    (
        container(livenessProbe={"httpGet": {"port": "-", "scheme": "x"}}),
        [
            f'{C}.livenessProbe.httpGet.port: Invalid value: "-": must contain at least one letter (a-z)',
            f'{C}.livenessProbe.httpGet.port: Invalid value: "-": must not begin or end with a hyphen',
            f'{C}.livenessProbe.httpGet.scheme: Unsupported value: "x": supported values: "HTTP", "HTTPS"',
        ],
    ),
    (
        container(lifecycle={"preStop": {}}),
        [f"{C}.lifecycle.preStop: Required value: must specify a handler type"],
    ),
]

RESOURCES = [
    (
        container(resources={"limits": {"cpu": "200m"}, "requests": {"cpu": "0.5"}}),
        [f'{C}.resources.requests: Invalid value: "500m": must be less than or equal to cpu limit of 200m'],
    ),
    (
        container(resources={"requests": {"cpu": "-1"}}),
        [f'{C}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ),
    (
        container(resources={"requests": {"gold": "1"}}),
        [
            f'{C}.resources.requests[gold]: Invalid value: "gold": '
            "must be a standard resource type or fully qualified",
            f'{C}.resources.requests[gold]: Invalid value: "gold": must be a standard resource for containers',
        ],
    ),
    (
        container(resources={"requests": {"nvidia.com/gpu": "1"}}),
        [f"{C}.resources.limits: Required value: Limit must be set for non overcommitable resources"],
    ),
    (
        container(resources={"limits": {"nvidia.com/gpu": "2"}, "requests": {"nvidia.com/gpu": "1"}}),
        [f'{C}.resources.requests: Invalid value: "1": must be equal to nvidia.com/gpu limit of 2'],
    ),
    (
        container(resources={"limits": {"nvidia.com/gpu": "500m"}}),
        [
            f'{C}.resources.limits[nvidia.com/gpu]: Invalid value: "500m": must be an integer',
            f'{C}.resources.requests[nvidia.com/gpu]: Invalid value: "500m": must be an integer',
        ],
    ),
    (
        faults(
            resources={"requests": {"cpu": "1"}},
            containers=[{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1500m"}}}],
        ),
        [
            'spec.resources.requests[cpu]: Invalid value: "1": '
            "must be greater than or equal to aggregate container requests of 1500m"
        ],
    ),
]

POD = [
    (
        faults(restartPolicy="x"),
        ['spec.restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never"'],
    ),
    (
        faults(dnsPolicy="x"),
        [
            'spec.dnsPolicy: Unsupported value: "x": supported values: '
            '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'
        ],
    ),
    (
        faults(dnsPolicy="None"),
        ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ),
    (
        faults(dnsConfig={"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "x"]}),
        [
            'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","x"]: '
            "must not have more than 3 nameservers",
            'spec.dnsConfig.nameservers[3]: Invalid value: "x": '
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ],
    ),
    (faults(dnsConfig={"options": [{}]}), ["spec.dnsConfig.options[0]: Required value: must not be empty"]),
    (
        faults(hostAliases=[{"ip": "x", "hostnames": ["A"]}]),
        [
            'spec.hostAliases[0].ip: Invalid value: "x": '
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            f'spec.hostAliases[0].hostnames: Invalid value: "A": {SUBDOMAIN}',
        ],
    ),
    (faults(hostname="a.b"), ['spec.hostname: Invalid value: "a.b": must not contain dots']),
    (faults(nodeName="A"), [f'spec.nodeName: Invalid value: "A": {SUBDOMAIN}']),
    (faults(serviceAccountName="A"), [f'spec.serviceAccountName: Invalid value: "A": {SUBDOMAIN}']),
    (
        faults(activeDeadlineSeconds=0),
        ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ),
    (
        faults(securityContext={"runAsUser": -1}),
        ["spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"],
    ),
    (
        container(securityContext={"seccompProfile": {"type": "x"}}),
        [
            f'{C}.securityContext.seccompProfile.type: Unsupported value: "x": supported values: '
            '"Localhost", "RuntimeDefault", "Unconfined"'
        ],
    ),
    (
        faults(securityContext={"sysctls": [{"name": "a b", "value": "1"}]}),
        [
            'spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 characters and '
            "match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
        ],
    ),
    (
        faults(nodeName="n", schedulingGates=[{"name": "g"}]),
        ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ),
    (
        faults(schedulingGates=[{"name": "g"}, {"name": "g"}]),
        ['spec.schedulingGates[1]: Duplicate value: "g"'],
    ),
    (
        faults(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "x"}]),
        [
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
            "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
            'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "x": supported values: '
            '"DoNotSchedule", "ScheduleAnyway"',
        ],
    ),
]

TOLERATIONS = [
    (
        faults(tolerations=[{"operator": "Equal", "value": "b"}]),
        [
            'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
            'which means "match all values and all keys"'
        ],
    ),
    (
        faults(tolerations=[{"key": "a", "operator": "x"}]),
        ['spec.tolerations[0].operator: Unsupported value: "x": supported values: "Equal", "Exists"'],
    ),
    (
        faults(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
        [
            'spec.tolerations[0].operator: Invalid value: {"key":"a","operator":"Exists","value":"b"}: '
            "value must be empty when `operator` is 'Exists'"
        ],
    ),
    (
        faults(tolerations=[{"key": "a", "effect": "x"}]),
        [
            'spec.tolerations[0].effect: Unsupported value: "x": supported values: '
            '"NoSchedule", "PreferNoSchedule", "NoExecute"'
        ],
    ),
    (
        faults(tolerations=[{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 1}]),
        [
            'spec.tolerations[0].effect: Invalid value: "NoSchedule": '
            "effect must be 'NoExecute' when `tolerationSeconds` is set"
        ],
    ),
]


def node_affinity(*expressions):
    terms = [{"matchExpressions": list(expressions)}]
    key = "requiredDuringSchedulingIgnoredDuringExecution"
    return faults(affinity={"nodeAffinity": {key: {"nodeSelectorTerms": terms}}})


EXPRESSION = (
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
    ".matchExpressions[0]"
)
AFFINITY = [
    (
        node_affinity({"key": "a", "operator": "In"}),
        [f"{EXPRESSION}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
    ),
    (
        node_affinity({"key": "a", "operator": "Exists", "values": ["b"]}),
        [f"{EXPRESSION}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"],
    ),
    (
        node_affinity({"key": "a", "operator": "Gt", "values": []}),
        [f"{EXPRESSION}.values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'"],
    ),
    (
        node_affinity({"key": "a", "operator": "x"}),
        [f'{EXPRESSION}.operator: Invalid value: "x": not a valid selector operator'],
    ),
    (
        faults(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0}]}}),
        [
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
            "Invalid value: 0: must be in the range 1-100"
        ],
    ),
]

GROUPS = {
    "containers": CONTAINERS, "env": ENV, "mounts": MOUNTS, "volumes": VOLUMES, "ports": PORTS, "probes": PROBES,
    "resources": RESOURCES, "pod": POD, "tolerations": TOLERATIONS, "affinity": AFFINITY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(*case, id=f"{group}-{number}")
        for group, cases in GROUPS.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_bad_pod_is_refused_in_kube_apiservers_words(found, expected):
    assert found == expected


def test_a_mount_of_a_faulty_volume_is_not_found():
    found = faults(
        volumes=[{"name": "v", "secret": {}}],
        containers=[{"name": "c", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/a"}]}],
    )
    assert found == [f"{V}.secret.secretName: Required value", f'{C}.volumeMounts[0].name: Not found: "v"']
