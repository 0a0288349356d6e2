"""A catalogue that tells neither which way round it means dependencies, nor anything of PostgreSQL's own pairs."""

import asyncio

import pytest

from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.catalogue import CATALOGUE, catalogue_id
from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
IN_SHOP = {"datastoreRef": {"name": MAIN.name}, "databaseRef": {"name": "shop"}}
NEEDED, NEEDING = (catalogue_id("available-extension", name) for name in ("cube", "earthdistance"))
UNKNOWN = {NEEDED: "solid", NEEDING: "far"}


@pytest.fixture
def unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one pair of the sandbox has other names, and all other pairs are gone."""
    offers = {}
    for id_, row in CATALOGUE["available-extensions"].items():
        needs = row["dependency_ids"] if id_ == NEEDING else []
        offers[id_] = row | {"name": UNKNOWN.get(id_, row["name"]), "dependency_ids": needs}
    monkeypatch.setitem(CATALOGUE, "available-extensions", offers)


@pytest.mark.usefixtures("unknown_names")
@pytest.mark.parametrize("prose", [False, True])
@pytest.mark.parametrize("listed", [False, True], ids=["needs", "needed by"])
def test_it_works_either_way_round(listed: bool, prose: bool) -> None:
    in_virtual_time(works(listed, prose))


async def works(listed: bool, prose: bool) -> None:
    """The one that needs the other comes first: it is refused, tells so, and is made at once when the other is there."""
    async with VirtualWorld() as world:
        await world.settings(dependents_listed=listed, prose_refusals=prose)
        world.cluster.apply(project())
        await world.start()
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        world.cluster.apply(manifest("ManagedDatabase", "shop", NAMESPACE, {"datastoreRef": {"name": MAIN.name}}))
        far = ResourceKey("DatabaseExtension", NAMESPACE, "far")
        world.cluster.apply(manifest(far.kind, far.name, NAMESPACE, IN_SHOP | {"extension": "far"}))
        await world.until("it is refused", lambda: world.says(far, "Stalled") == ("True", "Refused"))
        message = world.get(far)["status"]["conditions"]
        assert any(("cannot be created" if prose else "far needs solid") in each["message"] for each in message)
        await asyncio.sleep(900)
        tried = len([sent for sent in world.sent if (sent.method, sent.path) == ("POST", "/v1/extensions")])
        assert 3 <= tried <= 6, "three tries, and then now and then"
        solid = ResourceKey("DatabaseExtension", NAMESPACE, "solid")
        world.cluster.apply(manifest(solid.kind, solid.name, NAMESPACE, IN_SHOP | {"extension": "solid"}))
        await world.until("the needed one is made", lambda: world.says(solid, "Ready")[0] == "True", 60)
        await world.until("and so is the other", lambda: world.says(far, "Ready")[0] == "True", 60)
        assert len(await world.objects("extensions")) == 2
