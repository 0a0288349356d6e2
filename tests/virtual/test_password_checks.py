"""The check beside a password shows that somebody edited it, tells nothing else, and never causes a needless new password."""

import asyncio
from base64 import b64encode

import pytest
from pydantic import SecretStr

from managed_databases.reconcile.annotations import PASSWORD_CHECK
from managed_databases.reconcile.observe.passwords import PasswordChecks, check_number
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from virtual.test_guards_of_secrets import APP, ITS_SECRET, made, opens
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

GIVEN = "summer-2026"
ANOTHER_KEY = PasswordChecks(Seals(OwnershipKey.generate()))


def check_of(world: VirtualWorld) -> str:
    return str(world.get(ITS_SECRET)["metadata"]["annotations"][PASSWORD_CHECK])


def mark(world: VirtualWorld, check: str) -> None:
    world.get(ITS_SECRET)["metadata"]["annotations"][PASSWORD_CHECK] = check
    world.cluster.touch(ITS_SECRET)


def uid(world: VirtualWorld) -> str:
    return str(world.get(APP)["metadata"]["uid"])


def puts(world: VirtualWorld) -> int:
    return sum(each.method == "PUT" for each in world.sent)


def password(world: VirtualWorld) -> SecretStr:
    return SecretStr(world.secret(ITS_SECRET.name)["password"])


def test_nobody_without_the_key_can_try_passwords_by_the_check() -> None:
    mine = PasswordChecks(Seals(OwnershipKey.generate()))
    given = SecretStr(GIVEN)
    assert mine.make("uid", given).partition(".")[2] != ANOTHER_KEY.make("uid", given).partition(".")[2]
    key_id, _, mac = mine.make("uid", given).partition(".")
    assert len(mac) == 32
    for known in (check_number("uid", given), key_id, "uid"):
        assert known not in mac
    assert mine.judge(mine.make("uid", given), "uid", given) is True
    assert mine.judge(mine.make("uid", given), "uid", SecretStr("winter")) is False
    assert mine.judge(mine.make("uid", given), "another", given) is False


def test_an_earlier_versions_check_that_fits_is_renewed_without_a_call() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world)
            before = password(world)
            await world.kill()
            mark(world, check_number(uid(world), before))
            await world.start()
            await world.until("it is renewed", lambda: "." in check_of(world))
            await asyncio.sleep(60)
            assert world.says(APP, "Synced") == ("True", "InSync")
            assert password(world) == before
            assert puts(world) == 0

    in_virtual_time(scenario())


@pytest.mark.parametrize("edit", ["another key", "forged", "edited before", "no ASCII"])
def test_a_check_by_which_nobody_can_tell_changes_nothing(edit: str) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world)
            before = password(world)
            await world.kill()
            told = {
                "another key": ANOTHER_KEY.make(uid(world), before),
                "forged": "0000",
                "edited before": "none",
                "no ASCII": "\u00e9",
            }[edit]
            mark(world, told)
            await world.start()
            await asyncio.sleep(700)
            world.cluster.drop_data(ITS_SECRET, "host")
            await world.until("all else is mended", lambda: "host" in world.secret(ITS_SECRET.name))
            await asyncio.sleep(60)
            assert world.says(APP, "Ready") == ("True", "Ready")
            assert password(world) == before
            assert await opens(world)
            assert puts(world) == 0
            assert check_of(world) == told, "a new one would vouch for it"
            world.put_secret(APP.namespace, "given", {"password": GIVEN}, is_watched=True)
            world.cluster.change(APP, passwordSecretRef={"name": "given", "key": "password"})
            await world.until("it is known again", lambda: password(world) == SecretStr(GIVEN))
            await world.until("and so is its check", lambda: check_of(world) != told)
            assert await opens(world)

    in_virtual_time(scenario())


def test_an_edit_is_noticed_by_the_check() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await made(world)
            world.cluster.change_data(ITS_SECRET, {"password": b64encode(b"typed-by-hand").decode()})
            await world.until("it is mended", lambda: password(world) != SecretStr("typed-by-hand"))
            await asyncio.sleep(60)
            assert await opens(world)

    in_virtual_time(scenario())
