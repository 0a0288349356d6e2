"""Topics and access rules: from the first apply to the last delete, and in datastores where they do not fit."""

import pytest

from cluster import Refused
from stories.clouds import in_both_clouds
from stories.inside_a_datastore import (
    KAFKA,
    acl,
    grant,
    inside,
    objects,
    only,
    refused,
    says,
    with_powers,
)
from stories.pace import fast
from stories.world import World, condition


@in_both_clouds
async def test_topics_only_grow_and_are_protected(world: World) -> None:
    await world.operator.start()
    orders = inside(world, "KafkaTopic", "orders.placed", partitions=3, deletionProtection=True)
    await world.apply(with_powers(world, "adopt"), orders, world.datastore(**KAFKA))
    made = await world.becomes("KafkaTopic", "orders.placed")
    assert made["status"]["partitions"] == 3
    topic_id = made["status"]["id"]

    await world.change("KafkaTopic", "orders.placed", partitions=6)
    await world.becomes("KafkaTopic", "orders.placed", "Synced")
    assert (await only(world, "KafkaTopic"))["partitions"] == 6
    orders["spec"]["partitions"] = 5
    assert "Kafka cannot merge partitions" in await refused(world, orders)
    orders["spec"]["partitions"] = 4001
    assert "4000" in await refused(world, orders)

    # Fewer in the cloud is drift and mended; more in the cloud cannot be undone, and disturbs nobody.
    await world.sandbox.edit("topics", topic_id, partitions=2)

    async def is_mended() -> bool:
        assert (await only(world, "KafkaTopic"))["partitions"] == 6
        return True

    await world.until("the partitions come back", is_mended)
    await world.sandbox.edit("topics", topic_id, partitions=12)
    await says(world, "KafkaTopic", "orders.placed", "NotReversible", "there are 12, the spec says 6")
    assert condition(await world.get("KafkaTopic", "orders.placed"), "Ready")["status"] == "True"
    await world.change("KafkaTopic", "orders.placed", partitions=12)
    await world.becomes("KafkaTopic", "orders.placed", "Synced")

    with pytest.raises(Refused, match="deletionProtection"):
        await world.delete("KafkaTopic", "orders.placed")
    await world.change("KafkaTopic", "orders.placed", deletionPolicy="Retain", deletionProtection=None)
    await world.delete("KafkaTopic", "orders.placed")
    adopter = inside(world, "KafkaTopic", "adopter", name="orders.placed", adoption="Required")
    await world.apply(adopter)
    adopted = await world.becomes("KafkaTopic", "adopter")
    assert (adopted["status"]["id"], adopted["status"]["partitions"]) == (topic_id, 12)
    await world.sandbox.vanish("topics", topic_id)
    await world.becomes("KafkaTopic", "adopter", "Stalled", reason="Gone")
    await world.delete("KafkaTopic", "adopter")


@fast
async def test_access_rules_say_exactly_what_is_allowed(world: World) -> None:
    await world.operator.start()
    literal = {"patternType": "literal", "pattern": "orders"}
    await world.apply(
        world.project_manifest(),
        acl(world, "orders", **literal, allowRead=True),
        acl(world, "everything", patternType="all", allowRead=True, allowWrite=True),
    )
    for wrong, said in (
        ({"patternType": "all", "pattern": "x", "allowRead": True}, "pattern goes with literal and prefixed"),
        ({"patternType": "prefixed", "allowRead": True}, "pattern goes with literal and prefixed"),
        (literal, "at least one of allowRead and allowWrite"),
        ({"patternType": "regex", "pattern": "x", "allowRead": True}, "patternType"),
    ):
        assert said in await refused(world, acl(world, "wrong", **wrong))
    await says(world, "KafkaACL", "orders", "ParentMissing", "there is no ManagedDatastore")
    await world.apply(world.datastore(**KAFKA), world.user())
    made = await world.becomes("KafkaACL", "orders")
    await world.becomes("KafkaACL", "everything")
    await world.change("KafkaACL", "orders", allowWrite=True, allowRead=False)
    await world.becomes("KafkaACL", "orders", "Synced")

    async def rights() -> tuple[bool, bool]:
        (found,) = [each for each in await objects(world, "KafkaACL") if each["id"] == made["status"]["id"]]
        return found["allow_read"], found["allow_write"]

    assert await rights() == (False, True)
    await world.sandbox.edit("acls", made["status"]["id"], allow_read=True)

    async def is_taken_back() -> bool:
        assert await rights() == (False, True)
        return True

    await world.until("a right that nobody asked for is taken back", is_taken_back)
    await world.delete("DatabaseUser", "app")
    await says(world, "KafkaACL", "orders", "ParentMissing", "there is no DatabaseUser")
    assert await objects(world, "KafkaACL") == []
    await world.apply(world.user())
    await world.becomes("KafkaACL", "orders")
    await world.becomes("KafkaACL", "everything")
    for name in ("orders", "everything"):
        await world.delete("KafkaACL", name)
    assert await objects(world, "KafkaACL") == []


@fast
async def test_what_an_engine_does_not_have_is_refused(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(), world.datastore(**KAFKA), world.user(), inside(world, "ManagedDatabase", "shop"),
        grant(world), inside(world, "LogicalReplicationSlot", "warehouse", databaseRef={"name": "shop"}),
    )  # fmt: skip
    await world.becomes("ManagedDatabase", "shop", "Stalled", reason="InvalidSpec")
    await says(world, "DatabaseGrant", "app-in-shop", "ParentNotReady", "ManagedDatabase")
    await world.apply(inside(world, "KafkaTopic", "orders", datastoreRef={"name": "pg"}), world.datastore("pg"))
    await world.becomes("KafkaTopic", "orders", "Stalled", reason="InvalidSpec")
    await says(world, "KafkaTopic", "orders", "InvalidSpec", "a topic is only in a datastore of kafka")
    for collection in ("grants", "topics", "logical-replication-slots", "databases"):
        assert await world.posts(collection) == [], "nothing was tried"
