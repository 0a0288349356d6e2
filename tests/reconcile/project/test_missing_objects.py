"""What a LIST did not show is asked for by id: few GETs, each for a reason, and ever fewer for what LISTs go on hiding."""

import asyncio
from itertools import pairwise
from typing import cast

import pytest

from managed_databases.api.errors import NeverSent
from managed_databases.api.models import Database, Datastore
from managed_databases.kinds.kind import CloudKind
from managed_databases.reconcile.project.missing_objects import MissingObjects
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.project.project_objects import KnownCollection, ProjectObjects
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.manual_clocks import StillClock
from reconcile.project.fake_project import DATABASE_KIND, DATASTORE_KIND, LOW


class FakeObjects(ProjectObjects):
    """Answers each GET by what is there; `fails` are ids whose GET is not sent."""

    def __init__(self) -> None:
        super().__init__("main", cast(ProjectClient, None), lambda *_: None)
        self.there: set[str] = set()
        self.fails: set[str] = set()
        self.asked: list[str] = []

    async def look(
        self, known: KnownCollection, id_: str, priority: Priority, who: object = None, account: object = None
    ) -> None:
        self.asked.append(id_)
        await asyncio.sleep(0)
        if id_ in self.fails:
            raise NeverSent("get", "no connection")
        obj = known.snapshot.get(id_)
        if id_ in self.there and obj is not None:
            known.snapshot.answered(obj)
        else:
            self.gone(known, id_, priority)


class Missing:
    """The databases `x0`, `x1` ... of the datastore `a`, which a LIST has shown and the next one has not."""

    def __init__(self, count: int, *, knows_datastores: bool = True) -> None:
        self.clock = StillClock()
        self.objects = FakeObjects()
        self.databases = self._known(DATABASE_KIND)
        databases = [
            Database.model_construct(id=f"x{number}", name=f"x{number}", datastore_id="a") for number in range(count)
        ]
        self.databases.snapshot.list_finished(self.databases.snapshot.list_started(0), databases)
        if knows_datastores:
            datastores = self._known(DATASTORE_KIND)
            datastore = Datastore.model_construct(id="a", name="a")
            datastores.snapshot.list_finished(datastores.snapshot.list_started(0), [datastore])
        self.ids = {each.id for each in databases}
        self.looks = MissingObjects(self.databases, self.objects, self.clock, lambda: 0.0, 10.0, lambda: LOW)

    def _known(self, side: CloudKind) -> KnownCollection:
        return self.objects.of(side)

    async def look(self) -> list[str]:
        """A LIST shows none of them, and they are looked for; return what was asked for."""
        snapshot = self.databases.snapshot
        for id_ in self.ids:
            snapshot.outcome_unknown(id_)
        self.objects.asked.clear()
        await self.looks.look_for(self.ids)
        return sorted(self.objects.asked)


async def test_each_is_asked_for_when_few_are_missing() -> None:
    missing = Missing(3)
    assert await missing.look() == ["x0", "x1", "x2"]
    assert not missing.databases.snapshot.all()


async def test_the_datastore_of_many_is_asked_for_first_and_takes_them_with_it() -> None:
    missing = Missing(30)
    assert await missing.look() == ["a"]
    assert not missing.databases.snapshot.all()


@pytest.mark.parametrize("knows_datastores", [True, False])
async def test_a_datastore_that_is_there_does_not_answer_for_what_was_in_it(knows_datastores: bool) -> None:
    missing = Missing(4, knows_datastores=knows_datastores)
    missing.objects.there = {"a", *missing.ids}
    assert await missing.look() == ["a"] * knows_datastores + ["x0", "x1", "x2", "x3"]
    assert len(tuple(missing.databases.snapshot.all())) == 4


async def test_what_lists_go_on_hiding_is_asked_for_ever_more_rarely() -> None:
    missing = Missing(1)
    missing.objects.there = {"x0"}
    moments = []
    for _ in range(2000):
        if await missing.look():
            moments.append(missing.clock.moment)
        missing.clock.moment += 1
    pauses = [after - before for before, after in pairwise(moments)]
    assert pauses[:4] == [10, 20, 120, 300], "never below the least pause"


async def test_what_was_shown_again_is_asked_for_at_once_the_next_time() -> None:
    missing = Missing(1)
    missing.objects.there = {"x0"}
    assert await missing.look() == ["x0"]
    assert await missing.look() == []
    await missing.looks.look_for(())
    assert await missing.look() == ["x0"]


async def test_after_a_failure_no_more_are_asked_for() -> None:
    missing = Missing(20, knows_datastores=False)
    missing.objects.fails = missing.ids
    with pytest.raises(NeverSent):
        await missing.look()
    assert len(missing.objects.asked) == 4, "those that were under way"
    assert len(tuple(missing.databases.snapshot.all())) == 20
