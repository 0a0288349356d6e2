"""Our CustomResourceDefinitions and admission policies, as `crds/` has them, on a control plane."""

import asyncio

from cluster import Cluster
from managed_databases.kinds.registry import kinds
from managed_databases.kube.generated_files import crd_files

_installed_at: set[str] = set()


async def install_crds(cluster: Cluster) -> None:
    """Apply all, and return once the kinds are served."""
    texts = [text for path, text in crd_files(kinds().values()).items() if path.suffix == ".yaml"]
    await asyncio.gather(*(cluster.apply(text) for text in texts))


async def install_crds_once(cluster: Cluster) -> None:
    """As `install_crds`, by the first who asks: on a control plane where nobody takes them away or changes them."""
    if cluster.control_plane.url not in _installed_at:
        await install_crds(cluster)
        _installed_at.add(cluster.control_plane.url)
