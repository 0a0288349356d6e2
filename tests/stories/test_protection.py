"""A deletion that protection stops halfway deletes no login: objects in a protected datastore are protected with it."""

import json
from typing import Any

import pytest

from cluster import Manifest
from managed_databases.kinds.registry import FINALIZER, GROUP
from release_process import release
from stories.everything import COLLECTIONS, cloud, every_password_is_right, give, project, resources
from stories.pace import fast
from stories.world import World, condition

INLINE_ACL = {"access": [{"patternType": "prefixed", "pattern": "audit", "allowRead": True}]}
OWNED = {"DatabaseGrant": "app-shop", "KafkaACL": "producer-"}
INSIDE = [kind for kind in COLLECTIONS if kind not in ("ManagedDatastore", "PrometheusMetricsToken")]


def in_protected_datastores(world: World) -> list[Manifest]:
    """Every kind, grants and access rules inline as well; nothing says anything of protection but by its default."""
    found = resources(world)
    for each in found:
        match (each["kind"], each["metadata"]["name"]):
            case ("ManagedDatastore", _):
                del each["spec"]["deletionProtection"]
            case ("DatabaseUser", "app"):
                each["spec"] |= {"databases": [{"name": "shop"}], "databaseRef": {"name": "shop"}}
            case ("DatabaseUser", "producer"):
                each["spec"] |= INLINE_ACL
            case ("PrometheusMetricsToken", _):
                each["spec"] |= {"deletionProtection": True}
    return found


async def all_protected(world: World) -> dict[str, Any]:
    """Everything is there, and says that it is protected; return what the Secrets hold."""
    await give(world)
    await world.operator.start()
    await world.apply(project(world), *in_protected_datastores(world))
    await world.until("all is in sync and protected", lambda: says_protected(world), 120)
    return await secrets(world)


async def says_protected(world: World) -> bool:
    for kind in COLLECTIONS:
        for resource in await world.cluster.list(kind, world.namespace):
            told = f"{kind} {resource['metadata']['name']}: {resource.get('status')}"
            for type_ in ("Ready", "Synced"):
                assert condition(resource, type_).get("status") == "True", told
            assert kind not in INSIDE or resource["status"].get("protected") is True, told
    for kind, prefix in OWNED.items():
        names = [each["metadata"]["name"] for each in await world.cluster.list(kind, world.namespace)]
        assert any(name.startswith(prefix) for name in names), (kind, names)
    return True


async def secrets(world: World) -> dict[str, Any]:
    found = await world.cluster.list("Secret", world.namespace)
    return {each["metadata"]["name"]: each["data"] for each in found}


async def changing_calls(world: World) -> list[tuple[str, str]]:
    asked = await world.sandbox.requests(path="/v1/")
    return [(each["method"], each["path"]) for each in asked if each["method"] != "GET"]


