"""Everything that only a cluster with Ingresses needs: made when the first comes, and dropped with the last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from backend.machinery.client import SECRETS, Client
from backend.machinery.informer import Informer
from backend.meta.types import Obj
from backend.network.ingress.backends import Backends
from backend.network.ingress.certificates import Certificates, default_context
from backend.network.ingress.front import Front
from backend.network.ingress.ports import Listener, open_listener
from backend.network.ingress.routing import Table

log = logging.getLogger(__name__)

_KEPT = ("tls.crt", "tls.key")


class Serving:
    """The open ports, and what answers there."""

    def __init__(
        self, front: Front, certificates: Certificates, secrets: Informer, plain: Listener, tls: Listener
    ):
        self._front = front
        self._certificates = certificates
        self._secrets = secrets
        self.plain = plain
        self.tls = tls

    def ports(self) -> Sequence[int]:
        return self.plain.port, self.tls.port

    async def use(self, table: Table) -> None:
        """Serve these rules from now on."""
        self._certificates.use(table.certificates)
        for namespace, name in set(table.certificates.values()):
            await self.refresh(namespace, name)
        self._front.table = table

    async def refresh(self, namespace: str, name: str) -> None:
        """A Secret that is named by the rules came, changed or went."""
        secret = self._secrets.get(namespace, name)
        if secret is None:
            self._certificates.forget(namespace, name)
        else:
            await self._certificates.load(secret)

    def certificate_fault(self, namespace: str, name: str) -> tuple[str, str] | None:
        """Why a Secret's certificate is not shown: (reason, message)."""
        if self._secrets.get(namespace, name) is None:
            return "SecretNotFound", f"secret {namespace}/{name} not found: the default certificate is shown"
        fault = self._certificates.fault(namespace, name)
        if not fault:
            return None
        return (
            "BadCertificate",
            f"secret {namespace}/{name} is not used, and the default certificate shown: {fault}",
        )


@asynccontextmanager
async def serving(
    client: Client, backends: Backends, table: Table, memory: Path, wanted: tuple[int, int],
    on_secret: Callable[[Obj | None, Obj | None], None],
) -> AsyncIterator[Serving]:  # fmt: skip
    """Open the ports, with the rules in place, and close them at the end. `wanted` are those of HTTP and HTTPS,
    `memory` is a file of ports.open_listener; `on_secret` is told of changes to Secrets. Raises OSError."""
    certificates = Certificates(await asyncio.to_thread(default_context))
    secrets = Informer(client, SECRETS, transform=_certificate_only)
    secrets.on_change(on_secret)
    front = Front(backends)
    plain = open_listener(memory, "http", wanted[0])
    try:
        tls = open_listener(memory, "https", wanted[1])
    except OSError:
        plain.socket.close()
        raise
    watching = asyncio.create_task(secrets.run(), name="secrets of Ingresses")
    try:
        await secrets.synced.wait()
        made = Serving(front, certificates, secrets, plain, tls)
        await made.use(table)
        await front.listen(plain.socket, tls.socket, certificates.context)
        log.info("the ingress listens on the ports %d and %d", plain.port, tls.port)
        yield made
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await front.close()
        for listener in (plain, tls):
            listener.socket.close()
        log.info("the ingress closed its ports")


def _certificate_only(secret: Obj) -> Obj:
    """What is kept of the Secrets of a cluster."""
    meta, data = secret["metadata"], secret.get("data") or {}
    kept = {name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion")}
    return {"metadata": kept, "data": {name: data[name] for name in _KEPT if name in data}}
