"""A credentials Secret has other writers, and a past: their keys and marks stay, and what opens the database counts as such."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.annotations import WRITTEN
from stories.world import condition, manifest
from virtual.given_passwords import APP, MINE, write
from virtual.test_secrets_that_fit import begin, is_done, marks, with_certificate, write_as_an_earlier_version, written
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore


def set_mark(world: VirtualWorld, what: str, name: str, value: str) -> None:
    world.get(MINE)["metadata"].setdefault(what, {})[name] = value
    world.cluster.touch(MINE)


def test_keys_of_others_stay_where_the_password_is_lost() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            write(world, MINE, "PGHOST", "elsewhere")
            world.cluster.change(APP, credentials={"presets": ["libpq"]})
            await world.until("it rests", lambda: "PGUSER" in world.secret(MINE.name))
            world.cluster.drop_data(MINE, "password")
            await world.until("the password is back", lambda: world.secret(MINE.name).get("password"))
            await asyncio.sleep(120)
            assert world.secret(MINE.name)["PGHOST"] == "elsewhere"

    in_virtual_time(story())


@pytest.mark.parametrize("edit", ["disable", "prefer", None])
def test_an_edit_makes_no_application_verify(edit: str | None) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_certificate(world)
            write_as_an_earlier_version(world)
            await world.until("it is brought up to date", lambda: "jdbc-url" in world.secret(MINE.name))
            if edit is None:
                world.cluster.drop_data(MINE, "sslmode")
            else:
                write(world, MINE, "sslmode", edit)
            await asyncio.sleep(300)
            assert world.secret(MINE.name)["sslmode"] == "require"
            assert "sslmode=require" in world.secret(MINE.name)["uri"]

    in_virtual_time(story())


@pytest.mark.parametrize("holds_up", ["a pause", "the cloud's work on the datastore"])
def test_a_secret_that_names_no_database_yet_serves_on(holds_up: str) -> None:
    """As an earlier version wrote it for a user with one entry in databases: its rewriting waits."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest("ManagedDatabase", "shop", NAMESPACE, IN_MAIN))
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"databases": [{"name": "shop"}]}))
            await world.until("made", lambda: is_done(world) and world.secret(MINE.name).get("database") == "shop")
            await world.kill()
            old = world.secret(MINE.name)["uri"].replace("/shop?", "?")
            for key in (*written(world)["keys"], "database"):
                del world.get(MINE)["data"][key]
            del world.get(MINE)["metadata"]["annotations"][WRITTEN]
            write(world, MINE, "uri", old)
            if holds_up == "a pause":
                world.cluster.annotate(APP, paused="true")
            else:
                (datastore,) = await world.objects("datastores")
                await world.edit("datastores", datastore["id"], status="RESIZING")
            await world.start()
            for _ in range(120):
                assert world.says(APP, "Ready")[0] == "True", condition(world.get(APP), "Ready")
                await asyncio.sleep(1)

    in_virtual_time(story())


def test_marks_of_others_stay_and_are_told() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            set_mark(world, "labels", "team", "platform")
            set_mark(world, "annotations", "example.com/owner", "platform")
            await asyncio.sleep(60)
            asked: dict[str, Any] = {"labels": {"team": "shop"}, "annotations": {"example.com/owner": "shop"}}
            world.cluster.change(APP, credentials=asked | {"template": {"t": "x"}})
            await world.until("it is written", lambda: "t" in world.secret(MINE.name))
            assert marks(world, "labels")["team"] == marks(world, "annotations")["example.com/owner"] == "platform"
            await world.until("it is told", lambda: condition(world.get(APP), "CredentialsIncomplete"))
            told = condition(world.get(APP), "CredentialsIncomplete")["message"]
            assert "the label team: somebody else has written it" in told
            assert "the annotation example.com/owner: somebody else" in told
            world.cluster.change(APP, credentials=None)
            await world.until("it is taken out", lambda: "t" not in world.secret(MINE.name))
            assert marks(world, "labels")["team"] == marks(world, "annotations")["example.com/owner"] == "platform"

    in_virtual_time(story())


def test_a_fight_about_a_label_takes_ready_from_nobody() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, credentials={"labels": {"team": "shop"}})
            reasons = set()
            for _ in range(300):
                if marks(world, "labels").get("team") == "shop":
                    set_mark(world, "labels", "team", "platform")
                await asyncio.sleep(2)
                assert world.says(APP, "Ready")[0] == "True", condition(world.get(APP), "Ready")
                reasons.add(world.says(APP, "Synced")[1])
            assert "DriftFight" in reasons

    in_virtual_time(story())
