"""A datastore with much to do does not hold up the other datastores."""

import pytest

from managed_databases.reconcile.scheduling.work_queue import GROUP_LIMIT
from stories.world import World

NEVER_SECONDS = 300
"""Longer than any test waits: none of the crowd makes room for the next one, however slow this machine is."""
CROWD = 60

pytestmark = pytest.mark.parametrize("world", [{"settings": {"call_limit_seconds": 300}}], indirect=True, ids=[""])


async def test_a_user_elsewhere_is_made_before_a_crowd_of_new_ones(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore("crowded"), world.datastore("calm"))
    for name in ("crowded", "calm"):
        await world.becomes("ManagedDatastore", name)
    await world.sandbox.fault(method="POST", path="/users$", delay_seconds=NEVER_SECONDS)
    await world.apply(*(world.user(f"crowd{number}", datastoreRef={"name": "crowded"}) for number in range(CROWD)))
    await world.apply(world.user("alone", datastoreRef={"name": "calm"}))

    async def names() -> list[str]:
        asked = [post["body"]["user"]["name"] for post in await world.posts("users")]
        assert "alone" in asked, asked
        return asked

    asked = await world.until("the API is asked for the user elsewhere", names)
    assert len(asked) <= GROUP_LIMIT + 1, "no more of the crowd than may be in work at once"
