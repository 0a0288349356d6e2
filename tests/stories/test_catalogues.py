"""A developer sees what his namespace can choose, with the role `view` and nothing else; the operator has the chart's rights."""

import asyncio
from typing import Any

import pytest

from cluster import Cluster, Refused
from command_process import command
from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import access
from stories.pace import FAST, fast
from stories.people import person
from stories.world import World, condition

KIND = "DatabaseCatalogue"
ROLE = "operator"
faster = pytest.mark.parametrize("world", [{"settings": FAST | {"clock_speed": 20}}], indirect=True, ids=["faster"])
"""What somebody has edited is put right within ten minutes of the operator's clock."""


async def until_catalogue(world: World, namespace: str = "") -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        return await world.cluster.get(KIND, world.project, namespace or world.namespace)

    found: dict[str, Any] = await world.until("there is a catalogue", look)
    return found


async def until_none(world: World, namespace: str) -> None:
    async def look() -> bool:
        return not await world.cluster.exists(KIND, world.project, namespace)

    await world.until("the catalogue is gone", look)


def writes(world: World) -> list[Any]:
    events = world.cluster.audit(user=world.account, resource="databasecatalogues", verb=("create", "patch", "delete"))
    return [event for event in events if event.code < 300]


@fast
async def test_a_developer_sees_what_he_can_choose(world: World) -> None:
    """Before he has made anything; with kubectl; and he can change nothing of it."""
    await world.operator.start()
    await world.apply(world.project_manifest())
    await until_catalogue(world)
    viewer = await person(world.cluster, world.namespace, "view")
    editor = await person(world.cluster, world.namespace, "edit")
    async with Cluster(world.cluster.control_plane, viewer) as he, Cluster(world.cluster.control_plane, editor) as she:
        with pytest.raises(Refused) as refused:
            await he.get("DatabaseProject", world.project)
        assert refused.value.code == 403
        table = await he.kubectl("get", "dbcat", "-n", world.namespace)
        head, row = table.splitlines()
        assert head.split() == ["NAME", "DEFAULT", "ENGINES", "LEFT", "AGE"]
        assert "kafka, mysql, mysql_native, postgresql, redis" in row
        assert max(map(len, table.splitlines())) - len(world.project) + len("production") <= 120, table
        sizes = await he.kubectl(
            "get", "dbcat", world.project, "-n", world.namespace, "-o", "jsonpath={.flavors[*].name}"
        )
        assert "SL1.2-4096-32" in sizes.split()
        told = await command(viewer, "explain", f"dbcat/{world.project}", "-n", world.namespace)
        assert (told.code, told.errors) == (0, "")
        assert f"what the namespace {world.namespace} may choose in the project {world.project}: written " in told.said
        unknown = await command(viewer, "explain", "dbcat/none", "-n", world.namespace)
        assert (unknown.code, unknown.errors) == (
            2,
            f"there is no DatabaseCatalogue none in the namespace {world.namespace}\n",
        )
        for change in (
            she.patch(KIND, world.project, world.namespace, {"region": "elsewhere"}),
            she.delete(KIND, world.project, world.namespace),
        ):
            with pytest.raises(Refused) as refused:
                await change
            assert refused.value.code == 403


@faster
async def test_it_follows_what_the_namespace_uses_and_may(world: World) -> None:
    guest = await world.another_namespace()
    await world.operator.start()
    everybody = [{"name": world.namespace, "powers": ["metrics"]}, {"name": "*", "namePrefix": "{namespace}-"}]
    await world.apply(world.project_manifest(allowedNamespaces=everybody))
    first = await until_catalogue(world)
    assert (first["default"], first["region"], first["powers"]) == (True, "region-1", ["metrics"])
    assert "parameters" not in first
    assert not await world.cluster.exists(KIND, world.project, guest), "allowed by *, and uses nothing"
    assert first["metadata"]["ownerReferences"][0]["name"] == world.project

    await world.apply(world.datastore())

    async def with_parameters() -> dict[str, Any]:
        (found,) = (await until_catalogue(world))["parameters"]
        return dict(found)

    found = await world.until("its engine's parameters are told", with_parameters)
    assert (found["engine"], found["version"]) == ("postgresql", "16")
    assert "by default" in found["values"]["work_mem"]

    datastore = world.datastore("guests", name=f"{guest}-guests")
    datastore["metadata"]["namespace"] = guest
    await world.apply(datastore)
    hers = await until_catalogue(world, guest)
    assert hers["namePrefixes"] == [f"{guest}-"]
    assert "powers" not in hers

    await world.cluster.patch(KIND, world.project, guest, {"region": "elsewhere", "leftOut": "lies"})
    await world.cluster.delete(KIND, world.project, world.namespace)
    await until_catalogue(world)

    async def is_put_right() -> bool:
        seen = await until_catalogue(world, guest)
        return bool(seen["region"] == "region-1" and "leftOut" not in seen)

    await world.until("what somebody has edited is put right", is_put_right)

    await world.change("DatabaseProject", world.project, allowedNamespaces=[{"name": world.namespace}])
    await until_none(world, guest)
    await until_catalogue(world)
    await world.delete("DatabaseProject", world.project)
    await until_none(world, world.namespace)


@fast
async def test_at_rest_nothing_is_written(world: World) -> None:
    """Also not after another process has taken over."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")

    async def told() -> bool:
        return "parameters" in await until_catalogue(world)

    await world.until("the catalogue is there", told)
    await asyncio.sleep(3)
    before = len(writes(world))
    assert await world.operator.stop() == 0
    await world.operator.start()

    async def has_looked() -> bool:
        return len(world.cluster.audit(user=world.account, resource="databasecatalogues", verb="list")) >= 2

    await world.until("the other process has looked", has_looked)
    await asyncio.sleep(5)
    assert len(writes(world)) == before


@faster
async def test_without_the_right_it_says_so_and_works_on(world: World) -> None:
    rights = access(kinds().values()).in_each_namespace
    less = tuple(rule for rule in rights if "databasecatalogues" not in rule.resources)
    await world.grant("Role", world.namespace, ROLE, less)
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")

    async def told() -> dict[str, Any]:
        found = condition(await world.get("DatabaseProject", world.project), "CataloguesIncomplete")
        assert found["status"] == "True"
        return found

    found = await world.until("the project says it", told)
    assert "databasecatalogues" in found["message"]
    project = await world.get("DatabaseProject", world.project)
    assert condition(project, "Ready")["status"] == "True"
    synced = condition(project, "Synced")
    assert (synced["status"], synced["reason"]) == ("False", "CataloguesIncomplete")
    await world.grant("Role", world.namespace, ROLE, rights)
    await until_catalogue(world)

    async def healed() -> bool:
        return condition(await world.get("DatabaseProject", world.project), "CataloguesIncomplete") == {}

    await world.until("it says so no more", healed)
