"""/livez, /readyz and /healthz. Source of the forms and texts: k8s.io/apiserver server/healthz."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.apiserver.http.exchange import Exchange

PATHS = ("/livez", "/readyz", "/healthz")
READY = "readyz"

Checks = Mapping[str, Callable[[], bool]]
"""A name, and whether that part is well; asked at each request."""


class Health:
    """`checks` belong to all three paths, `readiness` to /readyz alone."""

    def __init__(self, checks: Checks, readiness: Checks | None = None) -> None:
        self._checks = checks
        self._ready_checks = {**checks, **(readiness or {})}

    async def serve(self, exchange: Exchange) -> None:
        """`ok`, or 500 with a line for each check; one check at /readyz/NAME; ?verbose lists them in any case."""
        which, _, name = exchange.path[1:].partition("/")
        checks = self._ready_checks if which == READY else self._checks
        if which not in (path[1:] for path in PATHS):
            await exchange.respond_text(404, "404 page not found\n")
        elif name:
            await _one(exchange, checks, name)
        else:
            await _all(exchange, checks, which)


async def _all(exchange: Exchange, checks: Checks, which: str) -> None:
    excluded = {value for name, value in exchange.query_values() if name == "exclude"}
    lines = []
    failed = False
    for name, check in checks.items():
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok\n")
        elif check():
            lines.append(f"[+]{name} ok\n")
        else:
            lines.append(f"[-]{name} failed: reason withheld\n")
            failed = True
    if unknown := excluded - checks.keys():
        quoted = ", ".join(f'"{name}"' for name in sorted(unknown))
        lines.append(f"warn: some health checks cannot be excluded: no matches for {quoted}\n")
    if failed:
        await exchange.respond_text(500, f"{''.join(lines)}{which} check failed\n")
    elif "verbose" in exchange.query:
        await exchange.respond_text(200, f"{''.join(lines)}{which} check passed\n")
    else:
        await exchange.respond_text(200, "ok")


async def _one(exchange: Exchange, checks: Checks, name: str) -> None:
    check = checks.get(name)
    if check is None:
        await exchange.respond_text(404, "404 page not found\n")
    elif check():
        await exchange.respond_text(200, "ok")
    else:
        await exchange.respond_text(500, f"internal server error: {name} is not well\n")
