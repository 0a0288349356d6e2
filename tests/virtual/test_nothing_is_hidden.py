"""Invisible characters in specs and answers are written out in conditions, Events and other fields of the status."""

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, begin_with_datastore

MAIN = KEYS[0]
TOKEN = ResourceKey("PrometheusMetricsToken", NAMESPACE, "prometheus")
HIDDEN = "\u202eremotsuc\x1b[2J\n\u200b\u2028"


def test_nothing_is_hidden() -> None:
    in_virtual_time(shows_what_is_hidden())


async def shows_what_is_hidden() -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(TOKEN.kind, TOKEN.name, NAMESPACE, {"driftPolicy": "Report"}))
        await world.until("the token is there", lambda: world.says(TOKEN, "Synced")[0] == "True")
        (token,) = await world.objects("prometheus-metrics-tokens")
        await world.edit("prometheus-metrics-tokens", token["id"], name=f"of{HIDDEN}")
        (main,) = await world.objects("datastores")
        await world.edit("datastores", main["id"], status=f"ACTIVE{HIDDEN}")
        await world.until("the one is seen", lambda: world.says(TOKEN, "Synced") == ("False", "Drift"))
        await world.until("the other, too", lambda: "remotsuc" in world.get(MAIN)["status"]["phase"])
        world.cluster.change(MAIN, config={f"work_mem{HIDDEN}": 1})
        await world.until("so is the spec", lambda: world.says(MAIN, "Synced")[1] == "InvalidSpec")
        said = [
            text
            for key in (MAIN, TOKEN)
            for text in (
                *(condition["message"] for condition in world.get(key)["status"]["conditions"]),
                world.get(key)["status"].get("phase", ""),
            )
        ]
        said += [event["note"] for event in world.cluster.events]
        assert all(text.isprintable() for text in said), [text for text in said if not text.isprintable()]
        assert any(r"\u202eremotsuc\x1b[2J\n\u200b\u2028" in text for text in said), said
