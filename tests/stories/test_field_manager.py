"""Each write of the operator has the operator's name as field manager."""

import pytest

from managed_databases.kube.connection import FIELD_MANAGER
from managed_databases.kube.leadership import LEASE_NAME
from stories.pace import FAST
from stories.replicas import released_lease, somebody_leads
from stories.world import World

KINDS = ("DatabaseProject", "ManagedDatastore", "ManagedDatabase", "DatabaseUser", "DatabaseGrant")


@pytest.mark.parametrize("world", [{"settings": FAST | {"leader_election": True}}], indirect=True)
async def test_every_write_bears_the_operators_name(world: World) -> None:
    """Finalizers, statuses, resources and Secrets of its own, Events, the Lease."""
    await released_lease(world)
    await world.operator.start()
    await somebody_leads(world)
    await world.apply(
        world.project_manifest(), world.datastore(), world.database(), world.user(databases=[{"name": "shop"}])
    )
    await world.becomes("DatabaseGrant", "app-shop")
    await world.becomes("DatabaseUser", "app", "Synced")
    lease = await world.cluster.get("Lease", LEASE_NAME, world.system)
    found = {"Lease": [lease], "Secret": [await world.cluster.get("Secret", "app-user", world.namespace)]}
    for kind in KINDS:
        namespace = None if kind == "DatabaseProject" else world.namespace
        found[kind] = await world.cluster.list(kind, namespace)
    found["DatabaseProject"] = [each for each in found["DatabaseProject"] if each["metadata"]["name"] == world.project]

    async def events() -> list[object]:
        return [*await world.cluster.list("events.events.k8s.io", world.namespace)]

    found["Event"] = await world.until("an Event is posted", events)
    for kind, objects in found.items():
        assert objects, kind
        for each in objects:
            managers = {field["manager"] for field in each["metadata"]["managedFields"]}
            assert FIELD_MANAGER in managers, (kind, managers)
            assert managers <= {FIELD_MANAGER, "tests"}, (kind, managers)
