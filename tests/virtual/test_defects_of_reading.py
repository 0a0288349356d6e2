"""If an answer of one project's API breaks the operator's reading, that project reports it, and no other project stops."""

from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.catalogue_reader import CatalogueReader
from managed_databases.reconcile.project.datastore_actions import ActionReader
from managed_databases.reconcile.project.polling import CollectionPoller
from stories.world import condition
from virtual.two_projects import BANK, begin_with_two_projects, datastore, is_in_sync
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

OURS, THEIRS = (ResourceKey("ManagedDatastore", namespace, "main") for namespace in (NAMESPACE, BANK))
PROJECT = ResourceKey("DatabaseProject", "", BANK)

PARTS = {
    "catalogue": (CatalogueReader, "_compare"),
    "actions": (ActionReader, "_look"),
    "users": (CollectionPoller, "_next_moment"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_defect_in_reading_is_told_and_ends(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, method = PARTS[part]
    real, is_broken = getattr(owner, method), False

    def broken(self: Any, *rest: Any) -> Any:
        if is_broken and self._client.name == BANK:
            raise ZeroDivisionError
        return real(self, *rest)

    monkeypatch.setattr(owner, method, broken)

    async def scenario() -> None:
        nonlocal is_broken
        async with VirtualWorld(delay_seconds=60.0) as world:
            await begin_with_two_projects(world)
            world.cluster.apply(datastore(THEIRS))
            await world.until("it is being made", lambda: world.get(THEIRS)["status"].get("id"))
            is_broken = True
            world.cluster.annotate(PROJECT, sync_requested="1")
            world.cluster.annotate(THEIRS, sync_requested="1")
            await world.until("it is told", lambda: world.says(PROJECT, "Synced") == ("False", "OperatorDefect"))
            told = condition(world.get(PROJECT), "Synced")["message"]
            assert "ZeroDivisionError" in told
            assert "incident=" in told
            world.cluster.apply(datastore(OURS))
            await world.until("another project goes on", lambda: is_in_sync(world, OURS))
            is_broken = False
            await world.until("it ends by itself", lambda: world.says(PROJECT, "Synced")[0] == "True")
            await world.until("all is read", lambda: is_in_sync(world, THEIRS))

    in_virtual_time(scenario())
