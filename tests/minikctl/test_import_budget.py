"""The running path of `get` imports nothing that costs more than it gives."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("typer", "rich", "yaml", "requests", "urllib3", "http.client", "ssl", "dataclasses", "inspect", "orjson",
         "cryptography", "docker", "sqlalchemy", "asyncio", "email")  # fmt: skip


def test_get_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "import minikctl.cli, minikctl.commands.get, minikctl.client.rest, minikctl.client.discovery\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
                          capture_output=True, text=True, check=True, timeout=30)  # fmt: skip
    assert done.stdout.split() == []
