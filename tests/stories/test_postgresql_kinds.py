"""Extensions, grants and replication slots: from the first apply to the last delete."""

import asyncio

from stories.clouds import in_both_clouds
from stories.inside_a_datastore import (
    extension,
    grant,
    id_of,
    made_again,
    objects,
    only,
    refused,
    says,
    slot,
    with_powers,
)
from stories.pace import fast
from stories.world import World, condition


@in_both_clouds
async def test_extensions_come_after_what_they_need(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), extension(world, "earthdistance"))
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "there is no ManagedDatastore")
    await world.apply(world.datastore())
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "there is no ManagedDatabase")
    await world.apply(world.database())
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "make a DatabaseExtension for it")
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "waits for extension cube")
    await world.apply(
        extension(world, "postgis-topology", extension="postgis_topology"),
        extension(world, "postgis"),
        extension(world, "cube"),
        extension(world, "typo", extension="pgcripto"),
    )
    for name in ("cube", "earthdistance", "postgis", "postgis-topology"):
        await world.becomes("DatabaseExtension", name)
    await world.becomes("DatabaseExtension", "typo", "Stalled", reason="InvalidSpec")
    await says(world, "DatabaseExtension", "typo", "InvalidSpec", "pgcrypto")
    assert all(post["status"] in (200, 201) for post in await world.posts("extensions")), "none was asked for too early"
    lost = await id_of(world, "DatabaseExtension", "earthdistance")
    await world.sandbox.vanish("extensions", lost)
    await made_again(world, "DatabaseExtension", "earthdistance", lost)
    for name in ("cube", "earthdistance", "postgis", "postgis-topology", "typo"):
        await world.delete("DatabaseExtension", name, wait=False)

    async def all_gone() -> bool:
        left = await objects(world, "DatabaseExtension")
        assert not left, left
        assert not await world.cluster.list("DatabaseExtension", world.namespace)
        return True

    await world.until("no extension is left", all_gone)


@fast
async def test_a_grant_from_its_parents_to_its_end(world: World) -> None:
    await world.operator.start()
    await world.apply(with_powers(world, "adopt"), world.datastore(), grant(world), world.database())
    await says(world, "DatabaseGrant", "app-in-shop", "ParentMissing", "there is no DatabaseUser")
    await world.apply(world.user())
    granted = await world.becomes("DatabaseGrant", "app-in-shop")
    first = granted["status"]["id"]
    said = await refused(world, grant(world) | {"spec": grant(world)["spec"] | {"userRef": {"name": "other"}}})
    assert "a grant is for one user" in said
    await world.apply(grant(world, "twin"))
    await world.becomes("DatabaseGrant", "twin", "Stalled", reason="Conflict")
    await world.delete("DatabaseGrant", "twin")

    # Its user goes first: the grant goes with it, waits for another one of that name, and is made again.
    await world.delete("DatabaseUser", "app")
    await says(world, "DatabaseGrant", "app-in-shop", "ParentMissing", "there is no DatabaseUser")
    assert await objects(world, "DatabaseGrant") == []
    await world.apply(world.user())
    second = await made_again(world, "DatabaseGrant", "app-in-shop", first)

    # Retained, it is nobody's; another resource may take it over.
    await world.change("DatabaseGrant", "app-in-shop", deletionPolicy="Retain")
    await world.becomes("DatabaseGrant", "app-in-shop")
    await world.delete("DatabaseGrant", "app-in-shop")
    await world.apply(grant(world, "adopter"))
    await world.becomes("DatabaseGrant", "adopter", "Stalled", reason="AlreadyExists")
    await world.change("DatabaseGrant", "adopter", adoption="IfExists")
    adopted = await world.becomes("DatabaseGrant", "adopter")
    assert adopted["status"]["id"] == second

    # Its database goes, and nobody makes another: what waits for it can still be deleted.
    await world.delete("ManagedDatabase", "shop")
    await says(world, "DatabaseGrant", "adopter", "ParentMissing", "there is no ManagedDatabase")
    await world.delete("DatabaseGrant", "adopter")
    assert await objects(world, "DatabaseGrant") == []


