"""Everything applied at once, in any order: each cloud object is made by exactly one POST, and all becomes Ready."""

import itertools

import pytest

from stories.world import COLLECTIONS, World

HOUR = {"poll_seconds": 3600, "pending_poll_seconds": 3600, "resync_seconds": 3600, "min_backoff_seconds": 3600}
ORDERS = list(itertools.permutations(range(4)))[::5]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "".join(map(str, order)))
async def test_all_at_once_in_any_order(world: World, order: tuple[int, ...]) -> None:
    await world.operator.start()
    manifests = [
        world.project_manifest(),
        world.datastore(),
        world.database(ownerRef={"name": "app"}),
        world.user(databaseRef={"name": "shop"}),
    ]
    await world.apply(*(manifests[index] for index in order))
    for kind, name in (("ManagedDatastore", "main"), ("ManagedDatabase", "shop"), ("DatabaseUser", "app")):
        await world.becomes(kind, name)
        assert len(await world.posts(COLLECTIONS[kind])) == 1
    assert await world.login_works()
    secret = await world.secret("app-user")
    assert secret["type"] == "postgresql"
    assert secret["uri"] == f"postgresql://app:{secret['password']}@{secret['host']}:5432/shop?sslmode=require"
