"""What a client is warned of when it writes a pod or a pod template. Nothing of it is refused.

Source: pkg/api/pod/warnings.go, pkg/api/node/util.go, and WarningsOnCreate of the kinds' strategies.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.meta import names, quantity
from backend.meta.causes import go_quote
from backend.meta.types import Obj

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
OLD_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_OLD_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_NO_POD = "a null labelSelector results in matching no pod"


def pod_warnings(pod: Obj, old: Obj | None) -> list[str]:
    found = name_warnings(pod, "the Pod's hostname") if old is None else []
    return found + _warnings(pod["spec"], pod["metadata"], "")


def template_warnings(owner: Obj, old: Obj | None) -> list[str]:
    """For a kind whose template is at spec.template; only for a change that is one of the spec."""
    if old is not None:
        return [] if owner["spec"] == old["spec"] else spec_template_warnings(owner["spec"], "spec")
    return name_warnings(owner, "Pod names and hostnames") + spec_template_warnings(owner["spec"], "spec")


def nameless_template_warnings(owner: Obj, old: Obj | None) -> list[str]:
    """The same for a kind whose name does not become part of pods' names."""
    if old is not None and owner["spec"] == old["spec"]:
        return []
    return spec_template_warnings(owner["spec"], "spec")


def pod_template_warnings(pod_template: Obj, _old: Obj | None) -> list[str]:
    return spec_template_warnings(pod_template, "")


def name_warnings(obj: Obj, used_in: str) -> list[str]:
    faults = names.dns1123_label(obj["metadata"].get("name", ""))
    if not faults:
        return []
    text = f"metadata.name: this is used in {used_in}, which can result in surprising behavior;"
    return [f"{text} a DNS label is recommended: [{' '.join(faults)}]"]


def spec_template_warnings(owner: Obj, path: str) -> list[str]:
    """Of the template of what is at `path`, such as a spec; "" for the object itself."""
    template = owner.get("template") or {}
    return _warnings(
        template.get("spec") or {}, template.get("metadata") or {}, f"{path}.template." if path else "template."
    )


def _warnings(spec: Obj, meta: Obj, root: str) -> list[str]:
    """`root` is "" or ends in a dot."""
    path = f"{root}spec"
    found = [*_placement(spec, path), *_annotations(meta, root), *_volumes(spec, path), *_repetitions(spec, path)]
    found += _fractions(spec.get("overhead") or {}, f"{path}.overhead")
    ports: dict[str, list[tuple[str, Obj]]] = {}
    for here, container in _containers(spec, path):
        for field in ("limits", "requests"):
            amounts = (container.get("resources") or {}).get(field) or {}
            found += _fractions(amounts, f"{here}.resources.{field}")
        found += _environment(container, here)
    for here, container in _containers(spec, path):
        found += _ports(container, here, ports)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{path}.terminationGracePeriodSeconds: {text}")
    return [*found, *_pod_affinity(spec.get("affinity") or {}, f"{path}.affinity")]


def _containers(spec: Obj, path: str) -> Iterator[tuple[str, Obj]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield f"{path}.{field}[{index}]", container


def _placement(spec: Obj, path: str) -> Iterator[str]:
    for key in sorted(spec.get("nodeSelector") or {}):
        if key in OLD_LABELS:
            yield f"{path}.nodeSelector[{key}]: {OLD_LABELS[key]}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    here = f"{path}.affinity.nodeAffinity"
    for index, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from node_term_warnings(term, f"{here}.{_REQUIRED}.nodeSelectorTerms[{index}]")
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        yield from node_term_warnings(
            preferred.get("preference") or {}, f"{here}.{_PREFERRED}[{index}].preference"
        )
    for index, spread in enumerate(spec.get("topologySpreadConstraints") or ()):
        here, key = f"{path}.topologySpreadConstraints[{index}]", spread.get("topologyKey", "")
        if key in OLD_LABELS:
            yield f"{here}.topologyKey: {key} is {OLD_LABELS[key]}"
        if spread.get("labelSelector") is None:
            yield f"{here}.labelSelector: {_NO_POD}"


def node_term_warnings(term: Obj, path: str) -> Iterator[str]:
    """Of one term of a node selector, wherever it stands."""
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        key = expression.get("key", "")
        if key in OLD_LABELS:
            yield f"{path}.matchExpressions[{index}].key: {key} is {OLD_LABELS[key]}"


def _annotations(meta: Obj, root: str) -> Iterator[str]:
    annotations = meta.get("annotations") or {}
    for key, text in _OLD_ANNOTATIONS.items():
        if key in annotations:
            yield f"{root}metadata.annotations[{key}]: {text}"


def _volumes(spec: Obj, path: str) -> Iterator[str]:
    for index, volume in enumerate(spec.get("volumes") or ()):
        for kind, text in _OLD_VOLUMES.items():
            if volume.get(kind) is not None:
                yield f"{path}.volumes[{index}].{kind}: {text}"


def _repetitions(spec: Obj, path: str) -> Iterator[str]:
    for field, key in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        seen: set[str] = set()
        for index, item in enumerate(spec.get(field) or ()):
            value = item.get(key, "")
            if value in seen:
                yield f"{path}.{field}[{index}].{key}: duplicate {key} {go_quote(value)}"
            seen.add(value)
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            yield f'{path}.imagePullSecrets[{index}].name: invalid empty name ""'


def _fractions(amounts: Obj, path: str) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        if name in amounts and (quantity.parse(str(amounts[name])) * 1000) % 1000 >= 1:
            shown = go_quote(quantity.canonical(str(amounts[name])))
            yield f"{path}[{name}]: fractional byte value {shown} is invalid, must be an integer"


def _environment(container: Obj, path: str) -> Iterator[str]:
    """A variable that is defined again, unless its new value is made of the old one."""
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name, value = variable.get("name", ""), variable.get("value", "")
        reference = f"$({name})"
        built_on = reference in value and value != reference and "valueFrom" not in variable
        if name in seen and not built_on:
            text = f"hides previous definition of {go_quote(name)}, which may be dropped when using apply"
            yield f"{path}.env[{index}]: {text}"
        seen.add(name)


def _ports(container: Obj, path: str, taken: dict[str, list[tuple[str, Obj]]]) -> Iterator[str]:
    """`taken` has the ports seen so far, by number and protocol; this container's are added."""
    for index, port in enumerate(container.get("ports") or ()):
        here = f"{path}.ports[{index}]"
        others = taken.setdefault(f"{port.get('containerPort', 0)}/{port.get('protocol', '')}", [])
        for where, other in others:
            if clash := _clash(port, other):
                yield f"{here}: {clash} port definition with {where}"
        others.append((here, port))


def _clash(port: Obj, other: Obj) -> str:
    """How bad it is that two ports have the same number; "" if it is not."""
    ip, host = port.get("hostIP", ""), port.get("hostPort", 0)
    other_ip, other_host = other.get("hostIP", ""), other.get("hostPort", 0)
    if (ip, host) == (other_ip, other_host):
        return "duplicate"
    if not host or not other_host:
        return "overlapping"
    return "dangerously ambiguous" if host == other_host and bool(ip) != bool(other_ip) else ""


def _pod_affinity(affinity: Obj, path: str) -> Iterator[str]:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for index, term in enumerate(terms.get(_REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{path}.{kind}.{_REQUIRED}[{index}].labelSelector: {_NO_POD}"
        for index, preferred in enumerate(terms.get(_PREFERRED) or ()):
            if (preferred.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{path}.{kind}.{_PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NO_POD}"
