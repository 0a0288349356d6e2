"""Errors of the API (docs/architecture.md, Errors): shown in conditions, nothing made twice, nothing lost, and no person
needed.
"""

import asyncio
from typing import Any, NamedTuple

import pytest

from cluster import Manifest
from stories.world import World, condition

SPEED = 60
FAST = {
    "settings": {
        "clock_speed": SPEED,
        "call_limit_seconds": 1,
        "settle_margin_seconds": 180,
        "pending_poll_seconds": 6,
    }
}
POST_USERS = {"method": "POST", "path": "/v1/users$"}
LIST_USERS = {"method": "GET", "path": "/v1/users$"}
TOO_SLOW = 1.3
"""Longer than the call's limit of a second; its effect comes long before the second and the three after it are over."""


def said(code: int, message: str) -> dict[str, Any]:
    return {"status": code, "body": {"error": {"code": code, "title": "no", "message": message}}}


INVALID = said(400, "Validation failure: {'user.name': 'no'}")
OTHER_400 = said(400, "the datastore does not like it")
TOO_OFTEN = said(429, "too often") | {"headers": {"Retry-After": "60"}}


class Refusal(NamedTuple):
    why: str
    fault: dict[str, Any]
    type_: str
    reason: str


REFUSALS = [
    Refusal("the schema says no", INVALID, "Stalled", "Invalid"),
    Refusal("a 400 with nothing pending: three tries", OTHER_400, "Stalled", "Refused"),
    Refusal("no such right", said(403, "no"), "Stalled", "Forbidden"),
    Refusal("the parent is not found", said(404, "datastore x not found."), "Reconciling", "Looking"),
    Refusal("a conflict with nothing pending: three tries", said(409, "no"), "Stalled", "Refused"),
    Refusal("no such combination", said(422, "no"), "Stalled", "Invalid"),
    Refusal("too many calls", TOO_OFTEN, "Reconciling", "RateLimited"),
]

UNCLEAR: list[tuple[str, dict[str, Any]]] = [
    ("500 before", {"status": 500}),
    ("500 after", {"status": 500, "when": "after"}),
    ("reset before", {"reset": True}),
    ("reset after", {"reset": True, "when": "after"}),
    ("time-out before", {"delay_seconds": TOO_SLOW, "status": 500}),
    ("time-out, then the effect", {"delay_seconds": TOO_SLOW}),
    ("time-out after", {"delay_seconds": TOO_SLOW, "when": "after"}),
    ("garbage", {"garbage": True, "when": "after"}),
    ("the effect comes after the reset", {"effect_after_seconds": 0.5}),
    ("the token has expired", {"expire_tokens": True}),
]
"""Each met once."""


async def ready_world(world: World, *users: str) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=60), world.datastore(), *map(world.user, users))
    await world.becomes("ManagedDatastore", "main")
    for user in users:
        await world.becomes("DatabaseUser", user)


async def named(world: World, name: str, collection: str = "users") -> list[dict[str, Any]]:
    return [row for row in await world.sandbox.objects(collection) if row["name"] == name]


