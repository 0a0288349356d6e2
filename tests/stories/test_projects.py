"""A project that is missing, doubled, exchanged or locked out: the operator guesses nothing, and goes on once it is right
again.
"""

from typing import Any

import pytest

from cluster import Manifest, Refused
from stories.pace import fast
from stories.world import World, condition, manifest

ALL = (("ManagedDatastore", "main"), ("ManagedDatabase", "shop"), ("DatabaseUser", "app"))


async def mutations(world: World) -> list[tuple[str, str, Any]]:
    asked = await world.sandbox.requests(path="/v1/")
    return [(each["method"], each["path"], each["body"]) for each in asked if each["method"] != "GET"]


def second_project(world: World, **spec: Any) -> Manifest:
    """A DatabaseProject of its own for the sandbox's second project, whose Secret is `second`."""
    usual: dict[str, Any] = world.project_manifest()["spec"] | {"credentialsSecretRef": {"name": "second"}}
    made = manifest("DatabaseProject", f"{world.project}-second", None, usual | spec)
    if made["metadata"]["name"] not in world.project_names:
        world.project_names.append(made["metadata"]["name"])
    return made


async def says(world: World, kind: str, name: str, reason: str, *parts: str) -> Manifest:
    """It is not Ready for that reason, and its message has these parts."""
    resource = await world.becomes(kind, name, status="False", reason=reason)
    message = condition(resource, "Ready")["message"]
    assert all(part in message for part in parts), message
    return resource


@fast
async def test_none_one_two_and_another_default(world: World) -> None:
    await world.put_secret(world.system, "second", world.sandbox.credentials(1))
    await world.operator.start()
    await world.apply(world.datastore(), world.user())
    first, second = world.project_manifest(), second_project(world)
    none = ("ProjectMissing", "spec.projectRef", "spec.default: true")
    await says(world, "ManagedDatastore", "main", *none)
    await says(world, "DatabaseUser", "app", "ParentNotReady", "main")
    first["spec"]["default"] = False
    await world.apply(first)
    await world.becomes("DatabaseProject", world.project)
    await says(world, "ManagedDatastore", "main", *none)
    first["spec"]["default"] = True
    await world.apply(second, first)
    both = (first["metadata"]["name"], second["metadata"]["name"])
    for name in both:
        await world.becomes("DatabaseProject", name)
    await world.apply(world.datastore("other"))
    await says(world, "ManagedDatastore", "other", "ProjectMissing", *both, "projectRef")
    second["spec"]["default"] = False
    await world.apply(second)
    identities: list[dict[str, str]] = []
    for name in ("main", "other"):
        resource = await world.becomes("ManagedDatastore", name)
        identities.append(resource["status"]["identity"])
    assert {each["project"] for each in identities} <= {*both}
    await world.becomes("DatabaseUser", "app")
    await world.sandbox.clear_requests()
    first["spec"]["default"], second["spec"]["default"] = False, True
    await world.apply(first, second)
    for name in both:
        await world.becomes("DatabaseProject", name)
    await world.apply(world.datastore("newest"))
    newest = await world.becomes("ManagedDatastore", "newest")
    assert newest["status"]["identity"]["project"] == second["metadata"]["name"]
    await world.change("ManagedDatastore", "other", name="renamed")
    for name in ("main", "other"):
        resource = await world.becomes("ManagedDatastore", name, "Synced")
        assert resource["status"]["identity"]["project"] in both
    posted = [body["datastore"]["name"] for method, path, body in await mutations(world) if path.endswith("datastores")]
    assert posted == ["newest"], "a changed default moves nobody"
    objects = {each["name"]: each["project_id"] for each in await world.sandbox.objects("datastores")}
    assert sorted(objects) == ["main", "newest", "renamed"]
    assert objects["renamed"] == identities[1]["projectID"]


@fast
async def test_another_projects_credentials_stop_everything(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.database(ownerRef={"name": "app"}))
    await world.apply(world.user())
    before = {name: (await world.becomes(kind, name))["status"]["id"] for kind, name in ALL}
    await world.sandbox.clear_requests()
    await world.put_secret(world.system, "cloud", world.sandbox.credentials(1))
    await world.annotate("DatabaseProject", world.project, sync_requested="now")
    project = await says(world, "DatabaseProject", world.project, "ProjectChanged", "make another DatabaseProject")
    assert project["status"]["projectID"] == world.sandbox.credentials()["INFRA_PROJECT_ID"]
    assert condition(project, "Stalled")["status"] == "True"
    await world.change("ManagedDatastore", "main", name="renamed", nodeCount=2)
    await world.apply(world.datastore("new"), world.user("another"))
    for kind, name in (("ManagedDatastore", "main"), ("ManagedDatastore", "new"), ("DatabaseUser", "another"), *ALL):
        await world.becomes(kind, name, "Synced", "False", "ProjectChanged")
    await world.delete("ManagedDatabase", "shop", wait=False)
    await says(world, "ManagedDatabase", "shop", "ProjectChanged")
    assert await mutations(world) == []
    assert len(await world.sandbox.objects("datastores")) == 1
    await world.put_secret(world.system, "cloud", world.sandbox.credentials())
    await world.annotate("DatabaseProject", world.project, sync_requested="again")
    await world.becomes("DatabaseProject", world.project)
    resource = await world.becomes("ManagedDatastore", "main", "Synced")
    assert resource["status"]["id"] == before["main"]
    assert (await world.becomes("DatabaseUser", "app"))["status"]["id"] == before["app"]
    await world.becomes("ManagedDatastore", "new")
    await world.becomes("DatabaseUser", "another")
    assert await world.login_works()

    async def shop_is_gone() -> bool:
        return not await world.cluster.exists("ManagedDatabase", "shop", world.namespace)

    await world.until("the deletion went on", shop_is_gone)
    posted = [each["path"].rsplit("/", 1)[1] for each in await world.calls("POST", "/v1/") if each["status"] < 400]
    assert sorted(posted) == ["datastores", "resize", "users"], "nothing is made again"


