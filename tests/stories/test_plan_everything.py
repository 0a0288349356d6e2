"""A plan of every kind is what the operator then does; and once that is done, nothing is left to do."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from command_process import Ended, command
from stories.everything import all_is_in_sync, cloud, give, project, resources
from stories.pace import FAST
from stories.world import World


async def plan(world: World, path: Path, *further: str) -> Ended:
    place = ("-n", world.namespace, "--operator-namespace", world.system, "--project", world.project)
    return await command(world.cluster.kubeconfig, "plan", "-f", str(path), *place, "-o", "json", *further)


def told(ended: Ended) -> list[dict[str, Any]]:
    assert ended.said, ended
    return [step for entry in ended.json["plan"] for step in entry["steps"]]


async def test_a_plan_of_every_kind(world: World, tmp_path: Path) -> None:
    await world.operator.start(**FAST)
    await world.apply(project(world))
    await give(world)
    await world.becomes("DatabaseProject", world.project)
    everything = [
        *resources(world, deletionPolicy="Retain"),
        world.user("inline", databases=[{"name": "shop"}], deletionPolicy="Retain"),
        world.user(
            "consumer",
            datastoreRef={"name": "broker"},
            access=[{"patternType": "all", "allowRead": True}],
            deletionPolicy="Retain",
        ),
    ]
    path = tmp_path / "everything.yaml"
    path.write_text(yaml.safe_dump_all(everything))
    first = await plan(world, path)
    assert {(step["action"], step["risk"]) for step in told(first)} == {("create", "none")}, first
    planned = Counter(step["call"].removeprefix("POST /") for step in told(first))

    await world.apply(*everything)
    await world.until("all is in sync", lambda: _in_sync(world))
    made = Counter[str]()
    for collection in planned:
        made[collection] = len(await world.made(collection))
    assert made == planned
    rest = await plan(world, path)
    assert (rest.code, told(rest)) == (0, []), rest

    place = ("-n", world.namespace, "--operator-namespace", world.system, "--project", world.project)
    fits = await command(world.cluster.kubeconfig, "strangers", *place)
    assert fits.code == 0, fits

    # The same once more, taken over: what an import says is what there is.
    before = await cloud(world)
    for each in everything:
        kind, name = each["kind"], each["metadata"]["name"]
        await world.change(kind, name, deletionProtection=False)
    for each in everything:
        await world.delete(each["kind"], each["metadata"]["name"], wait=True)
    await world.until("what was asked for inline is gone, too", lambda: _is_empty(world, "databasegrants", "kafkaacls"))
    ended = await command(world.cluster.kubeconfig, "import", *place, "--reset-passwords")
    assert ended.code == 0, ended
    manifests = list(yaml.safe_load_all(ended.said))
    assert len(manifests) == sum(made.values())
    assert Counter(each["kind"] for each in manifests)["KafkaACL"] == 2
    after = await cloud(world)
    assert after.keys() == before.keys()
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}


async def _in_sync(world: World) -> bool:
    await all_is_in_sync(world)
    for name in ("inline", "consumer"):
        await world.becomes("DatabaseUser", name, "Synced")
    return True


async def _is_empty(world: World, *plurals: str) -> bool:
    return not any([await world.cluster.list(plural, world.namespace) for plural in plurals])
