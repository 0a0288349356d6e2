"""What is going on while the operator is killed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stories.everything import (
    CHANGE,
    COLLECTIONS,
    all_is_in_sync,
    every_password_is_right,
    first_of,
    give,
    given,
    nothing_is_left,
    project,
    resources,
)
from stories.world import World

Step = Callable[[World], Awaitable[None]]


async def _nothing_more(_: World) -> None: ...


@dataclass(frozen=True)
class Scenario:
    """`prepare` runs unharmed, the operator is there. `begin` asks for what is then interrupted; `ended` raises
    AssertionError until all is as it shall be. `goes_on` is called again and again until then, and asks for more once what
    was asked for is done. `always_the_same`: the operator sends the same sorts of requests in each run.
    """

    prepare: Step
    begin: Step
    ended: Step
    goes_on: Step = _nothing_more
    always_the_same: bool = True


async def _nothing(world: World) -> None:
    await give(world)
    await world.apply(project(world))
    await world.becomes("DatabaseProject", world.project)


async def _create(world: World) -> None:
    await world.apply(*resources(world))


async def _all_is_well(world: World) -> None:
    await all_is_in_sync(world)
    await every_password_is_right(world)


async def _made(world: World) -> None:
    await _nothing(world)
    await _create(world)
    await _until(world, _all_is_well)


async def _until(world: World, step: Step) -> None:
    async def look() -> bool:
        await step(world)
        return True

    await world.until(step.__name__, look, 120)


async def _change(world: World) -> None:
    await world.change(
        "ManagedDatastore",
        "main",
        name="renamed",
        nodeCount=2,
        flavor={"vcpus": 4, "ramMB": 8192, "diskGB": 64},
        config={"work_mem": 8192},
        pooler={"mode": "session", "size": 40},
        firewall=["10.0.0.0/8"],
        floatingIPs={"master": True, "replicas": 1},
        backupRetentionDays=14,
        securityGroups=["aaaaaaaa-2222-4333-8444-555555555555"],
        logExport={"logGroup": "s/dbaas/main"},
        deletionProtection=True,
    )
    await world.change("ManagedDatabase", "shop", ownerRef={"name": "reader"})
    for kind, spec in CHANGE.items():
        await world.change(kind, first_of(world, kind), **spec)


async def _changed(world: World) -> None:
    await _all_is_well(world)
    (main,) = [row for row in await world.sandbox.objects("datastores") if row["name"] == "renamed"]
    assert (main["node_count"], main["is_protected"], main["log_platform"]) == (2, True, {"log_group": "s/dbaas/main"})


async def _rotate(world: World) -> None:
    await give(world, reader="given-second", cache="given-second")
    await world.change("ManagedDatastore", "cache", redis={"passwordSecretRef": given("cache")})
    await world.annotate("DatabaseUser", "reader", sync_requested="now")  # nobody watches a Secret that is not ours
    await world.annotate("DatabaseUser", "producer", rotate_password="now")
    await world.cluster.delete("Secret", "app-user", world.namespace)


async def _rotated(world: World) -> None:
    await _all_is_well(world)
    assert (await world.secret("reader-user"))["password"] == "given-second"
    assert (await world.secret("cache-redis"))["password"] == "given-second"
    producer = await world.get("DatabaseUser", "producer")
    assert producer["status"]["rotation"]["handledRequest"] == "now"


_AFTER_OTHERS = ("ManagedDatabase", "DatabaseUser", "ManagedDatastore")
_CHILDREN_FIRST = (set(COLLECTIONS) - {*_AFTER_OTHERS}, *({kind} for kind in _AFTER_OTHERS))
"""What is deleted takes what is in it along: only in this order each is deleted by its own call in every run."""


async def _delete_next(world: World) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in resources(world)]
    there = [(kind, name) for kind, name in names if await world.cluster.exists(kind, name, world.namespace)]
    for kinds in _CHILDREN_FIRST:
        if next_ones := [(kind, name) for kind, name in there if kind in kinds]:
            for kind, name in next_ones:
                await world.cluster.delete(kind, name, world.namespace, check=False)  # it may just have gone
            return


async def _delete(world: World) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in resources(world)]
    await asyncio.gather(*(world.delete(kind, name, wait=False) for kind, name in names))


async def _retained(world: World) -> None:
    await _made(world)
    for each in resources(world):
        await world.change(each["kind"], each["metadata"]["name"], deletionPolicy="Retain")
    await _delete(world)

    async def let_go() -> bool:
        for each in resources(world):
            assert not await world.cluster.exists(each["kind"], each["metadata"]["name"], world.namespace)
        return True

    await world.until("all is let go", let_go)


async def _adopt(world: World) -> None:
    await world.apply(*resources(world, adoption="Required"))


SCENARIOS = {
    "create everything": Scenario(_nothing, _create, _all_is_well),
    "change everything": Scenario(_made, _change, _changed),
    "rotate passwords": Scenario(_made, _rotate, _rotated),
    "delete children first": Scenario(_made, _delete_next, nothing_is_left, _delete_next),
    "delete everything": Scenario(_made, _delete, nothing_is_left, always_the_same=False),
    "adopt everything": Scenario(_retained, _adopt, _all_is_well),
}
