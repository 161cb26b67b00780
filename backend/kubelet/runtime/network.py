"""The pods' network: one Docker bridge for each cluster, made when the first pod needs it.

Not before: an engine has addresses for some thirty networks in all. It chooses a subnet that is free. The bridge's
interface has a name of our own, so that rules can name it: `mk` and a digest of the cluster's id, within the
kernel's 15 characters.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from backend.kubelet.runtime.names import CLUSTER_LABEL

if TYPE_CHECKING:
    from docker import APIClient


_making = threading.Lock()


def network_name(cluster_id: str) -> str:
    return f"minikctl-{cluster_id}"


def bridge_name(cluster_id: str) -> str:
    return "mk" + hashlib.sha256(cluster_id.encode()).hexdigest()[:10]


def ensure_network(client: APIClient, cluster_id: str) -> None:
    """Makes the network unless it exists. May be called from several threads and processes at once."""
    from docker.errors import APIError

    name = network_name(cluster_id)
    with _making:
        if _exists(client, name):
            return
        try:
            _create(client, name, cluster_id)
        except APIError:
            if not _exists(client, name):
                raise


def _exists(client: APIClient, name: str) -> bool:
    return any(network["Name"] == name for network in client.networks(names=[name]))


def _create(client: APIClient, name: str, cluster_id: str) -> None:
    client.create_network(
        name,
        driver="bridge",
        options={"com.docker.network.bridge.name": bridge_name(cluster_id)},
        labels={CLUSTER_LABEL: cluster_id},
        check_duplicate=True,
    )


def remove_network(client: APIClient, cluster_id: str) -> None:
    """Idempotent. Fails while containers are attached."""
    from docker.errors import NotFound

    try:
        client.remove_network(network_name(cluster_id))
    except NotFound:
        return