@fast
async def test_parents_and_children_deleted_together(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(), world.datastore(), world.database(), world.user(), grant(world), slot(world),
        extension(world, "cube"),
    )  # fmt: skip
    children = [
        ("DatabaseGrant", "app-in-shop"),
        ("LogicalReplicationSlot", "warehouse"),
        ("DatabaseExtension", "cube"),
    ]
    for kind, name in children:
        await world.becomes(kind, name)
    await world.delete("ManagedDatastore", "main", wait=False)
    told = await world.becomes("ManagedDatastore", "main", status="False", reason="InUse")
    assert all(name in condition(told, "Ready")["message"] for _, name in children)
    every = [("DatabaseUser", "app"), ("ManagedDatabase", "shop"), *children]
    await asyncio.gather(*(world.delete(kind, name) for kind, name in every))

    async def datastore_is_gone() -> bool:
        return not await world.cluster.exists("ManagedDatastore", "main", world.namespace)

    await world.until("the datastore goes when nothing is left in it", datastore_is_gone)
    for kind, _ in [*every, ("ManagedDatastore", "main")]:
        assert await objects(world, kind) == [], kind


@fast
async def test_a_slot_that_is_lost_is_not_made_again_by_itself(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.database(), slot(world))
    made = await world.becomes("LogicalReplicationSlot", "warehouse")
    assert made["status"]["inUse"] is False
    assert "set spec.name" in await refused(world, slot(world, "ware-house"))
    id_ = made["status"]["id"]
    await world.sandbox.edit("logical-replication-slots", id_, in_use=True)

    async def in_use() -> bool:
        status = (await world.get("LogicalReplicationSlot", "warehouse"))["status"]
        assert status["inUse"] is True, status
        return True

    await world.until("its use is told", in_use)
    await world.sandbox.vanish("logical-replication-slots", id_)
    await world.becomes("LogicalReplicationSlot", "warehouse", "Stalled", reason="Gone")
    await world.annotate("LogicalReplicationSlot", "warehouse", recreate=id_)
    await world.becomes("LogicalReplicationSlot", "warehouse")
    assert (await only(world, "LogicalReplicationSlot"))["id"] != id_
    await world.delete("LogicalReplicationSlot", "warehouse")
    assert await objects(world, "LogicalReplicationSlot") == []


@fast
async def test_roles_and_settings_of_a_user(world: World) -> None:
    await world.operator.start()
    wanted = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": "20"}}
    await world.apply(world.project_manifest(), world.datastore(), world.user(**wanted))

    # An older cloud makes the user without them, and the status says so.
    await says(world, "DatabaseUser", "app", "NotSupported", "the API offers no roles")
    assert condition(await world.get("DatabaseUser", "app"), "Ready")["status"] == "True"
    assert await world.login_works()

    # A newer one has them; the operator finds that out when it reads the catalogue again.
    await world.sandbox.settings(user_offers=True)
    await world.annotate("DatabaseProject", world.project, **{"sync-requested": "now"})

    async def given_by_the_operator() -> bool:
        # The rows of the last list do not tell roles yet: until the next one nothing differs.
        user = await world.becomes("DatabaseUser", "app", "Synced")
        assert user["status"].get("managed") == ["roles.pg_read_all_data", "settings.conn_limit"], user["status"]
        return True

    await world.until("they are given", given_by_the_operator)
    (given,) = await objects(world, "DatabaseUser")
    assert (len(given["roles"]), given["settings"]) == (1, {"conn_limit": 20})

    await world.change("DatabaseUser", "app", roles=["pg_read_all_dota"])
    await says(world, "DatabaseUser", "app", "InvalidSpec", "on offer: pg_read_all_data")
    await world.change("DatabaseUser", "app", roles=None, settings=None)

    async def taken_back() -> bool:
        (user,) = await objects(world, "DatabaseUser")
        assert (user["roles"], user["settings"]) == ([], {})
        return True

    await world.until("what the operator has given is taken back", taken_back)
    assert await world.login_works()
