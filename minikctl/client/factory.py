"""What a command gets to work with: client, mapper and namespace, each made when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.client import connect
from minikctl.client.errors import Failure
from minikctl.client.rest import Client
from minikctl.flags import parse_duration

if TYPE_CHECKING:
    from minikctl.client.discovery import Mapper
    from minikctl.command import Streams


class Factory:
    """Reads nothing and dials nothing until a property is used."""

    def __init__(self, flags: Mapping[str, Any], changed: frozenset[str], streams: Streams) -> None:
        self.flags = flags
        self.streams = streams
        self.warnings = 0
        self._changed = changed
        self._target: connect.Target | None = None
        self._client: Client | None = None
        self._mapper: Mapper | None = None

    @property
    def target(self) -> connect.Target:
        """The context, cluster and user that flags and files chose."""
        if self._target is None:
            self._target = connect.choose(self.flags, self._changed)
        return self._target

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = self.new_client()
        return self._client

    def new_client(self) -> Client:
        """Another client of the same server, for use in another thread."""
        return Client(
            connect.connect(self.target, self.flags),
            timeout=_timeout(self.flags.get("request-timeout") or "0"),
            on_warning=self.warn,
        )

    @property
    def mapper(self) -> Mapper:
        if self._mapper is None:
            from minikctl.client.discovery import Mapper

            self._mapper = Mapper(lambda: self.client)
        return self._mapper

    @property
    def namespace(self) -> str:
        """--namespace, else the context's, else `default`."""
        return self.flags.get("namespace") or self.target.context.get("namespace") or "default"

    @property
    def explicit_namespace(self) -> bool:
        """--namespace was given: objects from files must be in it."""
        return bool(self.flags.get("namespace"))

    def warn(self, text: str) -> None:
        """A warning of the server's. --warnings-as-errors counts them."""
        self.warnings += 1
        self.streams.err.write(f"Warning: {text}\n")


def _timeout(text: str) -> float | None:
    """--request-timeout: a duration, or an integer of seconds; zero is none. Source: clientcmd.ParseTimeout."""
    try:
        seconds = float(int(text)) if text.lstrip("-").isdigit() else parse_duration(text)
    except ValueError:
        raise Failure(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a"
            " corresponding time unit (e.g. 1s | 2m | 3h)"
        ) from None
    return seconds or None
