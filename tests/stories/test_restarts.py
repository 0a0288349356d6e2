"""Workloads at a real API server are restarted after a change of the password. There are no nodes: the story plays those who roll
them out.
"""

import pytest

from cluster import Manifest
from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import access
from managed_databases.reconcile.keepers.logins_of_workloads import RESTARTED_AT, mark
from stories.pace import FAST
from stories.passwords_seen import until_another_password
from stories.world import World, condition

TARGETS = [{"kind": "Deployment", "name": "shop"}, {"selector": {"matchLabels": {"app": "reports"}}}]
ELECTED = {"settings": {**FAST, "leader_election": True, "lease_seconds": 5}}
elected = pytest.mark.parametrize("world", [ELECTED], indirect=True, ids=["elected"])


def workload(world: World, kind: str, name: str) -> Manifest:
    container = {
        "name": "main",
        "image": "example.com/shop:1",
        "envFrom": [{"secretRef": {"name": "app-user"}}],
    }
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
    }
    if kind != "DaemonSet":
        spec |= {"replicas": 1}
    if kind == "StatefulSet":
        spec |= {"serviceName": name}
    metadata = {"name": name, "namespace": world.namespace, "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


async def roll_out(world: World, kind: str, name: str) -> None:
    seen = await world.cluster.get(kind, name, world.namespace)
    counts = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    if kind == "DaemonSet":
        counts = ("currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    status = {"observedGeneration": seen["metadata"]["generation"], **dict.fromkeys(counts, 1)}
    if kind == "DaemonSet":
        status |= {"numberMisscheduled": 0, "numberReady": 1}
    await world.cluster.patch(kind, name, world.namespace, {"status": status}, "status")


async def pods(world: World, kind: str, name: str) -> dict[str, str]:
    seen = await world.cluster.get(kind, name, world.namespace)
    return dict(seen["spec"]["template"]["metadata"].get("annotations", {}))


async def until_restarted(world: World, kind: str, name: str) -> dict[str, str]:
    async def is_restarted() -> dict[str, str]:
        found = await pods(world, kind, name)
        assert RESTARTED_AT in found
        return found

    restarted: dict[str, str] = await world.until(f"{kind} {name} is restarted", is_restarted)
    return restarted


async def generation(world: World, kind: str, name: str) -> int:
    return int((await world.cluster.get(kind, name, world.namespace))["metadata"]["generation"])


async def until_told(world: World, part: str | None) -> Manifest:
    """The condition RestartIncomplete says this; with None it is gone."""

    async def is_told() -> Manifest:
        user = await world.get("DatabaseUser", "app")
        found = condition(user, "RestartIncomplete")
        assert (part in found["message"]) if part is not None else not found, found
        return user

    user: Manifest = await world.until(f"told: {part}", is_told)
    return user


@elected
async def test_workloads_are_restarted_one_after_the_other_and_only_once(world: World) -> None:
    others = (("StatefulSet", "reports"), ("DaemonSet", "reports"))
    for kind, name in (("Deployment", "shop"), *others):
        await world.cluster.apply(workload(world, kind, name))
        await roll_out(world, kind, name)
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user(rolloutRestart=TARGETS))
    await world.becomes("DatabaseUser", "app")

    user = await until_told(world, "forbidden")
    assert 'cannot get resource "deployments"' in condition(user, "RestartIncomplete")["message"]
    assert user["status"]["restartedFor"], "what the Pods have is noted all the same"
    first = await world.secret("app-user")
    await world.annotate("DatabaseUser", "app", rotate_password="leak-1")
    second = await until_another_password(world, "app-user", first["password"])
    await world.becomes("DatabaseUser", "app")
    assert await generation(world, "Deployment", "shop") == 1

    await world.grant("Role", world.namespace, "restarts", access(kinds().values()).restart_workloads)
    await world.annotate("DatabaseUser", "app", sync_requested="now")
    restarted = await until_restarted(world, "Deployment", "shop")
    assert second["password"] not in str(restarted)
    user = await until_told(world, "Deployment shop is restarted")
    assert condition(user, "RestartIncomplete")["reason"] == "Restarting"
    assert condition(user, "Ready")["status"] == "True"
    print(await world.cluster.kubectl("get", "dbu", "app", "-n", world.namespace, "-o", "yaml"))  # noqa: T201
    for kind, name in others:
        assert RESTARTED_AT not in await pods(world, kind, name)

    await world.operator.kill()
    await world.operator.start()
    await roll_out(world, "Deployment", "shop")
    await until_restarted(world, *others[0])
    assert RESTARTED_AT not in await pods(world, *others[1])
    await roll_out(world, *others[0])
    await until_restarted(world, *others[1])
    await roll_out(world, *others[1])
    user = await until_told(world, None)
    for kind, name in (("Deployment", "shop"), *others):
        assert (await pods(world, kind, name))[mark("app-user")] == user["status"]["restartedFor"]

    await world.operator.kill()
    await world.operator.start()
    await world.annotate("DatabaseUser", "app", sync_requested="again")

    async def is_handled() -> bool:
        return bool((await world.get("DatabaseUser", "app"))["status"].get("lastHandledSyncRequest") == "again")

    await world.until("a look after the start", is_handled)
    for kind, name in (("Deployment", "shop"), *others):
        assert await generation(world, kind, name) == 2, "once"
    print(await world.cluster.kubectl("get", "deployment", "shop", "-n", world.namespace, "-o", "yaml"))  # noqa: T201

    patches = [
        each for each in world.cluster.audit(user=world.account) if each.group == "apps" and each.verb == "patch"
    ]
    assert [each.name for each in patches if each.code == 200] == ["shop", "reports", "reports"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"kind": "Deployment"}, "say kind and name, or a selector"),
        ({"name": "shop"}, "say kind and name, or a selector"),
        ({}, "say kind and name, or a selector"),
        (
            {"kind": "Deployment", "name": "shop", "selector": {"matchLabels": {"a": "b"}}},
            "say kind and name, or a selector",
        ),
        ({"kind": "CronJob", "name": "shop"}, "one of these: Deployment, StatefulSet, DaemonSet"),
        ({"kind": "Deployment", "name": "Shop!"}, "name"),
        ({"selector": {"matchLabels": {}}}, "matchLabels"),
        ({"selector": {"matchLabels": {"a b": "c"}}}, "names of labels are as Kubernetes has them"),
        ({"selector": {"matchLabels": {"a": "b c"}}}, "matchLabels"),
    ],
)
async def test_what_means_nothing_is_refused_when_it_is_applied(
    world: World, target: dict[str, object], says: str
) -> None:
    answer = await world.cluster.apply(world.user(rolloutRestart=[target]), check=False)
    assert answer["code"] == 422
    assert says in answer["message"]
