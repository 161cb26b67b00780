"""What a kubelet's /metrics/resource says, as metrics-server reads it.

Source: pkg/scraper/client/resource/decode.go of metrics-server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_CPU = "cpu_usage_seconds_total"
_MEMORY = "memory_working_set_bytes"
_STARTED = "start_time_seconds"
_LINE = re.compile(
    rf"^(node|container)_({_CPU}|{_MEMORY}|{_STARTED})(?:\{{([^}}]*)\}})? (\S+)(?: (\d+))?$", re.MULTILINE
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Key = tuple[str, str, str]
"""(namespace, pod, container); the node's own is NODE."""
NODE: Key = ("", "", "")


@dataclass(slots=True)
class Point:
    """Counters at `time` (seconds since the epoch): processor seconds since the start, bytes now. `started` is 0 for
    what started before anybody can remember."""

    time: float = 0.0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    started: float = 0.0


def read_points(text: str) -> Mapping[Key, Point]:
    """The node's point, and one for each container that runs."""
    found: dict[Key, Point] = {}
    for subject, name, labels, value, moment in _LINE.findall(text):
        key = NODE
        if subject == "container":
            named = dict(_LABEL.findall(labels))
            key = (named["namespace"], named["pod"], named["container"])
        point = found.setdefault(key, Point())
        if name == _CPU:
            point.cpu_seconds, point.time = float(value), int(moment) / 1000
        elif name == _MEMORY:
            point.memory_bytes = int(float(value))
        else:
            point.started = float(value)
    return found
