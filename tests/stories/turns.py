"""The user `app` with `rotation.strategy: TwoUsers`: waits for a turn, and for the end of a leaked login."""

from collections.abc import Awaitable, Callable

from stories.world import World

Secret = dict[str, str]


async def until_over(world: World, turn: str, user: str = "app") -> None:
    """Wait until the request `turn` is answered, and the login before is over."""

    async def is_over() -> bool:
        told = (await world.get("DatabaseUser", user))["status"]["rotation"]
        return told.get("handledRequest") == turn and not told.keys() & {"lockAt", "turningTo"}

    await world.until(f"the turn is over: {turn}", is_over)


async def leaked(world: World, is_let_in: Callable[[Secret], Awaitable[bool]]) -> Secret:
    """Ask for what is to be done after a leak; return the login once it is refused: soon after the Secret is switched."""
    login = await world.secret("app-user")
    assert await is_let_in(login)
    await world.change("DatabaseUser", "app", rotation={"keepOldFor": "0s"})
    await world.annotate("DatabaseUser", "app", rotate_password="leak")

    async def is_switched() -> bool:
        return (await world.secret("app-user"))["username"] != login["username"]

    await world.until("the Secret is switched", is_switched)

    async def is_refused() -> bool:
        return not await is_let_in(login)

    await world.until("the leaked login is refused", is_refused)
    await until_over(world, "leak")
    return login