async def attempts(world: World, name: str) -> list[dict[str, Any]]:
    return [post for post in await world.posts("users") if post["body"]["user"]["name"] == name]


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_a_creation_that_is_refused(world: World) -> None:
    await ready_world(world)
    for number, row in enumerate(REFUSALS):
        name = f"u{number}"
        await world.sandbox.fault(**POST_USERS, **row.fault)
        await world.apply(world.user(name))
        resource = await world.becomes("DatabaseUser", name, row.type_, "True", row.reason)
        ready = condition(resource, "Ready")
        assert (ready["status"], ready["reason"]) == ("False", row.reason), row.why
        assert ready["message"], row.why
        assert not await named(world, name), row.why
        await world.sandbox.clear_faults()
    for number, row in enumerate(REFUSALS):
        name = f"u{number}"
        await world.becomes("DatabaseUser", name)
        assert len(await named(world, name)) == 1, row.why
        assert [post["status"] < 300 for post in await attempts(world, name)].count(True) == 1, row.why
        assert await world.login_works(name), row.why
    assert not await world.calls("DELETE")


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_a_creation_of_unclear_outcome(world: World) -> None:
    await ready_world(world)
    for number, (why, fault) in enumerate(UNCLEAR):
        name = f"u{number}"
        await world.sandbox.fault(**POST_USERS, times=1, **fault)
        await world.apply(world.user(name))
        await world.becomes("DatabaseUser", name)
        assert len(await named(world, name)) == 1, why
        assert await world.login_works(name), why
        posts = len(await attempts(world, name))
        worked = fault.get("when") == "after" or why in (
            "time-out, then the effect",
            "the effect comes after the reset",
        )
        assert posts == (1 if worked else 2), why
        assert sum(fault["met"] for fault in await world.sandbox.faults()) == 1, why
        await world.sandbox.clear_faults()
    assert not await world.calls("DELETE")


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_a_change_that_fails(world: World) -> None:
    """A datastore for each answer: all of them fail, then all of them heal, and Ready never moves."""
    rows = [(row.why, row.fault, row.reason) for row in REFUSALS]
    rows += [(why, fault, "") for why, fault in UNCLEAR if "expire_tokens" not in fault]
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=60))
    names = [f"ds{number}" for number in range(len(rows))]
    await world.apply(*(world.datastore(name, firewall=["10.0.0.0/8"]) for name in names))
    before = {name: await world.becomes("ManagedDatastore", name) for name in names}
    for name in names:
        await world.becomes("ManagedDatastore", name, "Synced")
    for name, (_, fault, _reason) in zip(names, rows, strict=True):
        path = f"/datastores/{before[name]['status']['id']}/firewall$"
        await world.sandbox.fault(method="PUT", path=path, **fault)
    await asyncio.gather(*(world.change("ManagedDatastore", name, firewall=["192.0.2.0/24"]) for name in names))
    for name, (why, fault, reason) in zip(names, rows, strict=True):
        if reason:
            # What may go away by itself counts as refused after three tries, which a slow machine may not see before.
            later = {"Refused"} if reason in ("Looking", "Busy") else set()

            async def is_told(name: str = name, reasons: set[str] = {reason} | later) -> dict[str, Any]:
                told = await world.get("ManagedDatastore", name)
                said = condition(told, "Synced")
                assert said["observedGeneration"] == told["metadata"]["generation"], said
                assert said["status"] == "False", said
                assert said["reason"] in reasons, said
                return told

            failed = await world.until(f"{name} says why", is_told)
            stalls = condition(failed, "Synced")["reason"] in ("Invalid", "Refused", "Forbidden")
            assert condition(failed, "Stalled")["status"] == str(stalls), why
        elif fault.get("when") == "after" or "status" not in fault:
            continue  # the change works, whatever was answered
        else:
            await world.becomes("ManagedDatastore", name, "Synced", "False", "ApiUnreachable")
        assert condition(await world.get("ManagedDatastore", name), "Ready")["status"] == "True", why
    await world.sandbox.clear_faults()
    for name, (why, _fault, _reason) in zip(names, rows, strict=True):
        healed = await world.becomes("ManagedDatastore", name, "Synced")
        assert since(healed) == since(before[name]), why
        (row,) = await named(world, name, "datastores")
        assert [entry["ip"] for entry in row["firewall"]] == ["192.0.2.0/24"], why
    assert len(await world.sandbox.objects("datastores")) == len(rows)
    assert not await world.calls("DELETE")


