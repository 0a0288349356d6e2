import asyncio

from managed_databases.reconcile.scheduling.places import Places


class Crowd:
    """Each one has a place until it is told to leave."""

    def __init__(self, places: Places) -> None:
        self.seated: list[str] = []
        self._places = places
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *names: str) -> None:
        """The first letter of a name is the account."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._sit(name))
        await self._settled()

    async def leave(self, name: str) -> None:
        self._ends[name].set()
        await self._settled()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await self._settled()

    async def _sit(self, name: str) -> None:
        async with self._places.of(name[0]):
            self.seated.append(name)
            await self._ends[name].wait()
        self.seated.remove(name)

    async def _settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_one_that_is_alone_has_all_but_the_spare_ones() -> None:
    crowd = Crowd(Places(3, 1))
    await crowd.come("a1", "a2", "a3", "a4")
    assert crowd.seated == ["a1", "a2", "a3"]
    await crowd.leave("a2")
    assert crowd.seated == ["a1", "a3", "a4"]


async def test_one_that_has_none_waits_for_nobody() -> None:
    crowd = Crowd(Places(3, 1))
    await crowd.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert crowd.seated == ["a1", "a2", "a3", "b1"], "c finds the spare one taken"
    await crowd.leave("b1")
    assert crowd.seated == ["a1", "a2", "a3", "b2"], "came before c"
    await crowd.leave("a1")
    assert crowd.seated == ["a2", "a3", "b2", "c1"], "c has none, b and a have"


async def test_those_that_wait_take_turns() -> None:
    crowd = Crowd(Places(2, 0))
    await crowd.come("a1", "a2", "a3", "a4", "a5", "b1", "b2")
    for gone in ("a1", "a2", "a3", "b1"):
        await crowd.leave(gone)
    assert crowd.seated == ["a4", "b2"]


async def test_who_gives_up_keeps_no_place() -> None:
    crowd = Crowd(Places(1, 0))
    await crowd.come("a1", "b1", "b2", "a2")
    await crowd.give_up("b1")
    await crowd.leave("a1")
    assert crowd.seated == ["a2"], "it was b's turn, and nobody was there any more"
    await crowd.leave("a2")
    assert crowd.seated == ["b2"]


async def test_who_gives_up_in_the_moment_of_its_turn_passes_it_on() -> None:
    places = Places(1, 0)
    crowd = Crowd(places)
    await crowd.come("a1", "b1", "c1")
    crowd._ends["a1"].set()
    await asyncio.sleep(0)  # a leaves, and b is told, but does not know yet
    crowd._tasks["b1"].cancel()
    await crowd._settled()
    assert crowd.seated[-1:] == ["c1"]
