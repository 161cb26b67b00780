"""Services get their addresses and node ports before they are validated, and keep them once they are stored.

Source: allocateCreate and allocateUpdate of pkg/registry/core/service/storage/alloc.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from backend.apiserver.allocation.carried import align_cluster_ips, carry_allocated
from backend.apiserver.allocation.families import keeps_preference, set_families
from backend.apiserver.allocation.holdings import Holdings
from backend.apiserver.allocation.ranges import AddressRange
from backend.apiserver.allocation.reservation import Reservation, Unavailable
from backend.meta import causes, errors
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.core import service_fields as fields
from backend.store.api import Store

_SERVICE_CIDRS = "networking.k8s.io/servicecidrs/"


class ServiceAllocator:
    """No two services ever have the same address or node port, however requests run beside each other."""

    def __init__(self, store: Store, cidrs: Sequence[str]) -> None:
        """`cidrs`: one of each IP family that services can have, the default family's first."""
        self._store = store
        self._ranges = [AddressRange(cidr) for cidr in cidrs]
        self._families = [each.family for each in self._ranges]
        self._holdings = Holdings(store)

    @contextmanager
    def reserved(self, service: Obj, old: Obj | None, *, dry_run: bool) -> Iterator[None]:
        """Complete `service`, in place; while the context lasts, nobody else gets what it was given.

        Leave the context when the service is stored, or when that failed. Raises 422 for a value that cannot be
        had, 500 if there is none left.
        """
        self._holdings.catch_up()
        reservation = Reservation(self._holdings, self._all_ranges(), dry_run=dry_run)
        try:
            if old is not None:
                carry_allocated(service, old)
            align_cluster_ips(service, old)
            set_families(service, old, self._families)
            _set_addresses(service, old, reservation)
            _set_node_ports(service, old, reservation)
            _set_health_check_port(service, old, reservation)
            yield
        finally:
            reservation.close()

    def _all_ranges(self) -> list[AddressRange]:
        """The cluster's own, and those of the ServiceCIDRs that are ready."""
        own = {each.text for each in self._ranges}
        found = [*self._ranges]
        for entry in self._store.list(_SERVICE_CIDRS).entries:
            if not _is_ready(entry.obj):
                continue
            for cidr in (entry.obj.get("spec") or {}).get("cidrs") or ():
                if cidr not in own:
                    found.append(AddressRange(cidr))
        return found


def _is_ready(service_cidr: Obj) -> bool:
    conditions = (service_cidr.get("status") or {}).get("conditions") or ()
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
    return ready and not service_cidr["metadata"].get("deletionTimestamp")


def _set_addresses(service: Obj, old: Obj | None, reservation: Reservation) -> None:
    """All addresses of a new service or of one that had none, or the second one of a service that gets one."""
    spec, given = service["spec"], fields.cluster_ips(service)
    if not fields.needs_cluster_ip(service) or given[:1] == [fields.NONE]:
        return
    begin = 0
    if old is not None and fields.needs_cluster_ip(old):
        if keeps_preference(service, old) or fields.is_headless(old):
            return
        families = old["spec"].get("ipFamilies") or ()
        if not (len(families) == 1 and len(spec["ipFamilies"]) == 2):
            return
        begin = 1
    addresses = [*given]
    for index, family in enumerate(spec["ipFamilies"]):
        if index >= begin:
            addresses[index:] = [_one_address(service, addresses[index : index + 1], family, reservation)]
    spec["clusterIPs"], spec["clusterIP"] = addresses, addresses[0]


def _one_address(service: Obj, asked: list[str], family: str, reservation: Reservation) -> str:
    if not asked:
        try:
            return reservation.next_address(family)
        except Unavailable as error:
            raise errors.internal(f"failed to allocate a serviceIP: {error}") from None
    try:
        reservation.take_address(asked[0])
    except Unavailable as error:
        detail = f"failed to allocate IP {asked[0]}: {error}"
        raise _refused(service, "spec.clusterIPs", fields.cluster_ips(service), detail) from None
    return asked[0]


def _refused(service: Obj, path: str, value: object, detail: str) -> ApiError:
    cause = causes.invalid_value(path, value, detail)
    return errors.invalid("Service", service["metadata"].get("name", ""), [cause])


def _allocates_node_ports(spec: Obj) -> bool:
    return spec["type"] == fields.NODE_PORT or bool(spec.get("allocateLoadBalancerNodePorts"))


def _set_node_ports(service: Obj, old: Obj | None, reservation: Reservation) -> None:
    if not fields.needs_node_port(service):
        return
    spec = service["spec"]
    kept = {*fields.node_ports(old)} if old is not None else set()
    # A port number that is served over two protocols has one node port.
    asked = {
        port.get("port", 0): port["nodePort"] for port in reversed(spec.get("ports") or ()) if port.get("nodePort")
    }
    given: dict[int, int] = {}
    for index, port in enumerate(spec.get("ports") or ()):
        wanted = port.get("nodePort", 0)
        if not wanted and not _allocates_node_ports(spec):
            continue
        number = port.get("port", 0)
        if old is None:
            wanted = wanted if number in given else asked.get(number, 0)
            if number in given and wanted in (0, given[number]):
                port["nodePort"] = given[number]
                continue
        if not wanted:
            port["nodePort"] = given[number] = _next_port(reservation)
        elif wanted not in kept:
            _take_port(service, index, wanted, reservation)
            port["nodePort"] = wanted
            given.setdefault(number, wanted)
            if old is not None:
                kept.add(wanted)


def _next_port(reservation: Reservation) -> int:
    try:
        return reservation.next_port()
    except Unavailable as error:
        raise errors.internal(f"failed to allocate a nodePort: {error}") from None


def _take_port(service: Obj, index: int, port: int, reservation: Reservation) -> None:
    try:
        reservation.take_port(port)
    except Unavailable as error:
        raise _refused(service, f"spec.ports[{index}].nodePort", port, str(error)) from None


def _set_health_check_port(service: Obj, old: Obj | None, reservation: Reservation) -> None:
    if not fields.needs_health_check(service) or (old is not None and fields.needs_health_check(old)):
        return
    spec = service["spec"]
    asked = spec.get("healthCheckNodePort", 0)
    try:
        if asked:
            reservation.take_port(asked)
        else:
            spec["healthCheckNodePort"] = reservation.next_port()
    except Unavailable as error:
        which = f"requested HealthCheck NodePort {asked}" if asked else "a HealthCheck NodePort 0"
        raise errors.internal(f"failed to allocate {which}: {error}") from None
