"""What a spec asks of a credentials Secret, in virtual time: made, changed and taken out again, beside what others write."""

import asyncio
import json
from typing import Any

import pytest

from managed_databases.reconcile.annotations import CHECKSUM, WRITTEN
from managed_databases.reconcile.ports import MANAGED_LABEL, OWN, ResourceKey
from managed_databases.sandbox.faults import LEFT_OUT
from stories.world import condition, manifest
from virtual.everything import project
from virtual.given_passwords import APP, FIRST, GIVEN, GOOD, MAIN, MINE, SOON, opens, write
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import IN_MAIN, SPECS, begin_with_datastore

CREDENTIALS: dict[str, Any] = {
    "presets": ["libpq", "rails"],
    "keyPrefix": "SHOP_",
    "template": {"shop.conf": "password={{ password | json }}"},
    "labels": {"team": "shop"},
    "annotations": {"example.com/reader": "shop"},
}
LOGIN = {
    *("type", "provider", "host", "port", "username", "password", "uri", "jdbc-url", "sslmode", "pooler-port"),
}
ASKED = {
    *(f"SHOP_PG{each}" for each in ("HOST", "PORT", "USER", "PASSWORD", "SSLMODE")),
    *("SHOP_DATABASE_URL", "shop.conf"),
}


def marks(world: VirtualWorld, what: str) -> dict[str, str]:
    told: dict[str, str] = world.get(MINE)["metadata"].get(what) or {}
    return told


def written(world: VirtualWorld) -> dict[str, list[str]]:
    told: dict[str, list[str]] = json.loads(marks(world, "annotations")[WRITTEN])
    return told


def is_done(world: VirtualWorld) -> bool:
    is_made = world.says(APP, "Synced") in (("True", "InSync"), ("False", "CredentialsIncomplete"))
    return is_made and world.says(APP, "Ready")[0] == "True"


async def begin(world: VirtualWorld, password: str = FIRST, **spec: Any) -> None:
    await begin_with_datastore(world)
    world.put_secret(NAMESPACE, GIVEN.name, {"password": password})
    told = IN_MAIN | {"passwordSecretRef": {"name": GIVEN.name}} | spec
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, told))
    await world.until("it is made", lambda: is_done(world))


def test_what_is_asked_for_is_made_changed_and_taken_out_again() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, credentials=CREDENTIALS)
            made = world.secret(MINE.name)
            assert made.keys() == LOGIN | ASKED
            assert made["SHOP_PGPASSWORD"] == made["password"] == FIRST
            assert made["SHOP_DATABASE_URL"] == made["uri"]
            assert set(written(world)["keys"]) == ASKED | {"jdbc-url"}
            assert marks(world, "labels")["team"] == "shop"
            assert marks(world, "annotations")["example.com/reader"] == "shop"

            write(world, MINE, "of-others", "kept")
            world.get(MINE)["metadata"]["labels"]["of-others"] = "kept"
            write(world, GIVEN, "password", GOOD)
            await world.until("the password changes", lambda: world.secret(MINE.name)["password"] == GOOD)
            after = world.secret(MINE.name)
            assert after["SHOP_PGPASSWORD"] == GOOD
            assert after["shop.conf"] == f'password="{GOOD}"'
            assert GOOD in after["SHOP_DATABASE_URL"]

            world.cluster.change(APP, credentials={"presets": ["libpq"], "labels": {"tier": "one"}})
            await world.until("it changes", lambda: "PGHOST" in world.secret(MINE.name))
            assert world.secret(MINE.name).keys() == LOGIN | {"of-others"} | {
                name.removeprefix("SHOP_") for name in ASKED if "PG" in name
            }
            assert "team" not in marks(world, "labels")
            assert "example.com/reader" not in marks(world, "annotations")

            await world.kill()  # what was written is known by the Secret alone
            world.cluster.change(APP, credentials=None)
            await world.start()
            await world.until("it is taken out", lambda: "PGHOST" not in world.secret(MINE.name))
            assert world.secret(MINE.name).keys() == LOGIN | {"of-others"}
            assert marks(world, "labels") | {"of-others": "kept"} == marks(world, "labels")
            assert "tier" not in marks(world, "labels")
            assert marks(world, "labels")[MANAGED_LABEL] == OWN
            assert written(world) == {"keys": ["jdbc-url"]}
            assert await opens(world)
            assert is_done(world)

    in_virtual_time(story())


