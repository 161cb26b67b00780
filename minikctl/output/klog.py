"""Lines in the shape of klog's, with which kubectl prints what its libraries log."""

from __future__ import annotations

import os
import time


def line(level: str, place: str, text: str) -> str:
    """`level` is klog's letter; then time, process and the place in kubectl's source, and the text."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    moment = f"{time.strftime('%m%d %H:%M:%S', time.localtime(seconds))}.{nanoseconds // 1000:06}"
    return f"{level}{moment} {os.getpid():7} {place}] {text}\n"
