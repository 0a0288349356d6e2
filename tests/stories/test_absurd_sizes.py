"""Absurd sizes, from the API and from people: they are cut or refused, and everything else goes on."""

from typing import Any

from cluster import Manifest
from stories.pace import fast
from stories.world import World, condition

LONG = "x" * 5_000


@fast
async def test_a_datastore_that_says_too_much(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    id_ = (await world.becomes("ManagedDatastore", "main"))["status"]["id"]
    [row] = await world.sandbox.objects("datastores")
    absurd = [{**row["instances"][0], "id": f"{number}", "availability_zone": LONG[:500]} for number in range(100)]
    connection = dict.fromkeys(row["connection"], LONG)
    await world.sandbox.edit("datastores", id_, instances=absurd, connection=connection, status=LONG.upper())

    async def told() -> Manifest:
        resource = await world.get("ManagedDatastore", "main")
        assert len(resource["status"]["instances"]) == 64, resource["status"]
        return resource

    resource = await world.until("what fits is told", told)
    assert {len(each["zone"]) for each in resource["status"]["instances"]} == {256}
    assert len(resource["status"]["endpoints"]["readWrite"]) == 256
    assert len(resource["status"]["phase"]) == 64
    assert condition(resource, "Ready")["status"] == "True", "a status that nobody knows changes nothing"

    await world.sandbox.edit("datastores", id_, instances=row["instances"], connection=row["connection"])
    await world.sandbox.edit("datastores", id_, status="ACTIVE")
    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app")


@fast
async def test_a_resource_that_says_too_much(world: World) -> None:
    """What the API server takes is looked at and answered; what it does not take is refused with the reason."""
    await world.operator.start()
    await world.apply(world.project_manifest())
    refused = await world.cluster.apply(world.datastore("endless", config={"work_mem": LONG * 1_000}), check=False)
    assert "too large" in refused["message"].lower(), refused
    refused = await world.cluster.apply(world.datastore("long", config={"work_mem": LONG}), check=False)
    assert "spec.config.work_mem: Too long" in refused["message"], refused
    await world.apply(world.datastore("heavy", config={f"parameter_{number}": LONG[:1_000] for number in range(33)}))
    stalled = await world.becomes("ManagedDatastore", "heavy", "Stalled")
    assert condition(stalled, "Stalled")["reason"] == "InvalidSpec"
    assert "has more than 32768 bytes as JSON: make it smaller" in condition(stalled, "Stalled")["message"]
    many = {f"parameter_{number}": LONG[:1_000] for number in range(31)}
    taken = await world.cluster.apply(world.datastore("wordy", config=many), check=False)
    assert taken.get("kind") == "ManagedDatastore", taken["message"][:500]
    stalled = await world.becomes("ManagedDatastore", "wordy", "Stalled")
    message: str = condition(stalled, "Stalled")["message"]
    assert "parameter_0" in message
    assert LONG[:1_000] not in message
    annotated: dict[str, Any] = world.datastore("annotated")
    annotated["metadata"]["annotations"] = {f"example.com/{number}": LONG for number in range(40)}
    await world.apply(annotated)
    await world.becomes("ManagedDatastore", "annotated")
    assert [each["name"] for each in await world.sandbox.objects("datastores")] == ["annotated"]
