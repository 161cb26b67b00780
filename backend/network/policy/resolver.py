"""Cluster DNS as policies see it.

It runs on this machine, which pods may always reach. Elsewhere it is pods of kube-system with the label
k8s-app=kube-dns, and a policy that forgets them cuts its pods off from names. So it is here.
"""

from __future__ import annotations

from backend.meta.types import Obj
from backend.network.dns.cluster_records import DNS_SERVICE

LABELS = {"k8s-app": "kube-dns"}
"""Of CoreDNS' pods."""


def as_pod(service: Obj | None) -> Obj | None:
    """A pod with the service's addresses and ports; None for a service whose own pods are behind it."""
    if service is None or service["spec"].get("selector"):
        return None
    spec = service["spec"]
    ports = [
        {"name": port.get("name", ""), "containerPort": port["port"], "protocol": port.get("protocol", "TCP")}
        for port in spec.get("ports") or ()
    ]
    namespace, name = DNS_SERVICE
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": LABELS},
        "spec": {"containers": [{"ports": ports}]},
        "status": {"podIPs": [{"ip": address} for address in spec.get("clusterIPs") or () if address != "None"]},
    }