@fast
async def test_a_changed_secret_is_noticed_by_itself(world: World) -> None:
    """Without our label nobody tells: it is read again now and then."""
    await world.put_secret(world.system, "cloud", world.sandbox.credentials() | {"OS_PASSWORD": "wrong-password"})
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    project = await says(world, "DatabaseProject", world.project, "CredentialsInvalid")
    assert "wrong-password" not in str(project)
    assert condition(project, "Stalled")["status"] == "True"
    await world.becomes("ManagedDatastore", "main", status="False", reason="CredentialsInvalid")
    incomplete = world.sandbox.credentials()
    del incomplete["OS_PASSWORD"]
    await world.cluster.delete("Secret", "cloud", world.system, wait=True)
    await says(world, "DatabaseProject", world.project, "SecretMissing", "cloud", world.system)
    await world.put_secret(world.system, "cloud", incomplete)
    await says(world, "DatabaseProject", world.project, "CredentialsInvalid", "OS_PASSWORD", "cloud")
    await world.put_secret(world.system, "cloud", world.sandbox.credentials())
    await world.becomes("DatabaseProject", world.project)
    await world.becomes("ManagedDatastore", "main")
    assert len(await world.posts("datastores")) == 1
    with pytest.raises(Refused, match="resources are pinned to this region"):
        await world.change("DatabaseProject", world.project, region="region-2")


@fast
async def test_what_is_not_on_offer_and_what_is_missing(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.datastore("lost", projectRef={"name": f"{world.project}-lost"}),
        world.project_manifest(),
        world.datastore("version", engine={"type": "postgresql", "version": "11"}),
        world.datastore("engine", engine={"type": "oracle", "version": "19"}),
        world.datastore("flavor", flavor={"name": "SL1.2-4096"}),
        world.datastore("parameter", config={"work_memory": 1}),
        world.datastore("value", config={"work_mem": 1}),
        world.user(databaseRef={"name": "shop"}),
        world.database("orphan", datastoreRef={"name": "nothing"}),
        world.database(ownerRef={"name": "app"}),
    )
    await says(world, "ManagedDatastore", "lost", "ProjectMissing", f"{world.project}-lost")
    await says(world, "ManagedDatastore", "version", "InvalidSpec", "engine.version", "14, ", "16", "17")
    await says(
        world, "ManagedDatastore", "engine", "InvalidSpec", "engine.type", "kafka", "mysql", "postgresql", "redis"
    )
    await says(world, "ManagedDatastore", "flavor", "InvalidSpec", "flavor.name", "SL1.2-4096-32")
    await says(world, "ManagedDatastore", "parameter", "InvalidSpec", "config.work_memory", "work_mem")
    await says(world, "ManagedDatastore", "value", "InvalidSpec", "config.work_mem", "64")
    await says(world, "DatabaseUser", "app", "ParentMissing", "main")
    await says(world, "ManagedDatabase", "orphan", "ParentMissing", "nothing")
    await says(world, "ManagedDatabase", "shop", "ParentMissing", "main")
    assert await mutations(world) == []
    message = "Validation failure: {'datastore.subnet_id': 'no such subnet'}"
    refusal = {"error": {"code": 400, "title": "Bad Request", "message": message}}
    fault = {"method": "POST", "path": "/datastores$", "status": 400, "body": refusal}
    await world.sandbox.fault(**fault)
    await world.apply(world.datastore())
    resource = await world.becomes("ManagedDatastore", "main", "Stalled")
    assert "no such subnet" in condition(resource, "Stalled")["message"]
    assert "id" not in resource["status"]
    assert "intent" not in resource["status"]
    await world.sandbox.clear_faults()
    await world.annotate("ManagedDatastore", "main", sync_requested="now")
    for kind, name in ALL:
        await world.becomes(kind, name)
    await world.change("ManagedDatastore", "flavor", flavor={"name": "SL1.2-4096-32"})
    await world.change("ManagedDatastore", "parameter", config={"work_memory": None, "work_mem": 64})
    await world.change("ManagedDatastore", "value", config={"work_mem": 64})
    for name in ("flavor", "parameter", "value"):
        await world.becomes("ManagedDatastore", name)
    lost = manifest("DatabaseProject", f"{world.project}-lost", None, world.project_manifest()["spec"])
    lost["spec"]["default"] = False
    world.project_names.append(lost["metadata"]["name"])
    await world.apply(lost)
    await world.becomes("ManagedDatastore", "lost")
