"""NodeRestriction: a kubelet changes its own node, and what belongs to the pods of its node.

Source: plugin/pkg/admission/noderestriction, and k8s.io/kubelet/pkg/apis for the labels that are a kubelet's.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.meta import errors
from backend.meta.causes import go_quote
from backend.meta.errors import ApiError
from backend.meta.types import Obj, User
from backend.resources.resource import Resource

_USER = "system:node:"
_GROUP = "system:nodes"
_MIRROR = "kubernetes.io/config.mirror"
_LEASES = "kube-node-lease"
_KINDS = frozenset(
    {"pods", "nodes", "persistentvolumeclaims", "serviceaccounts", "leases.coordination.k8s.io",
     "csinodes.storage.k8s.io"}
)  # fmt: skip
_LABELS = frozenset(
    {"kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/arch",
     "beta.kubernetes.io/os", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
     "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
     "failure-domain.beta.kubernetes.io/region", "node.kubernetes.io/windows-build"}
)  # fmt: skip
_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")


class NodeRestriction:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation != "CONNECT" and resource.qualified in _KINDS

    async def admit(self, attributes: Attributes) -> None:
        node = _node_of(attributes.user)
        if node is None:
            return
        if not node:
            user = go_quote(attributes.user.name)
            raise attributes.forbidden(f"could not determine node from user {user}")
        kind = attributes.resource.plural
        if kind == "pods":
            _check_pod(attributes, node)
        elif kind == "nodes":
            _check_node(attributes, node)
        elif kind == "serviceaccounts":
            if attributes.subresource == "token":
                _check_token(attributes, node)
        elif kind == "leases":
            if attributes.namespace != _LEASES:
                raise attributes.forbidden(f'can only access leases in the "{_LEASES}" system namespace')
            if attributes.name != node:
                raise attributes.forbidden("can only access node lease with the same name as the requesting node")
        elif kind == "csinodes":
            if attributes.name != node:
                raise attributes.forbidden("can only access CSINode with the same name as the requesting node")
        elif (attributes.operation, attributes.subresource) != ("UPDATE", "status"):
            raise attributes.forbidden("may only update PVC status")


def _node_of(user: User) -> str | None:
    """The node whose kubelet asks; None if it is no kubelet."""
    if not user.name.startswith(_USER) or _GROUP not in user.groups:
        return None
    return user.name.removeprefix(_USER)


def _check_pod(attributes: Attributes, node: str) -> None:
    operation, subresource, quoted = attributes.operation, attributes.subresource, go_quote(node)
    if subresource == "status":
        if operation != "UPDATE":
            raise attributes.forbidden(f"unexpected operation {go_quote(operation)}")
        _check_is_on(
            attributes, attributes.old, node, "only update pod status for pods with spec.nodeName set to itself"
        )
        old = attributes.old or {"metadata": {}}
        if (attributes.new["metadata"].get("labels") or {}) != (old["metadata"].get("labels") or {}):
            raise attributes.forbidden(f"node {quoted} cannot update labels through pod status")
    elif subresource == "eviction":
        pod = _stored_pod(attributes)
        _check_is_on(attributes, pod, node, "only evict pods with spec.nodeName set to itself")
    elif subresource:
        text = f"unexpected pod subresource {go_quote(subresource)}, only 'status' and 'eviction' are allowed"
        raise attributes.forbidden(text)
    elif operation == "CREATE":
        _check_mirror(attributes, node)
    elif operation == "DELETE":
        _check_is_on(attributes, attributes.old, node, "only delete pods with spec.nodeName set to itself")
    else:
        text = f"unexpected operation {go_quote(operation)}, node {quoted} can only create and delete mirror pods"
        raise attributes.forbidden(text)


def _check_mirror(attributes: Attributes, node: str) -> None:
    pod, quoted = attributes.new, go_quote(node)
    spec = pod["spec"]
    if _MIRROR not in (pod["metadata"].get("annotations") or {}):
        text = f"pod does not have {go_quote(_MIRROR)} annotation, node {quoted} can only create mirror pods"
        raise attributes.forbidden(text)
    _check_is_on(attributes, pod, node, "only create pods with spec.nodeName set to itself")
    if spec.get("serviceAccountName"):
        raise attributes.forbidden(f"node {quoted} can not create pods that reference a service account")
    for volume in spec.get("volumes") or ():
        for source, what in (
            ("secret", "secrets"), ("configMap", "configmaps"), ("persistentVolumeClaim", "persistentvolumeclaims"),
        ):  # fmt: skip
            if source in volume:
                raise attributes.forbidden(f"node {quoted} can not create pods that reference {what}")


def _check_is_on(attributes: Attributes, pod: Obj | None, node: str, may: str) -> None:
    if pod is None or (pod.get("spec") or {}).get("nodeName") != node:
        raise attributes.forbidden(f"node {go_quote(node)} can {may}")


def _stored_pod(attributes: Attributes) -> Obj:
    entry = attributes.call.server.store.get(f"core/pods/{attributes.namespace}/{attributes.name}")
    if entry is None:
        raise errors.not_found("pods", attributes.name)
    return entry.obj


def _check_node(attributes: Attributes, node: str) -> None:
    quoted = go_quote(node)
    if attributes.operation != "DELETE":
        meta, old = attributes.new["metadata"], (attributes.old or {"metadata": {}})["metadata"]
        restricted = _restricted(meta.get("labels") or {}, old.get("labels") or {})
        if restricted and attributes.operation == "CREATE":
            raise attributes.forbidden(f"node {quoted} is not allowed to set the following labels: {restricted}")
        if restricted:
            raise attributes.forbidden(f"is not allowed to modify labels: {restricted}")
    if attributes.old is not None and attributes.obj is not None:
        if _taints(attributes.new) != _taints(attributes.old):
            raise attributes.forbidden(f"node {quoted} is not allowed to modify taints")
        owners = "ownerReferences"
        if attributes.new["metadata"].get(owners) != attributes.old["metadata"].get(owners):
            raise attributes.forbidden(f"node {quoted} is not allowed to modify ownerReferences")
    name = attributes.name
    if name != node:
        raise attributes.forbidden(f"node {quoted} is not allowed to modify node {go_quote(name)}")


def _taints(node: Obj) -> list[Obj]:
    return (node.get("spec") or {}).get("taints") or []


def _restricted(labels: dict[str, str], old: dict[str, str]) -> str:
    """The changed labels that only others may set."""
    changed = {key for key in {*labels, *old} if labels.get(key) != old.get(key)}
    return ", ".join(sorted(key for key in changed if not _is_kubelets(key)))


def _is_kubelets(key: str) -> bool:
    domain = key.rpartition("/")[0]
    if domain not in ("kubernetes.io", "k8s.io") and not domain.endswith((".kubernetes.io", ".k8s.io")):
        return True
    own = any(domain == allowed or domain.endswith(f".{allowed}") for allowed in _LABEL_DOMAINS)
    return own or key in _LABELS


def _check_token(attributes: Attributes, node: str) -> None:
    """Tokens are only for pods that run on the node."""
    bound = (attributes.new.get("spec") or {}).get("boundObjectRef") or {}
    if bound.get("kind") != "Pod" or bound.get("apiVersion") != "v1" or not bound.get("name"):
        raise attributes.forbidden("node requested token not bound to a pod")
    if not bound.get("uid"):
        raise attributes.forbidden("node requested token with a pod binding without a uid")
    entry = attributes.call.server.store.get(f"core/pods/{attributes.namespace}/{bound['name']}")
    if entry is None:
        raise errors.not_found("pods", bound["name"])
    pod = entry.obj
    if pod["metadata"]["uid"] != bound["uid"]:
        raise _other_uid(bound, pod)
    if pod["spec"].get("nodeName") != node:
        raise attributes.forbidden("node requested token bound to a pod scheduled on a different node")


def _other_uid(bound: Obj, pod: Obj) -> ApiError:
    text = f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record."
    more = f" The object might have been deleted and then recreated ({pod['metadata']['uid']})"
    return errors.conflict("Pod", bound["name"], text + more)
