"""Services of a real API server that lead to a datastore: what it accepts, what it undoes, and what the right is for."""

import pytest

from cluster import Manifest
from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import access
from managed_databases.reconcile.annotations import OWNER_UID
from stories.world import World, condition


async def service(world: World, name: str) -> Manifest:
    return await world.cluster.get("Service", name, world.namespace)


async def until_told(world: World, part: str | None) -> Manifest:
    """The condition ServiceIncomplete says this; with None it is gone."""

    async def is_told() -> Manifest:
        main = await world.get("ManagedDatastore", "main")
        found = condition(main, "ServiceIncomplete")
        assert (part in found["message"]) if part is not None else not found, found
        return main

    main: Manifest = await world.until(f"told: {part}", is_told)
    return main


async def until_host(world: World, name: str, host: str) -> Manifest:
    async def leads_there() -> Manifest:
        found = await service(world, name)
        assert (found["spec"]["type"], found["spec"].get("externalName")) == ("ExternalName", host), found
        return found

    found: Manifest = await world.until(f"{name} leads to {host}", leads_there)
    return found


async def edited(world: World, name: str, **spec: object) -> None:
    await world.cluster.patch("Service", name, world.namespace, {"spec": spec})


async def test_services_lead_to_the_datastore(world: World) -> None:
    ports = [{"port": 5432}]
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "main-ro", "namespace": world.namespace}}
    before = await world.cluster.apply(foreign | {"spec": {"selector": {"app": "shop"}, "ports": ports}})
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(nodeCount=2, service={}))
    await world.becomes("ManagedDatastore", "main")
    main = await until_told(world, "forbidden")
    assert 'cannot get resource "services"' in condition(main, "ServiceIncomplete")["message"]
    assert (condition(main, "Synced")["status"], condition(main, "Stalled")["status"]) == ("False", "True")

    await world.operator.kill()
    await world.grant("Role", world.namespace, "services", access(kinds().values()).services)
    await world.operator.start()
    main = await until_told(world, "the Service main-ro is not this resource's")
    host = main["status"]["endpoints"]["readWrite"]
    made = await until_host(world, "main", host)
    assert made["spec"]["ports"][0]["port"] == 5432
    assert made["metadata"]["annotations"][OWNER_UID] == main["metadata"]["uid"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == main["metadata"]["uid"]
    await until_host(world, "main-pooler", host)
    assert (await service(world, "main-ro"))["spec"] == before["spec"]
    assert main["status"]["services"] == ["main", "main-ro", "main-pooler"]

    await edited(world, "main", externalName="somewhere.else")
    await until_host(world, "main", host)
    await edited(world, "main", type="ClusterIP", externalName=None, selector={"app": "trap"})
    found = await until_host(world, "main", host)
    assert not found["spec"].keys() & {"selector", "clusterIP"}
    await world.cluster.delete("Service", "main-pooler", world.namespace)
    await until_host(world, "main-pooler", host)

    await world.cluster.delete("Service", "main-ro", world.namespace)
    await world.annotate("ManagedDatastore", "main", sync_requested="now")
    await until_host(world, "main-ro", main["status"]["endpoints"]["readOnly"])
    await until_told(world, None)

    await world.change("ManagedDatastore", "main", service={"name": "orders"})
    await until_host(world, "orders-ro", main["status"]["endpoints"]["readOnly"])

    async def names() -> list[str]:
        return sorted(each["metadata"]["name"] for each in await world.cluster.list("services", world.namespace))

    async def are_renamed() -> bool:
        return await names() == ["orders", "orders-pooler", "orders-ro"]

    await world.until("the old names go", are_renamed)
    await world.change("ManagedDatastore", "main", service=None)

    async def are_gone() -> bool:
        assert "services" not in (await world.get("ManagedDatastore", "main"))["status"]
        return await names() == []

    await world.until("turned off", are_gone)


@pytest.mark.parametrize("name", ["Main", "9lives", "a.b", "a" * 57, ""])
async def test_a_name_that_no_service_has_is_refused_when_it_is_applied(world: World, name: str) -> None:
    answer = await world.cluster.apply(world.datastore(service={"name": name}), check=False)
    assert answer["code"] == 422
    assert "service.name" in answer["message"]
