"""When an object is asked for by its id, when it is not, how often, and what is found to be busy."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, datastore, uuid
from managed_databases.api.errors import OutcomeUnknown
from managed_databases.api.models import CloudObject, Topic
from managed_databases.kinds.observed import CreationView, Presence
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.act.looks_by_id import NOT_SEEN, LooksById
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.memory import LookMemory
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.retry_memory import FailedStep
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource
from reconcile.manual_clocks import StillClock
from reconcile.passes import KINDS

THERE = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="ACTIVE", partitions=1)
AT_WORK = THERE.model_copy(update={"status": "PENDING_UPDATE"})
UNSURE = Presence(is_unsure=True)
NO_LIST = Wait(Reason.UNREACHABLE, "topics cannot be listed")
NO_ANSWER = OutcomeUnknown("topics.get", "timeout")
BACKOFF = [2.0, 20.0, 120.0, 300.0, 600.0, 600.0]
GET = f"GET topics/{THERE.id} for KafkaTopic home/t, LOW"
GET_PARENT = f"GET datastores/{MAIN} for KafkaTopic home/t, LOW"
SPEC = {"datastoreRef": {"name": "main"}}


class Looking:
    """Nothing is drawn: each pause is the shortest of its kind."""

    def __init__(self, *, id_: str | None = THERE.id, shown: Any = THERE, **observed: Any) -> None:
        fields: dict[str, Any] = {"external": THERE} | observed
        self.stage = Stage(resource("KafkaTopic", "t", spec=SPEC, id_=id_, inside=MAIN), **fields)
        self.current, self.session, self.clock = self.stage.current, self.stage.session, StillClock()
        self.session.shown = {} if shown is None else {THERE.id: shown}
        synced = self.current.observed.status.model_copy(update={"synced_generation": 1})
        self.current.observed = replace(self.current.observed, status=synced)
        settings = ControllerSettings(min_backoff_seconds=2.0)
        self.looks = LooksById(KINDS, self.clock, settings, lambda: 0.0)

    async def look(self) -> bool:
        return await self.looks.look(self.current)

    @property
    def seconds(self) -> float | None:
        return self.looks.seconds(self.current)

    async def rest(self) -> float:
        """Let time pass until the object is asked for again; return the seconds."""
        begin, asked = self.clock.moment, len(self.stage.done)
        while len(self.stage.done) == asked:
            self.clock.moment += 1.0
            await self.look()
        return self.clock.moment - begin


def without_project(current: Pass) -> Pass:
    """The same resource, whose project cannot be used."""
    return Pass(
        resource=current.resource,
        kind=current.kind,
        observed=current.observed,
        context=current.context,
        checks=current.checks,
    )


# --- whether ---


@pytest.mark.parametrize(
    ("why", "fields", "is_asked_for"),
    [
        ("it is seen", {}, False),
        ("it is at work, and a list will tell", {"external": AT_WORK}, False),
        ("it is unsure", {"presence": UNSURE}, True),
        ("the list does not show it", {"external": None}, True),
        ("there is no list yet", {"external": None, "creation": CreationView(is_listed=False)}, False),
        ("there can be no list", {"external": None, "creation": CreationView(is_listed=False, unlisted=NO_LIST)}, True),
        ("it is gone", {"external": None, "presence": Presence(is_gone=True)}, False),
        ("it has no id", {"external": None, "id_": None}, False),
    ],
)
async def test_whether_it_is_asked_for(why: str, fields: dict[str, Any], is_asked_for: bool) -> None:
    looking = Looking(**fields)
    assert await looking.look() == is_asked_for, why
    assert looking.stage.done == ([GET] if is_asked_for else [])


@pytest.mark.parametrize(
    ("why", "external", "unlisted", "is_followed"),
    [
        ("no list will tell that it is ready", AT_WORK, NO_LIST, True),
        ("a list will tell", AT_WORK, None, False),
        ("it is ready", THERE, NO_LIST, False),
        ("nothing is seen of it", None, NO_LIST, False),
    ],
)
async def test_whether_it_is_followed_by_its_id(
    why: str, external: CloudObject | None, unlisted: Wait | None, is_followed: bool
) -> None:
    looking = Looking(external=external, shown=external, creation=CreationView(is_listed=False))
    looking.session.unlisted = unlisted
    assert looking.looks.is_followed_by_id(looking.current) == is_followed, why
    assert await looking.look() == is_followed
    assert not looking.looks.is_followed_by_id(without_project(looking.current))


async def test_without_a_project_nothing_is_asked() -> None:
    looking = Looking(presence=UNSURE)
    current = without_project(looking.current)
    assert not await looking.looks.look(current)
    assert looking.looks.seconds(current) is None
    assert looking.stage.done == []


async def test_out_of_turn_nothing_is_asked() -> None:
    looking = Looking(presence=UNSURE)
    looking.session.turns = 0
    assert not await looking.look()
    assert looking.stage.done == []
    assert looking.current.context.waits_for_turn
    assert looking.current.memory.look == LookMemory(), "it was not in vain"
    assert looking.seconds is None, "it has a pass when its turn comes"
    looking.session.turns = 1
    assert await looking.look()


# --- how often ---


async def test_what_was_asked_for_in_vain_is_asked_for_ever_more_rarely() -> None:
    looking = Looking(presence=UNSURE, shown=NO_ANSWER)
    assert not await looking.look()
    assert [await looking.rest() for _ in BACKOFF] == BACKOFF


async def test_what_is_not_told_whole_is_as_good_as_in_vain() -> None:
    odd = Topic.model_construct({"id", "datastore_id"}, id=THERE.id, name="", datastore_id=MAIN)
    assert not odd.is_whole
    looking = Looking(presence=UNSURE, shown=odd)
    assert await looking.look(), "something was learned"
    assert [await looking.rest() for _ in BACKOFF] == BACKOFF


async def test_what_no_list_tells_is_followed_ever_more_rarely() -> None:
    looking = Looking(external=AT_WORK, shown=AT_WORK)
    looking.session.unlisted = NO_LIST
    assert await looking.look()
    assert [await looking.rest() for _ in BACKOFF] == BACKOFF


@pytest.mark.parametrize(("why", "shown"), [("it is there", THERE), ("it is gone", None)])
async def test_an_answer_ends_it(why: str, shown: CloudObject | None) -> None:
    looking = Looking(presence=UNSURE, shown=NO_ANSWER)
    await looking.look()
    await looking.rest()
    looking.session.shown = {} if shown is None else {THERE.id: shown}
    await looking.rest()
    assert looking.current.memory.look == LookMemory(), why
    assert await looking.look(), "and it may be asked for at once"


async def test_what_a_list_has_told_meanwhile_ends_it() -> None:
    looking = Looking(presence=UNSURE, shown=NO_ANSWER)
    await looking.look()
    looking.current.observed = replace(looking.current.observed, presence=Presence())
    assert not await looking.look()
    assert looking.current.memory.look == LookMemory()


@pytest.mark.parametrize(
    ("why", "fields", "unlisted", "is_awaited"),
    [
        ("it is seen", {}, None, False),
        ("it is unsure", {"presence": UNSURE}, None, True),
        ("nothing is seen of it", {"external": None}, None, True),
        ("there is nothing", {"external": None, "id_": None}, None, False),
        ("it is followed by its id", {"external": AT_WORK}, NO_LIST, True),
        ("it is at work, and a list will tell", {"external": AT_WORK}, None, False),
    ],
)
async def test_when_it_may_be_asked_for_again(
    why: str, fields: dict[str, Any], unlisted: Wait | None, is_awaited: bool
) -> None:
    looking = Looking(**fields)
    looking.session.unlisted = unlisted
    looking.current.memory.look.again_at = looking.clock.moment + 50.0
    assert looking.seconds == (50.0 if is_awaited else None), why
    looking.clock.moment += 49.0
    assert looking.seconds == (2.0 if is_awaited else None), "never sooner than the settings say"


# --- what is busy ---

PARENT_AT_WORK = datastore(status="RESIZING")


@pytest.mark.parametrize(
    ("why", "external", "shown", "tries", "found", "asked"),
    [
        ("it is", THERE, {THERE.id: AT_WORK}, 0, AT_WORK, [GET]),
        ("its datastore is", THERE, {THERE.id: THERE, MAIN: PARENT_AT_WORK}, 0, PARENT_AT_WORK, [GET, GET_PARENT]),
        ("nothing is", THERE, {THERE.id: THERE, MAIN: datastore()}, 0, None, [GET, GET_PARENT]),
        ("there is none yet", None, {MAIN: PARENT_AT_WORK}, 0, PARENT_AT_WORK, [GET_PARENT]),
        ("nor at the second try", None, {MAIN: PARENT_AT_WORK}, 2, PARENT_AT_WORK, [GET_PARENT]),
        ("at the second try its datastore is not asked for", THERE, {THERE.id: THERE, MAIN: PARENT_AT_WORK}, 1, None, [GET]),
        ("it is gone", THERE, {MAIN: PARENT_AT_WORK}, 0, PARENT_AT_WORK, [GET, GET_PARENT]),
        ("it cannot be asked for", THERE, {THERE.id: NO_ANSWER, MAIN: PARENT_AT_WORK}, 0, None, [GET]),
    ],
)  # fmt: skip
async def test_what_is_busy(why: str, external: Any, shown: Any, tries: int, found: Any, asked: list[str]) -> None:
    looking = Looking(external=external)
    looking.session.shown = shown
    if tries:
        looking.current.memory.retry.held = FailedStep(None, 0.0, NO_LIST, tries, busy_tries=tries)
    assert await looking.looks.what_is_busy(looking.current) == found, why
    assert looking.stage.done == asked


async def test_what_has_no_datastore_around_it_is_alone() -> None:
    stage = Stage(resource("ManagedDatastore", "main", spec=dict(DATASTORE_SPEC), id_=MAIN), external=datastore())
    looks = LooksById(KINDS, StillClock(), ControllerSettings(), lambda: 0.0)
    assert await looks.what_is_busy(stage.current) is None
    assert stage.done == [f"GET datastores/{MAIN} for ManagedDatastore home/main, HIGH"]


@pytest.mark.parametrize(("turns", "asked"), [(0, []), (1, [GET])])
async def test_out_of_turn_nobody_can_tell_what_is_busy(turns: int, asked: list[str]) -> None:
    looking = Looking()
    looking.session.turns = turns
    looking.session.shown = {THERE.id: THERE, MAIN: PARENT_AT_WORK}
    assert await looking.looks.what_is_busy(looking.current) is NOT_SEEN
    assert looking.stage.done == asked
