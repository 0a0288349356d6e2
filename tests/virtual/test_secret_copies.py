"""Copies of a credentials Secret: made, always with its login, put right, taken away, and nothing asked at rest."""

import asyncio
from functools import partial
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import CHECKSUM, COPY_OF, OWNER_UID
from managed_databases.reconcile.keepers.copy_run import REST_SECONDS
from managed_databases.reconcile.keepers.fights import MAX_CORRECTIONS
from managed_databases.reconcile.ports import MANAGED_LABEL, ResourceKey
from stories.world import manifest
from virtual import secret_copies as of
from virtual.secret_copies import APP, COPIES, FAR, HOUR, MINE, NEAR, OTHER, SOON, ask_for, begin, is_there, with_copies
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import SPECS, begin_with_datastore


def metadata(world: VirtualWorld, key: ResourceKey) -> dict[str, Any]:
    told: dict[str, Any] = world.get(key)["metadata"]
    return told


def has_mark(world: VirtualWorld, key: ResourceKey, kind: str, name: str) -> bool:
    return name in metadata(world, key)[kind]


def test_they_are_made_follow_and_go() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            uid, mine = metadata(world, APP)["uid"], of.data(world, MINE)
            for key in (NEAR, FAR):
                assert metadata(world, key)["labels"][MANAGED_LABEL] == "true"
                assert metadata(world, key)["annotations"][OWNER_UID] == uid
                assert metadata(world, key)["annotations"][COPY_OF] == "shop/app-user"
                assert world.get(key)["type"] == world.get(MINE)["type"]
            assert of.data(world, FAR) == mine, "what a copy does not say is as in the Secret itself"
            assert of.data(world, NEAR) == mine | {"DATABASE_URL": mine["uri"]}
            assert metadata(world, FAR)["labels"]["team"] == "web"
            assert not metadata(world, FAR)["ownerReferences"], "an owner of another namespace is none"
            assert [each["uid"] for each in metadata(world, NEAR)["ownerReferences"]] == [uid]
            assert of.names(world) == ["shop/near", "web/far"]
            assert world.says(APP, "Stalled")[0] == "False"

            checksums = [metadata(world, key)["annotations"][CHECKSUM] for key in (NEAR, FAR)]
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("another password", lambda: of.password(world, MINE) != mine["password"], SOON)
            await world.until("the copies follow", lambda: is_there(world, NEAR, FAR), 5)
            assert not {*checksums} & {metadata(world, key)["annotations"][CHECKSUM] for key in (NEAR, FAR)}

            ask_for(world, COPIES[0] | {"presets": ["libpq"], "keyPrefix": "SHOP_"})
            await world.until("it is taken out", lambda: FAR not in world.cluster.objects, SOON)
            await world.until("it has another shape", lambda: "SHOP_PGHOST" in of.data(world, NEAR), SOON)
            assert "DATABASE_URL" not in of.data(world, NEAR)
            await world.until("the status says so", lambda: of.names(world) == ["shop/near"], SOON)
            world.cluster.change(APP, credentials=None)
            await world.until("all are taken out", lambda: NEAR not in world.cluster.objects, SOON)
            await world.until("the status says so", lambda: not of.names(world), SOON)
            assert of.password(world, MINE)

    in_virtual_time(story())


def test_a_copy_without_presets_of_its_own_has_those_of_the_secret_and_its_templates() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            copies = [{"name": "near"}, {"name": "plain", "presets": []}, {"name": "django", "presets": ["django"]}]
            credentials = {
                "presets": ["rails"],
                "template": {"conf": "{{ host }}"},
                "labels": {"a": "b"},
                "copies": copies,
            }
            await begin(world, credentials=credentials)
            django = ResourceKey(SECRET, NAMESPACE, "django")
            plain = ResourceKey(SECRET, NAMESPACE, "plain")
            await world.until("the copies are there", lambda: is_there(world, NEAR, plain, django), SOON)
            mine = of.data(world, MINE)
            assert of.data(world, NEAR) == mine
            assert mine.keys() - of.data(world, plain).keys() == {"DATABASE_URL", "conf"}
            assert mine.keys() - of.data(world, django).keys() == {"conf"}
            assert "a" in metadata(world, MINE)["labels"]
            assert "a" not in metadata(world, NEAR)["labels"]

    in_virtual_time(story())


@pytest.mark.parametrize("key", [NEAR, FAR])
def test_what_somebody_edits_or_deletes_is_put_right(key: ResourceKey) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            world.change_secret(key.namespace, key.name, {"password": "of-somebody"})
            await world.until("the password", lambda: is_there(world, key), 5)
            world.cluster.delete(key)
            await world.until("the whole", lambda: is_there(world, key), 5)
            await asyncio.sleep(700)
            for lost in ("labels", "annotations"):
                name = MANAGED_LABEL if lost == "labels" else OWNER_UID
                del metadata(world, key)[lost][name]
                world.cluster.touch(key)
                await world.until(name, partial(has_mark, world, key, lost, name), 5)
            world.change_secret(key.namespace, key.name, {"of-others": "kept"})
            await asyncio.sleep(SOON)
            assert of.data(world, key)["of-others"] == "kept"
            assert is_there(world, key)
            assert not of.told(world)

    in_virtual_time(story())