BAD_LISTS: list[tuple[str, dict[str, Any]]] = [
    ("400 validation", INVALID),
    ("400", OTHER_400),
    ("403", said(403, "no")),
    ("404", said(404, "not found")),
    ("409", said(409, "no")),
    ("422", said(422, "no")),
    ("429", said(429, "too often") | {"headers": {"Retry-After": "5"}}),
    ("500", {"status": 500}),
    ("time-out", {"delay_seconds": TOO_SLOW}),
    ("reset", {"reset": True}),
    ("garbage", {"garbage": True}),
    ("short list", {"short_list": 2}),
    ("empty list", {"short_list": 0}),
    ("expired tokens", {"expire_tokens": True, "times": 2}),
]


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_a_list_that_lies_or_fails(world: World) -> None:
    users = [f"u{number}" for number in range(5)]
    await ready_world(world, *users)
    before = {user: await world.get("DatabaseUser", user) for user in users}
    for why, fault in BAD_LISTS:
        id_ = await world.sandbox.fault(**LIST_USERS, **fault)
        await world.annotate("DatabaseUser", "u0", sync_requested=why.replace(" ", "-"))
        await met(world, id_, 2)
        for user in users:
            assert since(await world.get("DatabaseUser", user)) == since(before[user]), f"{why}: {user}"
        await heals(world)
    await world.sandbox.fault(**LIST_USERS, stale_list=True)
    await world.apply(world.user("late"))
    await world.becomes("DatabaseUser", "late")
    await world.sandbox.clear_faults()
    await world.apply(world.user("later"))
    await world.becomes("DatabaseUser", "later")
    for user in users:
        assert since(await world.becomes("DatabaseUser", user, "Synced")) == since(before[user]), user
    assert sorted(row["name"] for row in await world.sandbox.objects("users")) == sorted([*users, "late", "later"])
    assert len(await world.posts("users")) == len(users) + 2
    assert not await world.calls("DELETE")


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_credentials_that_are_refused_for_good(world: World) -> None:
    await ready_world(world, "app")
    before = await world.get("DatabaseUser", "app")
    await world.sandbox.fault(path="^/v1/", **said(401, "The request you have made requires authentication."))
    await world.becomes("DatabaseProject", world.project, "Ready", "False", "CredentialsInvalid")
    waits = await world.becomes("DatabaseUser", "app", "Synced", "False", "CredentialsInvalid")
    assert since(waits) == since(before)
    await world.apply(world.user("late"))
    await world.becomes("DatabaseUser", "late", "Ready", "False", "CredentialsInvalid")
    await world.sandbox.clear_faults()
    await world.becomes("DatabaseProject", world.project)
    assert since(await world.becomes("DatabaseUser", "app", "Synced")) == since(before)
    await world.becomes("DatabaseUser", "late")
    assert len(await world.sandbox.objects("users")) == 2


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_a_conflict_while_pending_is_a_wait(world: World) -> None:
    await ready_world(world, "app")
    datastore = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    await world.sandbox.settings(manual=True)
    await world.change("ManagedDatastore", "main", firewall=["192.0.2.0/24"])
    await world.becomes("ManagedDatastore", "main", "Synced", "False", "Pending")
    await world.sandbox.fault(method="PUT", path=f"/datastores/{datastore}", **said(409, "busy"))
    await world.change("ManagedDatastore", "main", firewall=["198.51.100.0/24"])
    resource = await world.becomes("ManagedDatastore", "main", "Reconciling")
    assert condition(resource, "Stalled")["status"] == "False"
    assert condition(resource, "Ready")["status"] == "True"
    await world.sandbox.clear_faults()
    await world.sandbox.settings(manual=False)
    await world.becomes("ManagedDatastore", "main", "Synced")
    (row,) = await named(world, "main", "datastores")
    assert [entry["ip"] for entry in row["firewall"]] == ["198.51.100.0/24"]


async def heals(world: World) -> None:
    """Remove the faults, and have a LIST work: the pauses after one that fails get longer with each."""
    await world.sandbox.clear_faults()
    asked = len(await world.sandbox.requests(**LIST_USERS))

    async def look() -> bool:
        return any(each["status"] == 200 for each in (await world.sandbox.requests(**LIST_USERS))[asked:])

    await world.until("a LIST works", look)


async def met(world: World, fault_id: str, times: int) -> None:
    async def look() -> bool:
        found = next(fault for fault in await world.sandbox.faults() if fault["id"] == fault_id)
        assert found["met"] >= times, found
        return True

    await world.until(f"the fault is met {times} times", look)


def since(resource: Manifest) -> tuple[str, str]:
    """What Ready says, and since when: unmoved means that it never said anything else in between."""
    ready = condition(resource, "Ready")
    return ready["status"], ready["lastTransitionTime"]
