"""What always fails holds up no other catalogue, and what may not be there goes soon whatever fails: in the keeper's own loop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from managed_databases.reconcile.catalogues.catalogue_keeper import LOOK_SECONDS, PAUSE_SECONDS, CatalogueKeeper
from managed_databases.reconcile.catalogues.wanted import Wanted
from managed_databases.reconcile.ports import KubeError, KubeRefused, KubeUnreachable
from reconcile.catalogues.test_catalogue_keeper import ANYTHING, FakeCatalogues, FakeWishes, Harness
from virtual.virtual_time import VirtualClock, in_virtual_time

QUOTA = KubeRefused("403: exceeded quota: count/databasecatalogues=0")
BROKEN = KubeUnreachable("500: failed calling webhook")
DAY = 24 * 3600.0
SOON = 30.0
"""Seconds in which a change is followed: less than any pause."""


def keeping(
    kube: FakeCatalogues,
    wishes: FakeWishes,
    story: Callable[[CatalogueKeeper], Awaitable[None]],
    watched: tuple[str, ...] = (),
) -> None:
    async def keep() -> None:
        keeper = CatalogueKeeper(kube, wishes, VirtualClock(), watched)  # type: ignore[arg-type]
        task = asyncio.create_task(keeper.run())
        await story(keeper)
        task.cancel()
        await asyncio.wait([task])

    in_virtual_time(keep())


@pytest.mark.parametrize("error", [QUOTA, BROKEN])
def test_many_namespaces_that_fail_hold_up_no_other(error: KubeError) -> None:
    failing = [f"a{number:02}" for number in range(20)]
    kube, wishes = FakeCatalogues(), FakeWishes(*failing, "shop", "web")
    kube.fails = {f"create {each}": error for each in failing}

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(len(failing) / 3 * (PAUSE_SECONDS + 10))
        assert {namespace for namespace, _ in kube.there} == {"shop", "web"}
        wishes.namespaces.add("at last")
        keeper.notice()
        await asyncio.sleep(PAUSE_SECONDS + SOON)
        assert ("at last", "team") in kube.there, "what has never failed comes first"
        kube.calls.clear()
        await asyncio.sleep(DAY)
        tries = [call for call in kube.calls if call[0] == "create"]
        assert len(tries) <= 3 * DAY / PAUSE_SECONDS
        assert {namespace for _, namespace in tries} == set(failing), "each is tried again"
        assert str(error) in (keeper.trouble or "")
        kube.fails.clear()
        await asyncio.sleep(LOOK_SECONDS + 2 * PAUSE_SECONDS)
        assert {namespace for namespace, _ in kube.there} == wishes.namespaces
        assert keeper.trouble is None

    keeping(kube, wishes, story)


def test_a_deletion_without_an_answer_holds_up_nothing_and_is_told() -> None:
    kube, wishes = FakeCatalogues(), FakeWishes("shop")
    kube.there["gone", "team"] = "x", 1, ANYTHING
    kube.fails["delete gone"] = BROKEN

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        assert ("shop", "team") in kube.there
        assert keeper.trouble is None, "it may pass"
        await asyncio.sleep(LOOK_SECONDS + PAUSE_SECONDS)
        assert keeper.trouble is not None
        assert "not deleted" in keeper.trouble
        kube.fails.clear()
        await asyncio.sleep(2 * PAUSE_SECONDS)
        assert kube.there.keys() == {("shop", "team")}
        assert keeper.trouble is None

    keeping(kube, wishes, story)


def test_a_lost_permission_is_followed_whatever_others_refuse() -> None:
    kube, wishes = FakeCatalogues(), FakeWishes("shop", "x", "y", "z")
    kube.fails = {f"create {each}": QUOTA for each in ("x", "y", "z")}

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        assert kube.there.keys() == {("shop", "team")}
        wishes.namespaces.remove("shop")
        keeper.notice()
        await asyncio.sleep(SOON)
        assert not kube.there

    keeping(kube, wishes, story)


@pytest.mark.parametrize("error", [QUOTA, BROKEN])
def test_a_failed_write_delays_no_deletion(error: KubeError) -> None:
    kube, wishes = FakeCatalogues(), FakeWishes("shop")

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        kube.fails["replace shop"] = error
        wishes.in_use = frozenset({("postgresql", "16")})
        keeper.notice()
        await asyncio.sleep(SOON)
        assert ("replace", "shop") in kube.calls
        wishes.namespaces.clear()
        keeper.notice()
        await asyncio.sleep(SOON)
        assert not kube.there
        assert keeper.trouble is None

    keeping(kube, wishes, story)


def test_many_refused_deletions_end_no_look() -> None:
    refusing = [f"a{number}" for number in range(10)]
    kube, wishes = FakeCatalogues(), FakeWishes()
    kube.there = {(each, "team"): ("x", 1, ANYTHING) for each in (*refusing, "shop")}
    kube.fails = {f"delete {each}": QUOTA for each in refusing}

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        assert ("shop", "team") not in kube.there
        kube.calls.clear()
        await asyncio.sleep(DAY)
        assert len(kube.calls) <= 1.2 * (len(refusing) + 1) * DAY / LOOK_SECONDS, "they rest"

    keeping(kube, wishes, story)


def test_a_namespace_that_cannot_be_listed_holds_up_no_other() -> None:
    kube, wishes = FakeCatalogues(), FakeWishes("a", "b", "shop")
    kube.fails = {"list a": BROKEN, "list b": QUOTA}

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        assert kube.there.keys() == {("shop", "team")}
        await asyncio.sleep(DAY)
        assert kube.there.keys() == {("shop", "team")}
        kube.fails.clear()
        await asyncio.sleep(LOOK_SECONDS + PAUSE_SECONDS)
        assert {namespace for namespace, _ in kube.there} == wishes.namespaces
        assert keeper.trouble is None

    keeping(kube, wishes, story, ("a", "b", "shop"))


def test_what_is_known_is_deleted_while_nothing_can_be_listed() -> None:
    kube, wishes = FakeCatalogues(), FakeWishes("shop", "web")

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        kube.fails["list"] = QUOTA
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert str(QUOTA) in (keeper.trouble or "")
        wishes.namespaces.remove("shop")
        keeper.notice()
        await asyncio.sleep(SOON)
        assert kube.there.keys() == {("web", "team")}

    keeping(kube, wishes, story)


def test_a_defect_ends_no_keeper() -> None:
    class Broken(FakeWishes):
        async def all(self) -> dict[tuple[str, str], Wanted]:
            if not self.is_known:
                raise ZeroDivisionError
            return await super().all()

    kube, wishes = FakeCatalogues(), Broken("shop")
    wishes.is_known = False

    async def story(keeper: CatalogueKeeper) -> None:
        await asyncio.sleep(SOON)
        wishes.is_known = True
        await asyncio.sleep(PAUSE_SECONDS)
        assert ("shop", "team") in kube.there

    keeping(kube, wishes, story)


async def test_a_write_that_had_its_effect_without_an_answer_can_be_deleted() -> None:
    harness = Harness("a")
    harness.kube.answers_get_lost = True
    assert await harness.look() == [("create", "a")]
    assert harness.kube.there
    harness.kube.answers_get_lost = False
    harness.wishes.namespaces.clear()
    assert await harness.look() == [("delete", "a")]
    assert not harness.kube.there


async def test_one_that_was_there_already_and_cannot_be_replaced_can_be_deleted() -> None:
    harness = Harness("a")
    await harness.keeper.look()
    harness.kube.there["b", "team"] = "of another process", 1, ANYTHING
    harness.kube.fails["replace b"] = QUOTA
    harness.wishes.namespaces.add("b")
    assert await harness.look() == [("create", "b"), ("replace", "b")]
    harness.wishes.namespaces.remove("b")
    assert await harness.look() == [("delete", "b")]