def test_a_fight_is_told_and_has_an_end() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            corrected = 0
            for _ in range(50):
                world.change_secret(OTHER, "far", {"host": "elsewhere"})
                await asyncio.sleep(2)
                corrected += of.data(world, FAR)["host"] != "elsewhere"
            assert corrected == MAX_CORRECTIONS
            assert "again and again" in of.told(world)
            await world.until("later", lambda: is_there(world, FAR), REST_SECONDS + SOON)
            await world.until("told no more", lambda: not of.told(world), REST_SECONDS + SOON)

    in_virtual_time(story())


def test_at_rest_nothing_is_read_or_written() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            await asyncio.sleep(SOON)
            requests = of.asked(
                world,
                lambda method, path: method != "GET" or any(f"/{each}/secrets" in path for each in (NAMESPACE, OTHER)),
            )
            await asyncio.sleep(2 * HOUR)
            assert requests == []

    in_virtual_time(story())


def test_where_nobody_wants_one_nothing_is_asked() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            requests = of.asked(world, of.of_copies)
            await begin(world)
            await asyncio.sleep(HOUR)
            assert requests == []
            assert "copies" not in world.get(APP)["status"]

    in_virtual_time(story())


def test_a_changed_endpoint_and_certificate_reach_the_copies() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            id_ = world.get(of.MAIN)["status"]["id"]
            await world.edit("datastores", id_, connection={"master": "elsewhere.example"})
            await world.until("the host", lambda: "elsewhere.example" in of.data(world, FAR)["uri"], 300)
            assert is_there(world, NEAR, FAR)

    in_virtual_time(story())


def test_of_a_password_that_a_person_gives() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.put_secret(NAMESPACE, "given", {"password": "Of-a-person-1"})
            await with_copies(world, passwordSecretRef={"name": "given"})
            assert of.password(world, FAR) == "Of-a-person-1"
            world.change_secret(NAMESPACE, "given", {"password": "Of-a-person-2"})
            await world.until("it changes", lambda: of.password(world, MINE) == "Of-a-person-2", SOON)
            await world.until("the copies follow", lambda: is_there(world, NEAR, FAR), 5)

    in_virtual_time(story())


def test_of_a_redis() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.label_namespace(OTHER, of.LETS_IN)
            await begin_with_datastore(world)
            cache = ResourceKey("ManagedDatastore", NAMESPACE, "cache")
            redis = {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.2-4096-40"}}
            spec = {"subnetID": SPECS[of.MAIN]["subnetID"], "credentials": {"copies": [COPIES[1]]}} | redis
            world.cluster.apply(manifest(cache.kind, cache.name, NAMESPACE, spec))
            await world.until("it is there", lambda: world.says(cache, "Synced")[0] == "True")
            await world.until("the copy is there", lambda: of.data(world, FAR) == world.secret("cache-redis"), SOON)
            assert of.password(world, FAR)
            before = of.password(world, FAR)
            world.cluster.annotate(cache, rotate_password="one")
            await world.until("another password", lambda: world.secret("cache-redis")["password"] != before, HOUR)
            await world.until("the copy follows", lambda: of.data(world, FAR) == world.secret("cache-redis"), 5)

    in_virtual_time(story())


def test_no_copy_is_made_before_the_status_names_it() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.refuses = lambda method, path: "no" if path.endswith("/status") else None
            ask_for(world, *COPIES)
            await asyncio.sleep(300)
            assert NEAR not in world.cluster.objects
            assert FAR not in world.cluster.objects
            world.cluster.refuses = lambda method, path: None
            await world.until("they are made", lambda: is_there(world, NEAR, FAR), 700)

    in_virtual_time(story())


def test_paused_means_that_no_copy_is_written() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            world.cluster.annotate(APP, paused="true")
            await asyncio.sleep(10)
            world.change_secret(OTHER, "far", {"password": "mine"})
            await asyncio.sleep(700)
            assert of.password(world, FAR) == "mine"
            world.cluster.annotate(APP, paused=None)
            await world.until("put right", lambda: is_there(world, FAR), SOON)

    in_virtual_time(story())


def test_what_cannot_be_in_a_copy_is_told_and_stalls_nothing() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, {"name": "near", "presets": ["redis"]})
            await world.until("told", lambda: "the preset redis" in of.told(world), SOON)
            assert world.says(APP, "CopiesIncomplete") == ("True", "CopyIncomplete")
            assert world.says(APP, "Stalled")[0] == "False"
            assert is_there(world, NEAR)

    in_virtual_time(story())


def test_a_spec_that_changes_for_ever_leaves_none_behind() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            for number in range(50):
                ask_for(world, {"name": f"one-{number}"}, {"name": f"two-{number}", "namespace": OTHER})
                await asyncio.sleep(0.3)
            await world.until(
                "the last are there",
                lambda: (
                    {key.name for key in world.cluster.of_kind(SECRET) if key.name.startswith(("one-", "two-"))}
                    == {"one-49", "two-49"}
                ),
                2 * REST_SECONDS,
            )
            await world.until("the status says so", lambda: of.names(world) == ["shop/one-49", "web/two-49"], SOON)

    in_virtual_time(story())
