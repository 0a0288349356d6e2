"""Existing cloud objects: never touched unasked, taken over only by those who may, and then with care."""

import re
from typing import Any

from managed_databases.sandbox.catalogue import type_id
from stories.pace import fast
from stories.world import SUBNET, World, condition


async def made_elsewhere(world: World, name: str = "main", **fields: Any) -> str:
    """A datastore that the console or Terraform made; return its id."""
    return str((await world.sandbox.create("datastores", {"name": name, "subnet_id": SUBNET} | fields))["id"])


async def mutations(world: World) -> list[tuple[str, str, Any]]:
    asked = await world.sandbox.requests(path="/v1/")
    return [(each["method"], each["path"], each["body"]) for each in asked if each["method"] != "GET"]


async def let_adopt(world: World) -> None:
    await world.apply(world.project_manifest(allowedNamespaces=[{"name": world.namespace, "powers": ["adopt"]}]))


@fast
async def test_step_by_step_to_a_datastore_taken_over(world: World) -> None:
    id_ = await made_elsewhere(world, node_count=2)
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(backupRetentionDays=14))
    resource = await world.becomes("ManagedDatastore", "main", "Stalled", reason="AlreadyExists")
    assert "the cloud has an object under this name" in condition(resource, "Stalled")["message"]
    assert id_ not in condition(resource, "Stalled")["message"], "that is for whoever may adopt"
    assert condition(resource, "Ready")["status"] == "False"
    await world.change("ManagedDatastore", "main", adoption="IfExists")
    resource = await world.becomes("ManagedDatastore", "main", "Stalled", reason="Forbidden")
    assert "adopt" in condition(resource, "Stalled")["message"]
    assert "id" not in resource["status"]
    assert await mutations(world) == []
    await let_adopt(world)
    resource = await world.becomes("ManagedDatastore", "main", "Stalled", reason="ApprovalNeeded")
    assert resource["status"]["id"] == id_
    assert resource["status"]["adopted"] is True
    assert resource["status"]["identity"]["project"] == world.project
    assert condition(resource, "Ready")["status"] == "True"
    backups = ("PUT", f"/v1/datastores/{id_}/backups", {"backups": {"backup_retention_days": 14}})
    assert await mutations(world) == [backups], "what disturbs nobody needs no approval"
    message = condition(resource, "Stalled")["message"]
    assert "2 nodes become 1" in message
    found = re.search(r"approve: ([0-9a-f]+)", message)
    assert found is not None, message
    await world.annotate("ManagedDatastore", "main", approve="0000")
    await world.annotate("ManagedDatastore", "main", approve=found[1])
    await world.becomes("ManagedDatastore", "main", "Synced")
    resize = ("POST", f"/v1/datastores/{id_}/resize", {"resize": {"node_count": 1}})
    assert await mutations(world) == [backups, resize]
    await world.change("ManagedDatastore", "main", flavor={"vcpus": 4, "ramMB": 8192})
    await world.becomes("ManagedDatastore", "main", "Stalled", reason="ApprovalNeeded")
    assert await mutations(world) == [backups, resize], "an approval is for one change"


@fast
async def test_what_cannot_be_taken_over_says_why_and_heals(world: World) -> None:
    never = await made_elsewhere(world, "never")
    await made_elsewhere(world, "engine", type_id=type_id("postgresql", "15"))
    await made_elsewhere(world, "subnet", subnet_id=SUBNET.replace("1", "9"))
    twin, other_twin = await made_elsewhere(world, "twin"), await made_elsewhere(world, "twin")
    await world.operator.start()
    await let_adopt(world)
    await world.apply(
        world.datastore("never"),
        world.datastore("engine", adoption="IfExists"),
        world.datastore("subnet", adoption="Required"),
        world.datastore("twin", adoption="Required"),
        world.datastore("later", adoption="Required"),
        world.datastore("absent", adoption="IfExists"),
    )
    for name, reason, *told in (
        ("never", "AlreadyExists", never),
        ("engine", "NotAdoptable", type_id("postgresql", "15")),
        ("subnet", "NotAdoptable", "subnet_id", SUBNET),
        ("twin", "Ambiguous", twin, other_twin),
        ("later", "NothingToAdopt"),
    ):
        resource = await world.becomes("ManagedDatastore", name, "Stalled", reason=reason)
        message = condition(resource, "Stalled")["message"]
        assert all(part in message for part in told), message
        assert "id" not in resource["status"]
    await world.becomes("ManagedDatastore", "absent")
    assert [each["body"]["datastore"]["name"] for each in await world.posts("datastores")] == ["absent"]
    await world.sandbox.vanish("datastores", never)
    await world.sandbox.vanish("datastores", other_twin)
    later = await made_elsewhere(world, "later")
    assert "adopted" not in (await world.becomes("ManagedDatastore", "never"))["status"]
    for name, id_ in (("twin", twin), ("later", later)):
        resource = await world.becomes("ManagedDatastore", name)
        assert (resource["status"]["id"], resource["status"]["adopted"]) == (id_, True)
    posted = [each["body"]["datastore"]["name"] for each in await world.posts("datastores")]
    assert posted == ["absent", "never"]


