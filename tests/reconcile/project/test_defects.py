"""A part of a session that fails by a defect of the operator is told, and begun again after a pause; the others go on."""

import asyncio
from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.project.defects import PAUSE_SECONDS, TOLD_SECONDS, Defects
from reconcile.manual_clocks import GatedClock, LeapingClock

_MANY = 5


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> list[MutableMapping[str, Any]]:
    """What is logged, which is not printed: the stack of an error takes a while."""
    told = LogCapture()
    logger = structlog.wrap_logger(None, [told], structlog.make_filtering_bound_logger(0))
    monkeypatch.setattr("managed_databases.reconcile.project.defects.log", logger)
    return told.entries


class Part:
    """Fails with each of these errors, one a try, and then ends."""

    def __init__(self, clock: LeapingClock, *fails: BaseException) -> None:
        self.clock = clock
        self.fails = list(fails)
        self.begun: list[float] = []

    async def work(self) -> None:
        self.begun.append(self.clock.moment)
        if len(self.begun) > _MANY:
            pytest.fail("it is begun for ever")
        if self.fails:
            raise self.fails.pop(0)


class Session:
    def __init__(self) -> None:
        self.clock = LeapingClock()
        self.began = self.clock.moment
        self.seen: list[list[str]] = []
        """What was told at each change."""
        self.defects = Defects("main", self.clock, self.changed)

    def changed(self) -> None:
        self.seen.append(self.told)

    @property
    def told(self) -> list[str]:
        assert {reason for reason, _ in self.defects.troubles} <= {Reason.OPERATOR_DEFECT}
        return [message for _, message in self.defects.troubles]

    async def run(self, part: str, *fails: BaseException) -> list[float]:
        """The seconds, from the beginning, at which the part was begun."""
        its = Part(self.clock, *fails)
        await self.defects.lasting(part, its.work)
        return [moment - self.began for moment in its.begun]


@pytest.mark.parametrize(
    ("why", "fails", "begun"),
    [
        ("what ends is not begun again", [], [0.0]),
        ("after a defect it is, after a pause", [ValueError("a")], [0.0, PAUSE_SECONDS]),
        ("as often as there is one", [ValueError("a"), KeyError("b")], [0.0, PAUSE_SECONDS, 2 * PAUSE_SECONDS]),
    ],
)
async def test_when_a_part_is_begun(why: str, fails: Sequence[Exception], begun: list[float]) -> None:
    session = Session()
    assert await session.run("datastores", *fails) == begun, why
    assert len(session.seen) == len(fails), "each defect is told at once"


async def test_a_defect_is_told_without_the_errors_own_text(logged: list[MutableMapping[str, Any]]) -> None:
    session = Session()
    await session.run("datastores", ValueError("secret-of-the-test"))
    ((told,),) = session.seen
    (line,) = logged
    assert "(ValueError) stops the reading of datastores" in told
    assert f"incident={line['incident']};" in told
    assert (line["project"], line["part"], line["exc_info"]) == ("main", "datastores", True)
    assert "secret-of-the-test" not in told


async def test_of_each_part_the_latest_defect_is_told() -> None:
    session = Session()
    await session.run("users", ValueError("a"), KeyError("b"))
    await session.run("datastores", TypeError("c"))
    assert [told.partition(" stops")[0].partition("(")[2] for told in session.told] == ["TypeError)", "KeyError)"]
    assert ["datastores" in told for told in session.told] == [True, False]


@pytest.mark.parametrize(
    ("why", "after", "is_told"),
    [("at once", 0.0, True), ("a while", TOLD_SECONDS - 1, True), ("not for ever", TOLD_SECONDS, False)],
)
async def test_how_long_a_defect_is_told(why: str, after: float, is_told: bool) -> None:
    session = Session()
    await session.run("datastores", ValueError("a"))
    session.clock.moment = session.began + after
    assert bool(session.told) is is_told, why


async def test_a_defect_that_occurs_again_is_told_longer() -> None:
    session = Session()
    await session.run("datastores", ValueError("a"), ValueError("a"))
    session.clock.moment = session.began + TOLD_SECONDS
    assert len(session.told) == 1


async def test_the_same_defect_has_the_same_incident_in_one_project_only() -> None:
    session, other = Session(), Session()
    other.defects = Defects("other", other.clock, other.changed)
    for each in (session, other):
        await each.run("datastores", ValueError("a"), ValueError("b"))
        assert each.seen[0] == each.seen[1]
    assert session.seen != other.seen


@pytest.mark.parametrize("end", [asyncio.CancelledError(), KeyboardInterrupt()])
async def test_an_end_of_the_operator_is_no_defect(end: BaseException) -> None:
    session = Session()
    with pytest.raises(type(end)):
        await session.run("datastores", end)
    assert not session.seen
    assert not session.told


async def test_other_parts_go_on_meanwhile() -> None:
    clock, seen = GatedClock(), list[str]()

    async def fails() -> None:
        seen.append("fails")
        raise ValueError

    async def works() -> None:
        seen.append("works")

    defects = Defects("main", clock, lambda: None)
    failing = asyncio.create_task(defects.lasting("a", fails))
    await asyncio.sleep(0)
    await defects.lasting("b", works)
    assert seen == ["fails", "works"]
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)
