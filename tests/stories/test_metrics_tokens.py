"""A metrics token and its Secret: made, lost and taken over."""

from stories.inside_a_datastore import (
    objects,
    only,
    token,
    with_powers,
)
from stories.pace import fast
from stories.world import World


@fast
async def test_a_metrics_token_and_its_secret(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), token(world))
    await world.becomes("PrometheusMetricsToken", "prometheus", "Stalled", reason="Forbidden")
    assert await world.posts("prometheus-metrics-tokens") == []
    await world.apply(with_powers(world, "metrics"))
    made = await world.becomes("PrometheusMetricsToken", "prometheus")
    assert made["status"]["binding"] == {"name": "prometheus-metrics-token"}
    there = await only(world, "PrometheusMetricsToken")
    value = there["value"]
    wanted = {"type": "prometheus", "provider": "managed-databases", "token": value}
    assert await world.secret("prometheus-metrics-token") == wanted
    secret = await world.cluster.get("Secret", "prometheus-metrics-token", world.namespace)
    assert secret["type"] == "servicebinding.io/prometheus"

    async def is_right() -> bool:
        assert await world.cluster.exists("Secret", "prometheus-metrics-token", world.namespace)
        assert await world.secret("prometheus-metrics-token") == wanted
        return True

    await world.cluster.delete("Secret", "prometheus-metrics-token", world.namespace)
    await world.until("a deleted Secret comes back", is_right)
    await world.put_secret(world.namespace, "prometheus-metrics-token", {"token": "edited"})
    await world.until("an edited Secret is repaired", is_right)

    await world.change("PrometheusMetricsToken", "prometheus", name="A name of its own")
    await world.becomes("PrometheusMetricsToken", "prometheus", "Synced")
    renamed = await only(world, "PrometheusMetricsToken")
    assert (renamed["id"], renamed["name"], renamed["value"]) == (there["id"], "A name of its own", value)
    await world.sandbox.edit("prometheus-metrics-tokens", there["id"], name="drifted")

    async def name_is_back() -> bool:
        assert (await only(world, "PrometheusMetricsToken"))["name"] == "A name of its own"
        return True

    await world.until("the name comes back", name_is_back)

    await world.sandbox.vanish("prometheus-metrics-tokens", there["id"])

    async def another_value() -> bool:
        fresh = await only(world, "PrometheusMetricsToken")
        assert await world.secret("prometheus-metrics-token") == wanted | {"token": fresh["value"]}
        return True

    await world.until("a token that was deleted elsewhere is made again, and the Secret follows", another_value)
    fresh = (await only(world, "PrometheusMetricsToken"))["value"]
    log = world.operator.log_tail(1_000_000)
    shown = str(await world.get("PrometheusMetricsToken", "prometheus"))
    events = str(await world.cluster.list("events", world.namespace))
    for secret_value in (value, fresh):
        assert all(secret_value not in text for text in (log, shown, events))
    posts = await world.posts("prometheus-metrics-tokens")
    assert [post["body"] for post in posts] == [
        {"prometheus-metrics-token": {"name": name}} for name in ("prometheus", "A name of its own")
    ]
    await world.delete("PrometheusMetricsToken", "prometheus")
    assert await objects(world, "PrometheusMetricsToken") == []
    assert not await world.cluster.exists("Secret", "prometheus-metrics-token", world.namespace)


@fast
async def test_a_token_made_elsewhere_is_taken_over_with_its_value(world: World) -> None:
    await world.sandbox.create("prometheus-metrics-tokens", {"name": "prometheus", "value": "made-elsewhere"})
    there = await only(world, "PrometheusMetricsToken")
    await world.operator.start()
    await world.apply(with_powers(world, "metrics"), token(world))
    await world.becomes("PrometheusMetricsToken", "prometheus", "Stalled", reason="AlreadyExists")
    await world.apply(with_powers(world, "adopt"))
    await world.change("PrometheusMetricsToken", "prometheus", adoption="Required")
    await world.becomes("PrometheusMetricsToken", "prometheus", "Stalled", reason="Forbidden")
    assert not await world.cluster.exists("Secret", "prometheus-metrics-token", world.namespace)
    await world.apply(with_powers(world, "adopt", "metrics"))
    adopted = await world.becomes("PrometheusMetricsToken", "prometheus")
    assert adopted["status"]["id"] == there["id"]
    assert (await world.secret("prometheus-metrics-token"))["token"] == there["value"]