def test_the_checksum_changes_with_what_is_served_and_with_nothing_else() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            seen: list[str] = []

            def checksum() -> str:
                return marks(world, "annotations")[CHECKSUM]

            async def changes(what: str) -> None:
                await world.until(f"the checksum follows {what}", lambda: checksum() not in seen)
                seen.append(checksum())

            await begin(world)
            await changes("the first password")
            write(world, GIVEN, "password", GOOD)
            await changes("another password")
            world.cluster.change(APP, credentials={"presets": ["libpq"]})
            await changes("a preset")
            world.cluster.change(APP, credentials={"presets": ["libpq"], "labels": {"tier": "one"}})
            await world.until("the label is there", lambda: marks(world, "labels").get("tier") == "one")
            await world.kill()
            await world.start()
            await asyncio.sleep(60 * SOON)
            assert checksum() == seen[-1], "neither by a label nor by a new process"
            world.get(MINE)["metadata"]["annotations"][CHECKSUM] = "edited"
            world.cluster.annotate(APP, sync_requested="now")
            await world.until("it is put right", lambda: checksum() == seen[-1])
            assert GOOD not in json.dumps(world.get(MINE)["metadata"])

    in_virtual_time(story())


def test_keys_of_others_stay_and_are_told() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            write(world, MINE, "PGHOST", "elsewhere")
            write(world, MINE, "certificates", "of somebody")
            world.cluster.change(APP, credentials={"presets": ["libpq"], "template": {"good": "{{ host }}"}})
            await world.until("the rest is written", lambda: "good" in world.secret(MINE.name))
            assert world.secret(MINE.name)["PGHOST"] == "elsewhere"
            assert world.secret(MINE.name)["PGUSER"] == "app"
            assert "PGHOST" not in written(world)["keys"]
            told = condition(world.get(APP), "CredentialsIncomplete")
            assert (told["status"], told["reason"]) == ("True", "CredentialsIncomplete")
            assert "somebody else has written the key PGHOST" in told["message"]
            assert is_done(world), "the login is there"
            world.cluster.change(APP, credentials=None)
            await world.until("it is taken out", lambda: "good" not in world.secret(MINE.name))
            assert world.secret(MINE.name)["PGHOST"] == "elsewhere"
            assert world.secret(MINE.name)["certificates"] == "of somebody"
            await world.until("nothing is told", lambda: not condition(world.get(APP), "CredentialsIncomplete"))

    in_virtual_time(story())


def test_what_cannot_be_written_is_told_at_rest_too_and_no_password_shows() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, "a-${hard}-password", credentials={"presets": ["spring", "libpq"]})
            secret = world.secret(MINE.name)
            assert secret["PGPASSWORD"] == "a-${hard}-password"
            assert not [key for key in secret if key.startswith("SPRING")]
            message = condition(world.get(APP), "CredentialsIncomplete")["message"]
            assert message.startswith("the preset spring cannot hold this password")
            assert "hard" not in json.dumps(world.get(APP))
            version = world.get(APP)["metadata"]["resourceVersion"]
            for restart in (False, True):
                if restart:
                    await world.kill()
                    await world.start()
                await asyncio.sleep(60 * SOON)
                assert condition(world.get(APP), "CredentialsIncomplete")["message"] == message
            assert world.get(APP)["metadata"]["resourceVersion"] == version, "at rest nothing is written"
            assert world.secret(MINE.name) == secret

    in_virtual_time(story())


def test_a_lost_mark_is_put_back_and_a_key_does_not_keep_an_old_password() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, credentials={"presets": ["libpq"]})
            del world.get(MINE)["metadata"]["annotations"][WRITTEN]
            world.cluster.touch(MINE)
            await world.until("it is put back", lambda: "PGHOST" in written(world)["keys"])
            write(world, GIVEN, "password", GOOD)
            await world.until("it changes", lambda: world.secret(MINE.name)["PGPASSWORD"] == GOOD)
            assert not condition(world.get(APP), "CredentialsIncomplete")

    in_virtual_time(story())


async def with_certificate(world: VirtualWorld) -> None:
    world.cluster.create(ResourceKey("ConfigMap", SYSTEM, "provider"), {"data": {"root.pem": "PEM"}})
    world.cluster.apply(project(caCertificate={"name": "provider", "key": "root.pem"}))
    await world.start()
    for key in (MAIN, APP):
        world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
    await world.until("it is made", lambda: is_done(world))


def write_as_an_earlier_version(world: VirtualWorld) -> None:
    """Let the Secret be as an operator has written it that knew no TLS modes."""
    raw, uri = world.get(MINE), world.secret(MINE.name)["uri"]
    for key in written(world)["keys"]:
        del raw["data"][key]
    raw["metadata"]["annotations"].pop(WRITTEN)
    write(world, MINE, "sslmode", "require")
    write(world, MINE, "uri", uri.partition("?")[0] + "?sslmode=require")


