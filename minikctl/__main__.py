"""`minikctl` and `python -m minikctl`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """The console script. Ends the process at once: tearing an interpreter down costs more than a `get` may."""
    gc.disable()  # a command lives for milliseconds: nothing is worth collecting

    from minikctl.cli import run

    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 1
    os._exit(code)


if __name__ == "__main__":
    main()
