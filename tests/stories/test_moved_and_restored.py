"""Resources that are created again elsewhere, or restored to an older state, while the cloud's objects still exist."""

from pathlib import Path

from cluster import Cluster
from definitions import install_crds
from managed_databases.controlplane.cluster import ControlPlane
from stories.restored import all_ready, everything, ids, nothing_is_lost_or_doubled
from stories.world import World


async def test_moved_to_another_namespace(world: World) -> None:
    old, new = world.namespace, await world.another_namespace()
    allowed = [{"name": name, "powers": ["adopt"]} for name in (old, new)]
    await world.operator.start()
    await world.apply(world.project_manifest(allowedNamespaces=allowed), *everything(world, deletionPolicy="Retain"))
    await all_ready(world, everything(world))
    before, password = await ids(world), (await world.secret("app-user"))["password"]
    for kind, name in (("ManagedDatabase", "shop"), ("DatabaseUser", "app"), ("ManagedDatastore", "main")):
        await world.delete(kind, name)
    await world.sandbox.clear_requests()

    world.namespace = new
    await world.put_secret(new, "brought-along", {"password": password}, is_given=True)
    moved = everything(world, adoption="Required")
    moved[-1]["spec"]["passwordSecretRef"] = {"name": "brought-along", "key": "password"}
    await world.apply(*moved)
    await all_ready(world, moved)
    assert await ids(world) == before
    assert await world.calls("POST", "/v1/") == []
    assert await world.calls("DELETE") == []
    assert (await world.secret("app-user"))["password"] == password
    assert await world.login_works()
    kept = await world.cluster.get("Secret", "app-user", old)
    assert kept["metadata"]["annotations"]["manageddatabases.io/retained"] == "true"


async def test_restored_from_a_backup_of_etcd(control_plane: ControlPlane, tmp_path: Path) -> None:
    """What was made since is in the cloud, and no resource knows of it."""
    async with ControlPlane(control_plane.binaries) as plane, Cluster(plane) as cluster:
        await install_crds(cluster)
        async with World(cluster, tmp_path) as world:
            await world.operator.start()
            await world.apply(world.project_manifest(), *everything(world))
            await all_ready(world, everything(world))
            await world.operator.kill()
            await plane.back_up(tmp_path / "backup")

            await world.operator.start()
            later = [world.datastore("later"), world.user("later"), world.database("later")]
            await world.apply(*later)
            await world.change("ManagedDatastore", "main", backupRetentionDays=14)
            await all_ready(world, [*everything(world), *later])
            before = await ids(world)
            await world.operator.kill()
            await plane.restore(tmp_path / "backup")

            await world.sandbox.clear_requests()
            await world.operator.start()
            await nothing_is_lost_or_doubled(world, later, before)
