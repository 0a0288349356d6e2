import asyncio
from datetime import UTC

import pytest

from managed_databases.reconcile.clock import Clock


async def test_sleeps_at_least_the_seconds_of_its_own_time() -> None:
    clock = Clock(speed=1000)
    before = clock.monotonic()
    await clock.sleep(10)
    assert clock.monotonic() - before >= 10


async def test_does_not_sleep_for_nothing() -> None:
    clock = Clock(speed=0.001)
    await clock.sleep(0)
    await clock.sleep(-5)


async def test_a_set_event_ends_the_wait() -> None:
    clock, event = Clock(), asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await clock.wait(event, clock.monotonic() + 3600)


async def test_a_wait_without_end_ends_with_the_event() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await Clock().wait(event, None)


async def test_the_moment_ends_the_wait_and_not_before() -> None:
    clock, event = Clock(speed=1000), asyncio.Event()
    until = clock.monotonic() + 10
    assert not await clock.wait(event, until)
    assert clock.monotonic() >= until


async def test_an_event_that_was_set_counts_after_the_moment() -> None:
    clock, event = Clock(), asyncio.Event()
    event.set()
    assert await clock.wait(event, clock.monotonic() - 1)


async def test_a_cancelled_wait_is_cancelled() -> None:
    waiting = asyncio.create_task(Clock().wait(asyncio.Event(), None))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_the_wall_clock_is_in_utc() -> None:
    assert Clock(speed=1000).now().tzinfo is UTC


def test_time_must_pass() -> None:
    with pytest.raises(ValueError, match="speed"):
        Clock(speed=0)
