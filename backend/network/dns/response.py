"""What is sent for a question, and for how long it may be sent again."""

from __future__ import annotations

from dataclasses import dataclass

from backend.network.dns.cluster_records import ServiceKey


@dataclass(frozen=True, slots=True)
class Response:
    """`wire` is the answer with the question's id. It may be given again until `ttl` seconds have passed (None: for
    ever), and until a service changes that is in `services`, or any service if it is `of_all`."""

    wire: bytes
    rdtype: str = ""
    """As it is counted; "" where the question could not be read."""
    rcode: str = "NOERROR"
    ttl: float | None = 0.0
    services: frozenset[ServiceKey] = frozenset()
    of_all: bool = False
    orders: int = 1
    """How many different ones are worth having."""

    @property
    def kind(self) -> tuple[str, str]:
        """(type, code), for counting."""
        return self.rdtype, self.rcode