def as_list(manifests: list[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


@fast
async def test_what_is_stopped_halfway_takes_nothing(world: World) -> None:
    await world.grant_cluster_wide()
    before = await all_protected(world)
    in_cloud = await cloud(world)
    await world.sandbox.clear_requests()
    manifests = in_protected_datastores(world)
    for ordered in (manifests, manifests[::-1]):
        said = await world.cluster.kubectl("delete", "--wait=false", "-f", "-", stdin=as_list(ordered), check=False)
        assert said.count("is protected") == len(manifests), said
    for kind in COLLECTIONS:
        said = await world.cluster.kubectl(
            "delete", kind, "--all", "--wait=false", f"--namespace={world.namespace}", check=False
        )
        assert "is protected" in said, (kind, said)
    assert "is protected" in await pruned(world)
    await nothing_is_going(world)
    await world.apply(*manifests)
    await world.until("all is in sync and protected", lambda: says_protected(world))
    assert await secrets(world) == before
    await every_password_is_right(world)
    assert await changing_calls(world) == []

    await world.cluster.delete("Namespace", world.namespace)
    await world.until("the namespace says why it stays", lambda: namespace_tells(world))
    await everybody_was_looked_at(world)  # it takes the Secrets along; in the cloud everything stays as it is
    await nothing_is_going(world)
    assert await changing_calls(world) == []
    assert await cloud(world) == in_cloud


async def nothing_is_going(world: World) -> None:
    for kind in COLLECTIONS:
        for resource in await world.cluster.list(kind, world.namespace):
            assert "deletionTimestamp" not in resource["metadata"], (kind, resource["metadata"]["name"])


async def pruned(world: World) -> str:
    """What kubectl says when everything has left the folder that is applied, but for one ConfigMap."""
    where = f"--namespace={world.namespace}"
    labelled = [*in_protected_datastores(world), kept_config_map(world)]
    for each in labelled:
        each["metadata"]["labels"] = {"app": "shop"}
    await world.cluster.kubectl("apply", "-f", "-", stdin=as_list(labelled))
    allowed = [f"--prune-allowlist={GROUP}/v1alpha1/{kind}" for kind in COLLECTIONS]
    return await world.cluster.kubectl(
        "apply", "--prune", "--selector=app=shop", where, *allowed, "-f", "-",
        stdin=as_list(labelled[-1:]), check=False,
    )  # fmt: skip


def kept_config_map(world: World) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": world.namespace}}


async def namespace_tells(world: World) -> bool:
    namespace = await world.cluster.get("Namespace", world.namespace)
    told = str(namespace["status"].get("conditions"))
    assert "is protected" in told, told
    return True


async def everybody_was_looked_at(world: World) -> None:
    """After the Secrets went, each user has had a pass."""
    await world.until("the Secrets are gone", lambda: no_secrets(world))
    for user in await world.cluster.list("DatabaseUser", world.namespace):
        name = user["metadata"]["name"]
        await world.annotate("DatabaseUser", name, sync_requested="after")

        async def answered(name: str = name) -> bool:
            status = (await world.get("DatabaseUser", name))["status"]
            assert status.get("lastHandledSyncRequest") == "after", status
            return True

        await world.until(f"{name} was looked at", answered)


async def no_secrets(world: World) -> bool:
    found = await world.cluster.list("Secret", world.namespace)
    assert not found, [each["metadata"]["name"] for each in found]
    return True


@fast
async def test_past_the_policy_the_operator_keeps_them(world: World) -> None:
    """What was deleted while nothing protected it, and is protected by the time that the operator looks."""
    await all_protected(world)
    for name in ("main", "broker"):
        await world.change("ManagedDatastore", name, deletionProtection=False)
    await world.until("nothing is protected", lambda: inherits(world, protected=False))
    await world.operator.stop()
    in_cloud = await cloud(world)
    await world.sandbox.clear_requests()
    for kind in INSIDE:
        await world.cluster.kubectl("delete", kind, "--all", "--wait=false", f"--namespace={world.namespace}")
    for name in ("main", "broker"):
        await world.change("ManagedDatastore", name, deletionProtection=True)
    await world.operator.start()
    for kind in INSIDE:
        for resource in await world.cluster.list(kind, world.namespace):
            told = await world.becomes(kind, resource["metadata"]["name"], "Stalled", reason="Protected")
            message = condition(told, "Stalled")["message"]
            assert all(part in message for part in ("deletionProtection: false", "datastore", "deletionPolicy: Retain"))
    deleted = [call for call in await changing_calls(world) if call[0] == "DELETE" or call[1].endswith("/password")]
    assert deleted == []
    after = await cloud(world)
    assert {name: after[name] for name in after if name != "datastores"} == {
        name: in_cloud[name] for name in in_cloud if name != "datastores"
    }
    await every_password_is_right(world)


async def inherits(world: World, *, protected: bool) -> bool:
    for kind in INSIDE:
        for resource in await world.cluster.list(kind, world.namespace):
            assert resource["status"].get("protected") is protected, resource["status"]
    return True


@fast
@pytest.mark.parametrize("way_out", ["own word", "datastore's word", "let go"])
async def test_each_way_out_works(world: World, way_out: str) -> None:
    await all_protected(world)
    in_cloud = await cloud(world)
    inside = [each for each in in_protected_datastores(world) if each["kind"] in INSIDE]
    match way_out:
        case "own word":
            for each in inside:
                await world.change(each["kind"], each["metadata"]["name"], deletionProtection=False)
        case "datastore's word":
            for name in ("main", "broker"):
                await world.change("ManagedDatastore", name, deletionProtection=False)
            await world.until("nothing is protected", lambda: inherits(world, protected=False))
        case "let go":
            for number, each in enumerate(inside):
                kind, name = each["kind"], each["metadata"]["name"]
                if number % 2:
                    await world.annotate(kind, name, force_delete="true")
                else:
                    await world.change(kind, name, deletionPolicy="Retain")
    said = await world.cluster.kubectl("delete", "--wait=false", "-f", "-", stdin=as_list(inside))
    assert said.count("deleted") == len(inside), said
    await world.until("nothing is left inside", lambda: nothing_inside(world), 120)
    after = await cloud(world)
    for kind in INSIDE:
        kept = in_cloud[COLLECTIONS[kind]] if way_out == "let go" else []
        assert len(after[COLLECTIONS[kind]]) == len(kept), kind
    assert len(after["datastores"]) == 3


async def nothing_inside(world: World) -> bool:
    """Those that were asked for inline go with their user: garbage collection deletes them, the policy lets it."""
    for kind in INSIDE:
        left = await world.cluster.list(kind, world.namespace)
        assert not left, [(each["metadata"]["name"], each["spec"], each.get("status")) for each in left]
    return True


@fast
async def test_what_the_spec_asks_for_inline_is_taken_away_by_editing_it(world: World) -> None:
    await all_protected(world)
    for kind, prefix in OWNED.items():
        for each in await world.cluster.list(kind, world.namespace):
            if each["metadata"]["name"].startswith(prefix) and each["metadata"].get("ownerReferences"):
                said = await world.cluster.delete(kind, each["metadata"]["name"], world.namespace, check=False)
                assert "is protected" in said["message"]
    await world.change("DatabaseUser", "app", databases=[])
    await world.change("DatabaseUser", "producer", access=None)

    async def only_explicit_ones() -> bool:
        for kind in OWNED:
            left = [each["metadata"]["name"] for each in await world.cluster.list(kind, world.namespace)]
            assert left in (["reader-in-shop"], ["producer-writes"]), left
        return True

    await world.until("the inline ones are gone", only_explicit_ones)
    await world.change("DatabaseUser", "app", databases=[{"name": "shop"}])
    again = await world.becomes("DatabaseGrant", "app-shop")
    assert "deletionProtection" not in again["spec"]
    assert again["status"]["protected"] is True


@fast
async def test_what_was_let_go_without_an_operator_can_be_deleted(world: World) -> None:
    await all_protected(world)
    in_cloud = await cloud(world)
    await world.operator.stop()
    ended = await release(world.cluster, "--all", f"--namespace={world.namespace}", "--yes", "--force")
    assert ended.code == 0, ended.said
    await world.cluster.kubectl("delete", "-f", "-", stdin=as_list(in_protected_datastores(world)))
    assert await cloud(world) == in_cloud


@fast
async def test_it_is_protected_before_it_is_made(world: World) -> None:
    """The answer to the POST is lost: from the intent on there is something to lose."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(deletionProtection=True))
    await world.becomes("ManagedDatastore", "main")
    await world.sandbox.fault(method="POST", path="/users$", effect_after_seconds=1, times=1)
    await world.apply(world.user())

    async def intends() -> Manifest:
        user = await world.get("DatabaseUser", "app")
        assert user["status"].get("intent"), user["status"]
        assert FINALIZER in user["metadata"]["finalizers"]
        return user

    user = await world.until("the attempt is written down", intends)
    assert user["status"]["protected"] is True
    said = await world.cluster.delete("DatabaseUser", "app", world.namespace, check=False)
    assert "DatabaseUser app is protected" in said["message"]
    await world.becomes("DatabaseUser", "app")


async def test_what_was_never_begun_is_not_protected(world: World) -> None:
    """A mistyped engine: the datastore, protected by its default, can be thrown away."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(engine={"type": "postgresql", "version": "0"}))
    await world.cluster.patch("ManagedDatastore", "main", world.namespace, {"spec": {"deletionProtection": True}})
    await world.becomes("ManagedDatastore", "main", "Stalled")
    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app", status="False")
    await world.delete("DatabaseUser", "app")
    await world.delete("ManagedDatastore", "main")
