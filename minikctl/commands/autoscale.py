"""`minikctl autoscale`. Source: k8s.io/kubectl/pkg/cmd/autoscale/autoscale.go.

A server that refuses the autoscaler in v2 is asked in v1, where the older version can say as much.
"""

from __future__ import annotations

import re
from typing import Any

from backend.meta import quantity
from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create import creating
from minikctl.commands.create.containers import require
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.struct_order import arranged
from minikctl.output.workload_shapes import HORIZONTAL_POD_AUTOSCALER

Obj = dict[str, Any]

_KIND = "HorizontalPodAutoscaler"
_MAPPINGS = {
    version: ResourceMapping("autoscaling", version, "horizontalpodautoscalers", _KIND, True, _KIND.lower())
    for version in ("v1", "v2")
}
_UNITS = {"cpu": "m", "memory": "Mi"}
"""What a number without a unit is."""
_DEPRECATED = (
    "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for"
    " utilization or '500m' for milliCPU).\n"
)


def run(call: Invocation) -> int:
    flags = call.flags
    if "cpu-percent" in call.changed:
        call.streams.err.write(_DEPRECATED)
    require(call, "max")
    make_printer(flags, operation="autoscaled", dry_run=creating.dry_run(call), typed=True)
    if flags["max"] < 1:
        raise Failure(f"--max=MAXPODS is required and must be at least 1, max: {flags['max']}")
    if flags["max"] < flags["min"]:
        bounds = f"max: {flags['max']}, min: {flags['min']}"
        raise Failure(f"--max=MAXPODS must be larger or equal to --min=MINPODS, {bounds}")
    metrics = _metrics(call)
    found = collect(
        call.factory,
        Query(
            args=call.args,
            filenames=flags["filename"],
            recursive=flags["recursive"],
            allow_empty_selector=False,
            latest=False,
        ),
    )
    errors = list(found.errors)
    for info in found.infos:
        try:
            _autoscale(call, info, metrics)
        except (Failure, StatusError) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if not found.infos:
        raise Failure("no objects passed to autoscale")
    return 0


def _metrics(call: Invocation) -> list[Obj]:
    flags = call.flags
    metrics = [_metric(name, _target(name, flags[name])) for name in _UNITS if flags[name]]
    if flags["cpu-percent"] >= 0 and not flags["cpu"]:
        metrics.insert(0, _metric("cpu", {"type": "Utilization", "averageUtilization": flags["cpu-percent"]}))
    return metrics


def _metric(name: str, target: Obj) -> Obj:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _target(name: str, text: str) -> Obj:
    """`70%` of what pods request, or an amount on average. Source: parseResourceInput."""
    if text.endswith("%"):
        share = text[:-1]
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", share):
            raise Failure(f"invalid percentage value: {share}")
        return {"type": "Utilization", "averageUtilization": int(share)}
    try:
        amount = quantity.canonical(text + _UNITS[name] if text[-1].isdigit() else text)
    except ValueError:
        raise Failure(f"invalid resource {name} value: {text}") from None
    return {"type": "AverageValue", "averageValue": amount}


def _autoscale(call: Invocation, info: Info, metrics: list[Obj]) -> None:
    _check_scalable(call, info)
    flags = call.flags
    target = {"kind": info.mapping.kind, "name": info.name, "apiVersion": info.mapping.api_version}
    spec: Obj = {"scaleTargetRef": target, "maxReplicas": flags["max"]}
    if flags["min"] > 0:
        spec["minReplicas"] = flags["min"]
    name = flags["name"] or info.name
    newer = {**spec, "metrics": metrics} if metrics else spec
    try:
        _create(call, "v2", name, newer, {"desiredReplicas": 0, "currentMetrics": None})
    except StatusError:
        older = {**spec, **_older_target(call, metrics)}
        _create(call, "v1", name, older, {"currentReplicas": 0, "desiredReplicas": 0})


def _check_scalable(call: Invocation, info: Info) -> None:
    """Failure unless the server says that the kind has a scale."""
    mapping = info.mapping
    path = f"/apis/{mapping.api_version}" if mapping.group else f"/api/{mapping.version}"
    names = [item["name"] for item in call.factory.client.get(path).get("resources") or []]
    if f"{mapping.resource}/scale" not in names:
        group = mapping.api_version if mapping.group else f"/{mapping.version}"
        why = f"could not find scale subresource for {group}, Resource={mapping.resource} in discovery information"
        raise Failure(f"cannot autoscale a {mapping.kind}: {why}")