@pytest.mark.parametrize("is_killed", [True, False])
def test_an_upgrade_lets_a_secret_require_and_the_spec_lets_it_verify(is_killed: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_certificate(world)
            new = world.secret(MINE.name)
            check = "sslmode=verify-full&sslrootcert=/bindings/app/ca.crt"
            assert (new["sslmode"], new["uri"].partition("?")[2]) == ("verify-full", check)
            if is_killed:
                await world.kill()
            write_as_an_earlier_version(world)
            if is_killed:
                await world.start()
            await world.until("what is new comes", lambda: "jdbc-url" in world.secret(MINE.name))
            upgraded = world.secret(MINE.name)
            assert upgraded["sslmode"] == "require"
            assert upgraded["uri"].endswith("?sslmode=require")
            assert upgraded["jdbc-url"].endswith("?sslmode=require")
            assert "sslrootcert" not in upgraded
            assert upgraded["certificates"] == "PEM"
            await asyncio.sleep(60 * SOON)
            assert world.secret(MINE.name) == upgraded

            world.cluster.change(APP, credentials={"tls": "verify-full"})
            await world.until("it verifies", lambda: world.secret(MINE.name) == new)
            world.cluster.change(APP, credentials=None)
            await asyncio.sleep(60 * SOON)
            assert world.secret(MINE.name) == new, "what verifies goes on to verify"
            assert is_done(world)

    in_virtual_time(story())


def test_at_rest_the_secret_is_not_read() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_certificate(world)
            world.cluster.change(APP, credentials=CREDENTIALS | {"tls": "require"})
            await world.until("it is written", lambda: "shop.conf" in world.secret(MINE.name))
            world.cluster.change(APP, credentials=CREDENTIALS)  # the mode stays by what the Secret says
            await world.until("it is seen", lambda: is_done(world))
            await asyncio.sleep(SOON)
            reads: list[str] = []
            real = world.cluster.request

            async def counting(method: str, path: str, **more: Any) -> Any:
                if method == "GET" and path.endswith(f"/secrets/{MINE.name}"):
                    reads.append(path)
                return await real(method, path, **more)

            world.cluster.request = counting  # type: ignore[method-assign]
            world.cluster.annotate(APP, sync_requested="look")
            await asyncio.sleep(60 * SOON)
            assert len(reads) <= 1, "a requested sync looks once, and at rest nobody looks"

    in_virtual_time(story())


def test_the_only_database_is_the_secrets() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            for name in ("shop", "facts"):
                world.cluster.apply(manifest("ManagedDatabase", name, NAMESPACE, IN_MAIN))
            spec = IN_MAIN | {"databases": [{"name": "shop"}]}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
            await world.until("it is made", lambda: is_done(world) and world.secret(MINE.name)["database"] == "shop")
            assert "/shop?" in world.secret(MINE.name)["uri"]
            world.cluster.change(APP, databases=[{"name": "shop"}, {"name": "facts"}])
            await world.until("it is not clear which", lambda: "database" not in world.secret(MINE.name))
            assert "spec.databaseRef" in condition(world.get(APP), "CredentialsIncomplete")["message"]
            world.cluster.change(APP, databaseRef={"name": "facts"})
            await world.until("it is said", lambda: world.secret(MINE.name).get("database") == "facts")
            await world.until("nothing is told", lambda: not condition(world.get(APP), "CredentialsIncomplete"))

    in_virtual_time(story())


def test_the_public_address_comes_goes_and_stays_while_it_is_not_told() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, credentials={"address": "Public"})
            name = world.secret(MINE.name)["host"]
            told = condition(world.get(APP), "CredentialsIncomplete")["message"]
            assert told.startswith("the address Public: the node has no public address")
            world.cluster.change(MAIN, floatingIPs={"master": True})
            await world.until("it is given", lambda: world.secret(MINE.name)["host"] != name)
            public = world.get(MAIN)["status"]["endpoints"]["publicReadWrite"]
            assert world.secret(MINE.name)["host"] == public
            assert f"@{public}:5432" in world.secret(MINE.name)["uri"]
            await world.until("nothing is told", lambda: not condition(world.get(APP), "CredentialsIncomplete"))

            await world.kill()
            await world.fault(path="^/v1/datastores", rows={"instances": LEFT_OUT})
            await world.start()
            await asyncio.sleep(60 * SOON)
            assert world.secret(MINE.name)["host"] == public, "what is not told is not changed"
            assert is_done(world)
            await world.clear_faults()

            world.cluster.change(APP, credentials={"address": "Private"})
            await world.until("it is not wanted", lambda: world.secret(MINE.name)["host"] == name)
            world.cluster.change(APP, credentials={"address": "Public"})
            await world.until("it is wanted again", lambda: world.secret(MINE.name)["host"] == public)
            world.cluster.change(MAIN, floatingIPs={"master": False})
            await world.until("it is taken", lambda: world.secret(MINE.name)["host"] == name)
            await world.until("it is told", lambda: condition(world.get(APP), "CredentialsIncomplete"))
            assert is_done(world)

    in_virtual_time(story())
