"""Two replicas of the operator: who leads, and who stands by."""

from managed_databases.kube.leadership import LEASE_NAME
from operator_process import OperatorProcess
from stories.world import World

LEASE_SECONDS = 4
"""Short, and still long enough for a busy machine to renew it in time."""


async def released_lease(world: World) -> None:
    """Before the operator is started: a Lease that an earlier process released. A first one is waited for its whole time,
    since a Lease that is not there may have been deleted.
    """
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    metadata = {"name": LEASE_NAME, "namespace": world.system}
    await world.cluster.apply(lease | {"metadata": metadata, "spec": {"holderIdentity": "", "leaseDurationSeconds": 1}})


async def holder(world: World) -> str:
    lease = await world.cluster.get("Lease", LEASE_NAME, world.system)
    return str(lease["spec"].get("holderIdentity") or "")


async def somebody_leads(world: World, *, after: str = "") -> str:
    """Wait until somebody else than `after` leads; return who."""

    async def somebody() -> str | None:
        found = await holder(world)
        return found if found != after else None

    return str(await world.until("somebody leads", somebody))


async def stands_by(world: World, follower: OperatorProcess) -> None:
    """Start it, and wait until it says that it only stands by."""
    await follower.start()

    async def says_so() -> bool:
        assert "standing by" in follower.log_tail(), follower.log_tail()
        return True

    await world.until("the second replica stands by", says_so)