def _older_target(call: Invocation, metrics: list[Obj]) -> Obj:
    """What v1 can say of it: a share of CPU. Failure, in kubectl's words, where it cannot say it."""
    if call.flags["cpu"] and not call.flags["memory"]:
        share = metrics[0]["resource"]["target"].get("averageUtilization")
        if share is not None:
            return {"targetCPUUtilizationPercentage": share} if share else {}
    why = "%!w(<nil>)" if call.flags["cpu"] else "empty input"
    text = "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1"
    raise Failure(f"{text}: {why}")


def _create(call: Invocation, version: str, name: str, spec: Obj, status: Obj) -> None:
    """Send an autoscaler of `version` unless it is a client's dry run, and print what came back."""
    mapping, strategy = _MAPPINGS[version], creating.dry_run(call)
    made: Obj = {
        "kind": _KIND,
        "apiVersion": mapping.api_version,
        "metadata": creating.metadata(call, name),
        "spec": spec,
        "status": status,
    }
    if strategy != "client":
        if call.flags["save-config"]:
            creating.save_config(made, typed=True)
        query = {
            "dryRun": "All" if strategy == "server" else "",
            "fieldManager": call.flags["field-manager"],
        }
        path = mapping.path(call.factory.namespace)
        made = creating.in_struct_order(call.factory.client.request("POST", path, query=query, body=made))
    printer = make_printer(call.flags, operation="autoscaled", dry_run=strategy, typed=True)
    printer.print(arranged(made, HORIZONTAL_POD_AUTOSCALER), call.streams.out)


COMMAND = Command(
    use="autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]",
    short="Auto-scale a deployment, replica set, stateful set, or replication controller",
    long="Create an autoscaler, which decides how many pods a deployment, replica set, stateful set or replication"
    " controller has.\n\nIt is made in autoscaling/v2, or in autoscaling/v1 if the server refuses that.",
    examples="""
  # Between 2 and 10 pods for the deployment foo, by the server's default policy
  minikctl autoscale deployment foo --min=2 --max=10

  # Between 1 and 5 pods for a replication controller, so that they use 80% of the CPU that they request
  minikctl autoscale rc foo --max=5 --cpu=80%

  # Between 3 and 6 pods, with 500m of CPU and 200Mi of memory each, on average
  minikctl autoscale deployment bar --min=3 --max=6 --cpu=500m --memory=200Mi""",
    run=run,
    flags=(
        Flag(
            "cpu", "string", "",
            'Target CPU utilization over all the pods. When specified as a percentage (e.g."70%" for 70% of requested'
            ' CPU) it will target average utilization. When specified as quantity (e.g."500m" for 500 milliCPU) it will'
            ' target average value. Value without units is treated as a quantity with miliCPU being the unit'
            ' (e.g."500" is "500m").',
        ),
        Flag(
            "cpu-percent", "int", -1,
            "The target average CPU utilization (represented as a percent of requested CPU) over all the pods. If it's"
            " not specified or negative, a default autoscaling policy will be used.",
            hidden=True,
        ),
        creating.DRY_RUN_FLAG,
        Flag(
            "field-manager", "string", "kubectl-autoscale", "Name of the manager used to track field ownership."
        ),
        shared_flags.filename("identifying the resource to autoscale."),
        Flag(
            "max", "int", -1,
            "The upper limit for the number of pods that can be set by the autoscaler. Required.",
        ),
        Flag(
            "memory", "string", "",
            'Target memory utilization over all the pods. When specified as a percentage (e.g."60%" for 60% of'
            ' requested memory) it will target average utilization. When specified as quantity (e.g."200Mi" for 200'
            ' MiB, "1Gi" for 1 GiB) it will target average value. Value without units is treated as a quantity with'
            ' mebibytes being the unit (e.g."200" is "200Mi").',
        ),
        Flag(
            "min", "int", -1,
            "The lower limit for the number of pods that can be set by the autoscaler. If it's not specified or"
            " negative, the server will apply a default value.",
        ),
        Flag(
            "name", "string", "",
            "The name for the newly created object. If not specified, the name of the input resource will be used.",
        ),
        *output_flags(),
        shared_flags.RECURSIVE,
        creating.SAVE_CONFIG_FLAG,
    ),
)  # fmt: skip
