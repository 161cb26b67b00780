"""Resource types in the arguments of commands that ask kubectl's RESTMapper themselves, not its resource builder."""

from __future__ import annotations

from minikctl.client.errors import NoResourceMatch
from minikctl.client.rest import ResourceMapping
from minikctl.command import CommandError, Invocation


def find_plainly(call: Invocation, resource: str) -> ResourceMapping:
    """As the mapper's `find`; that there is no such type is told without `error: ` before it."""
    try:
        return call.factory.mapper.find(resource)
    except NoResourceMatch as error:
        raise CommandError(str(error)) from None
