"""kubectl's describe of a Job. Source: describeJob of k8s.io/kubectl/pkg/describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import as_selector
from backend.meta.timefmt import human_duration, parse
from minikctl.describe import common, controlled
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

_MAX_INDEXES = 50
"""Characters of a list of indexes that are shown at least."""


def describe(client: Client, job: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = job["metadata"], job["spec"], job.get("status") or {}
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    if spec.get("selector") is not None:
        writer.write(0, f"Selector:\t{as_selector(spec['selector'])}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    controlled.controlled_by(writer, job)
    _goal(writer, spec)
    _times(writer, spec, status)
    ready = f" ({status['ready']} Ready)" if "ready" in status else ""
    ended = f"{status.get('succeeded', 0)} Succeeded / {status.get('failed', 0)} Failed"
    writer.write(0, f"Pods Statuses:\t{status.get('active', 0)} Active{ready} / {ended}\n")
    if spec.get("completionMode") == "Indexed":
        writer.write(0, f"Completed Indexes:\t{_indexes(status.get('completedIndexes', ''))}\n")
    pod_template(writer, spec["template"])
    if show_events:
        common.events(writer, common.find_events(client, job))
    return writer.text()


def _goal(writer: Writer, spec: Obj) -> None:
    if "parallelism" in spec:
        writer.write(0, f"Parallelism:\t{spec['parallelism']}\n")
    writer.write(0, f"Completions:\t{spec.get('completions', '<unset>')}\n")
    if "completionMode" in spec:
        writer.write(0, f"Completion Mode:\t{spec['completionMode']}\n")
    if "suspend" in spec:
        writer.write(0, f"Suspend:\t{'true' if spec['suspend'] else 'false'}\n")
    if "backoffLimit" in spec:
        writer.write(0, f"Backoff Limit:\t{spec['backoffLimit']}\n")
    if "ttlSecondsAfterFinished" in spec:
        writer.write(0, f"TTL Seconds After Finished:\t{spec['ttlSecondsAfterFinished']}\n")


def _times(writer: Writer, spec: Obj, status: Obj) -> None:
    start, end = status.get("startTime"), status.get("completionTime")
    if start:
        writer.write(0, f"Start Time:\t{common.rfc1123z(start)}\n")
    if end:
        writer.write(0, f"Completed At:\t{common.rfc1123z(end)}\n")
    if start and end:
        writer.write(0, f"Duration:\t{human_duration(parse(end) - parse(start))}\n")
    if "activeDeadlineSeconds" in spec:
        writer.write(0, f"Active Deadline Seconds:\t{spec['activeDeadlineSeconds']}s\n")


def _indexes(text: str) -> str:
    """Cut behind the first comma from there on where it is too long."""
    end = text.find(",", _MAX_INDEXES)
    return f"{text[: end + 1]}..." if end >= 0 else text or "<none>"
