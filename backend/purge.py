"""The end of a cluster: what it has outside its folder, in the Docker engine and in the kernel's mounts, is removed."""

from __future__ import annotations

from backend.config import Config
from backend.home import StartError


async def purge(config: Config) -> list[str]:
    """Remove containers, mounts, rules and routes of a cluster of which no backend runs. Idempotent.

    Containers get no grace. The answer is warnings: where no engine answers, how to find what it may still have.
    Raises StartError for what could not be removed.
    """
    if config.load_balancer_cidr:  # else it never had a network
        from backend.network.removal import remove_network

        await remove_network(config)
    if not config.pods_dir.exists():
        return []  # The kubelet makes it before anything in an engine.

    from backend.kubelet.runtime.api import RuntimeFailure, RuntimeUnavailable
    from backend.kubelet.runtime.names import CLUSTER_LABEL
    from backend.kubelet.volumes.manager import PodVolumes
    from backend.kubelet.volumes.memory import end_in_memory

    warnings = []
    try:
        await _purge_engine(config.cluster_id)
    except RuntimeUnavailable as error:
        found = f"docker ps -a --filter label={CLUSTER_LABEL}={config.cluster_id}"
        warnings.append(f"containers may be left, which this finds once there is an engine: {found}")
        warnings.append(str(error))
    except RuntimeFailure as error:
        raise StartError(f"the cluster's containers were not removed: {error}") from None
    try:
        end_in_memory(config.pods_dir)
        await PodVolumes(config.kubelet_dir).remove_orphans(())
    except OSError as error:
        raise StartError(f"the pods' volumes were not removed: {error}") from None
    return warnings


async def _purge_engine(cluster_id: str) -> None:
    from backend.kubelet.runtime.docker import DockerRuntime

    runtime = DockerRuntime(cluster_id)
    try:
        await runtime.remove_containers()
    finally:
        await runtime.close()