async def test_what_was_made_a_moment_ago_is_found(world: World) -> None:
    """The project is at rest: its last list is older than what others have just made."""
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=600), world.datastore("first"))
    await world.becomes("ManagedDatastore", "first")
    id_ = await made_elsewhere(world)
    await world.apply(world.datastore())
    resource = await world.becomes("ManagedDatastore", "main", "Stalled", reason="AlreadyExists")
    assert "the cloud has an object under this name" in condition(resource, "Stalled")["message"]
    assert id_ not in condition(resource, "Stalled")["message"], "that is for whoever may adopt"
    await world.sandbox.vanish("datastores", id_)
    await world.annotate("ManagedDatastore", "main", sync_requested="now")
    await world.becomes("ManagedDatastore", "main")
    assert [each["body"]["datastore"]["name"] for each in await world.made("datastores")] == ["first", "main"]


async def test_a_resource_that_is_made_again_is_another_one(world: World) -> None:
    """What the operator made for the first is not the second's, though it never saw the name free."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    id_ = (await world.becomes("ManagedDatastore", "main"))["status"]["id"]
    world.operator.pause()
    await world.cluster.patch("ManagedDatastore", "main", world.namespace, {"metadata": {"finalizers": None}})
    await world.change("ManagedDatastore", "main", deletionPolicy="Retain")
    await world.cluster.delete("ManagedDatastore", "main", world.namespace, wait=True)
    await world.apply(world.datastore())
    world.operator.resume()
    resource = await world.becomes("ManagedDatastore", "main", "Stalled", reason="AlreadyExists")
    assert "the cloud has an object under this name" in condition(resource, "Stalled")["message"]
    assert id_ not in condition(resource, "Stalled")["message"], "that is for whoever may adopt"


@fast
async def test_users_and_their_passwords(world: World) -> None:
    """`app` gets a new password, `known` has one that is given, `late` is given it only later."""
    id_ = await made_elsewhere(world)
    users = {}
    for name in ("app", "known", "late"):
        told = {"name": name, "datastore_id": id_, "password": f"password-of-{name}"}
        users[name] = (await world.sandbox.create("users", told))["id"]
    database = await world.sandbox.create("databases", {"name": "shop", "datastore_id": id_, "owner_id": users["app"]})
    passwords = {"password": "password-of-known", "late": "password-of-late"}
    await world.put_secret(world.namespace, "given", passwords, is_given=True)
    await world.operator.start()
    await let_adopt(world)
    given = {"name": "given", "key": "password"}
    by_id = {"datastoreRef": {"id": id_}, "adoption": "IfExists"}
    await world.apply(
        world.user(**by_id),
        world.user("known", **by_id, passwordSecretRef=given),
        world.user("late", **by_id),
        world.database(**by_id),
    )
    await world.becomes("DatabaseUser", "known")
    assert (await world.becomes("ManagedDatabase", "shop"))["status"]["id"] == database["id"]
    for name in ("app", "late"):
        resource = await world.becomes("DatabaseUser", name, "Stalled", reason="PasswordUnknown")
        assert "onUnknownPassword" in condition(resource, "Stalled")["message"]
        assert "id" not in resource["status"]
        assert await world.sandbox.login(id_, name, f"password-of-{name}"), "nobody's password was changed"
    await world.change("DatabaseUser", "app", onUnknownPassword="Reset")
    await world.change("DatabaseUser", "late", passwordSecretRef={"name": "given", "key": "late"})
    for name, id_of_user in users.items():
        resource = await world.becomes("DatabaseUser", name)
        assert resource["status"]["id"] == id_of_user
        password = (await world.secret(f"{name}-user"))["password"]
        assert await world.sandbox.login(id_, name, password)
        assert (password == f"password-of-{name}") == (name != "app")
    puts = [each["path"].rsplit("/", 1)[1] for each in await world.calls("PUT", "/users/")]
    assert puts.count(users["app"]) == 1
    assert len(puts) == len(set(puts))
    assert await world.calls("POST", "/v1/") == []
