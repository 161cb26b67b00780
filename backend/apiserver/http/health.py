"""/livez, /readyz and /healthz. Source of the forms: k8s.io/apiserver server/healthz."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.apiserver.http.exchange import Exchange

PATHS = ("/livez", "/readyz", "/healthz")


class Health:
    """`checks` are asked at each request: a name, and whether that part is well."""

    def __init__(self, checks: Mapping[str, Callable[[], bool]]) -> None:
        self._checks = checks

    async def serve(self, exchange: Exchange) -> None:
        """`ok`, or 500 with a line for each check; one check at /readyz/NAME; ?verbose lists them in any case."""
        _, which, *rest = exchange.path.split("/")
        if rest and rest[0]:
            await self._one(exchange, which, rest[0])
            return
        excluded = {value for name, value in exchange.query_values() if name == "exclude"}
        results = {name: check() for name, check in self._checks.items() if name not in excluded}
        lines = [f"[+]{name} ok" if ok else f"[-]{name} failed: reason withheld" for name, ok in results.items()]
        if not all(results.values()):
            await exchange.respond_text(500, "\n".join([*lines, f"{which} check failed", ""]))
        elif "verbose" in exchange.query:
            await exchange.respond_text(200, "\n".join([*lines, f"{which} check passed", ""]))
        else:
            await exchange.respond_text(200, "ok")

    async def _one(self, exchange: Exchange, which: str, name: str) -> None:
        check = self._checks.get(name)
        if check is None:
            await exchange.respond_text(404, "404 page not found\n")
        elif check():
            await exchange.respond_text(200, "ok")
        else:
            await exchange.respond_text(500, f"internal server error: {which} check {name} failed\n")
