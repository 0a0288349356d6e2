"""etcd is restored to an older state while the operator runs: the process ends, and the next one takes everything as it is."""

from pathlib import Path

import pytest

from cluster import Cluster
from definitions import install_crds
from managed_databases.controlplane.cluster import ControlPlane
from stories.restored import all_ready, everything, ids, nothing_is_lost_or_doubled
from stories.world import World

MAX_CONFLICTS = 40
FAST = {"clock_speed": 30, "pending_poll_seconds": 10, "settle_margin_seconds": 60}
"""The resync comes within seconds."""


@pytest.mark.parametrize("sees_outage", [True, False], ids=["sees the outage", "sleeps through it"])
async def test_restored_under_a_running_operator(
    control_plane: ControlPlane, tmp_path: Path, sees_outage: bool
) -> None:
    """A process that slept through the outage knows nothing of it; it learns by the resync, and makes no storm until then."""
    async with ControlPlane(control_plane.binaries) as plane, Cluster(plane) as cluster:
        await install_crds(cluster)
        async with World(cluster, tmp_path, settings={} if sees_outage else FAST) as world:
            await world.operator.start()
            await world.apply(world.project_manifest(), *everything(world))
            await all_ready(world, everything(world))
            await plane.back_up(tmp_path / "backup")  # the operator outlives that
            later = [world.datastore("later"), world.user("later"), world.database("later")]
            await world.apply(*later)
            await world.change("ManagedDatastore", "main", backupRetentionDays=14)
            await all_ready(world, [*everything(world), *later])
            before = await ids(world)
            if sees_outage:  # it has seen far more than the restored server will write by itself
                for number in range(300):
                    await world.put_secret(world.namespace, "seen", {"number": str(number)}, is_given=True)
            else:
                world.operator.pause()
            await plane.restore(tmp_path / "backup")
            if not sees_outage:
                for number in range(200):  # Kubernetes goes on, beyond the versions that the operator knows
                    await world.put_secret(world.system, "busy", {"number": str(number)})
                world.operator.resume()
                id_ = (await world.get("ManagedDatastore", "main"))["status"]["id"]
                await world.sandbox.edit("datastores", id_, status="DEGRADED")  # there is something to write down
            await world.sandbox.clear_requests()
            assert await world.operator.ends() == 1
            assert "an older state" in world.operator.log_tail(), world.operator.log_tail()

            await world.operator.start()
            await nothing_is_lost_or_doubled(world, later, before)
            conflicts = cluster.audit(user=world.account, code=409)
            assert len(conflicts) <= MAX_CONFLICTS, conflicts
