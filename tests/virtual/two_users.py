"""A user whose password changes by two users who take turns, and an application that logs in all the time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr

from managed_databases.kube.watched_collections import SECRET
from managed_databases.probe import Login, Outcome, ProbeAnswer
from managed_databases.reconcile.keepers.prober import Attempt
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, begin_with_datastore

MAIN, SHOP, APP = KEYS[:3]
TWIN = ResourceKey(APP.kind, NAMESPACE, "app-twin")
MINE, OWN, OTHERS = (ResourceKey(SECRET, NAMESPACE, name) for name in ("app-user", "app-user-own", "app-user-twin"))
TWO: dict[str, Any] = {"rotation": {"strategy": "TwoUsers", "keepOldFor": "10m"}}
SOON, HOUR = 60, 3600


@dataclass
class Application:
    """Logs in with what is mounted, twenty times a second for some seconds after anything happens; remembers each login that it
    has had.
    """

    world: VirtualWorld
    logins: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)
    times: int = 0

    async def work(self) -> None:
        happened = asyncio.Event()
        self.world.cluster.told.append(lambda kind, key, raw, gone: happened.set())
        seconds_to_answer = self.world.seconds_to_answer

        def is_sent(request: httpx.Request) -> float:
            if request.method != "GET":
                happened.set()
            return seconds_to_answer(request)

        self.world.seconds_to_answer = is_sent
        while True:
            happened.clear()
            for _ in range(40):
                await self._log_in()
                await asyncio.sleep(0.05)
            with suppress(TimeoutError):
                async with asyncio.timeout(30):
                    await happened.wait()

    async def _log_in(self) -> None:
        secret = self.world.secret(MINE.name)
        login = secret["username"], secret["password"]
        if login not in self.logins:
            self.logins.append(login)
        self.times += 1
        if not await self.world.login(self.world.get(MAIN)["status"]["id"], *login):
            self.refused.append((asyncio.get_running_loop().time(), login[0]))


@asynccontextmanager
async def at_work(world: VirtualWorld) -> AsyncIterator[Application]:
    application = Application(world)
    task = asyncio.create_task(application.work())
    try:
        yield application
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert application.times > 40
    assert not application.refused, application.refused[:5]


async def begin(world: VirtualWorld, **spec: Any) -> None:
    """The user is there, and the second one."""
    await begin_with_datastore(world)
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | TWO | spec))
    await world.until("there are two", lambda: rotation(world).get("active") == "Own" and is_well(world), 300)


def rotation(world: VirtualWorld) -> dict[str, str]:
    return dict(world.get(APP)["status"].get("rotation", {}))


def is_well(world: VirtualWorld) -> bool:
    users = [key for key in (APP, TWIN) if key in world.cluster.objects]
    return all(world.says(key, "Ready")[0] == world.says(key, "Synced")[0] == "True" for key in users)


def has_turned(world: VirtualWorld, side: str) -> bool:
    found = rotation(world)
    return found.get("active") == side and not found.keys() & {"turningTo", "lockAt"}


def is_over(world: VirtualWorld) -> bool:
    return not rotation(world).keys() & {"turningTo", "lockAt"} and is_well(world)


async def opens(world: VirtualWorld, login: tuple[str, str]) -> bool:
    return bool(await world.login(world.get(MAIN)["status"]["id"], *login))


async def users(world: VirtualWorld) -> list[str]:
    """The names of the users in the cloud."""
    return sorted(str(each["name"]) for each in await world.objects("users"))


async def mounted(world: VirtualWorld) -> tuple[str, str]:
    secret = world.secret(MINE.name)
    return secret["username"], secret["password"]


async def turned(world: VirtualWorld, request: str, side: str) -> None:
    """Ask for a turn, and wait until it is over."""
    world.cluster.annotate(APP, rotate_password=request)
    await world.until(f"it is the turn of {side}", lambda: has_turned(world, side) and is_well(world), HOUR)


def answering(answers: Mapping[str, Outcome]) -> Attempt:
    """Return what logs in: what comes of it stands in `answers`, by the user's name."""

    async def attempt(login: Login, password: SecretStr | None) -> ProbeAnswer:
        return ProbeAnswer(answers[login.user or ""])

    return attempt
