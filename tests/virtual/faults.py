"""Every fault of the sandbox, every kind and every phase of life: what a test breaks, and what must stay true meanwhile."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.faults import LEFT_OUT
from stories.world import condition
from virtual.everything import CLOUD_KINDS, collection
from virtual.memory_cluster import Raw
from virtual.virtual_world import Sent, VirtualWorld

Calls = Literal["all", "changing"]
"""Which calls of a collection a fault meets: a LIST that fails keeps most others from being made."""
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
Phase = Literal["create", "rest", "change", "delete"]
PHASES: tuple[Phase, ...] = ("create", "rest", "change", "delete")

_PAGE = "<html><head><title>not here</title></head><body>default backend</body></html>"
_NOWHERE = "00000000-0000-4000-8000-000000000000"
_SELDOM_LEFT_OUT = (
    "connection",
    "instances",
    "firewall",
    "pooler",
    "config",
    "node_count",
    "flavor",
    "disk",
    "updated_at",
)
_VALIDATION = {"error": {"code": 400, "title": "Bad Request", "message": "Validation failure: {'x': 'no'}"}}
_PROSE = {"error": {"code": 400, "title": "Bad Request", "message": "Validation failure: datastore cannot be resized"}}

REQUEST_FAULTS: dict[str, dict[str, Any]] = {
    "400": {"status": 400},
    "400 of validation": {"status": 400, "body": _VALIDATION},
    "400 in prose": {"status": 400, "body": _PROSE},
    "401": {"status": 401},
    "403": {"status": 403},
    "404": {"status": 404},
    "409": {"status": 409},
    "429": {"status": 429, "headers": {"Retry-After": "30"}},
    "500": {"status": 500},
    "502 after the effect": {"status": 502, "when": "after"},
    "503": {"status": 503},
    "time-out": {"delay_seconds": 60, "status": 504},
    "time-out after the effect": {"delay_seconds": 60, "when": "after", "status": 504},
    "reset": {"reset": True},
    "reset after the effect": {"reset": True, "when": "after"},
    "effect 20 s after the reset": {"effect_after_seconds": 20},
    "delay": {"delay_seconds": 5},
    "short list": {"short_list": 1},
    "empty list": {"short_list": 0},
    "stale list": {"stale_list": True},
    "403 of an ingress": {"status": 403, "body": _PAGE, "headers": {"Content-Type": "text/html"}},
    "404 of an ingress": {"status": 404, "body": _PAGE, "headers": {"Content-Type": "text/html"}},
    "404 of an ingress after the effect": {
        "status": 404,
        "body": _PAGE,
        "headers": {"Content-Type": "text/html"},
        "when": "after",
    },
    "404 of a gateway": {"status": 404, "body": {"message": "no Route matched with those values"}},
    "404 about something else": {
        "status": 404,
        "body": {"error": {"code": 404, "title": "Not Found", "message": f"datastore {_NOWHERE} not found."}},
    },
    "200 of an ingress": {"status": 200, "body": _PAGE, "headers": {"Content-Type": "text/html"}},
    "an empty 200": {"status": 200, "body": ""},
    "200 of another envelope": {"status": 200, "body": {"servers": []}},
    "rows without a name": {"rows": {"name": None}},
    "rows of another type": {"rows": {"status": 5, "connection": "none", "disk_used": "n/a", "name": 5}},
    "rows that tell little": {"rows": dict.fromkeys(_SELDOM_LEFT_OUT, LEFT_OUT)},
    "garbage": {"garbage": True},
    "garbage after the effect": {"garbage": True, "when": "after"},
    "expired token": {"expire_tokens": True, "times": 20},
}
"""What the API does to requests; the call's limit is 30 s."""

_UNCLEAR = {"ApiUnreachable", "Looking"}
BLAMED = {
    "400": {"Refused", "Busy"},
    "400 of validation": {"Invalid", "Refused"},
    "400 in prose": {"Refused", "Busy"},
    "401": {"CredentialsInvalid"},
    "403": {"Forbidden", "Refused"},
    "404": {"Looking", "ApiUnreachable"},
    "403 of an ingress": {"Forbidden", "Refused", "Looking"},  # whether it had an effect is not known
    "404 about something else": {"Looking", "Refused"},
    **dict.fromkeys(("404 of an ingress", "404 of a gateway", "200 of another envelope"), _UNCLEAR),
    "409": {"Refused", "Busy"},
    "429": {"RateLimited"},
    **dict.fromkeys(("500", "503", "time-out", "reset", "garbage"), _UNCLEAR),
}
"""Of the faults that let nothing through: the reasons that a step may be shown to fail for."""
SURELY_REFUSED = ("400", "400 of validation", "400 in prose", "401", "403", "409", "429")
"""The answers after which nothing has changed, for certain. After any other the cloud may have a new password: that the
Secret opens is not known then, and not claimed.
"""
GOING = {"Deleting", "InUse"}
_NOT_CREATED = re.compile(r"waits for (\w+) ([^/ ]+)/(\S+), which is not created yet")

OBJECT_FAULTS: dict[str, dict[str, Any]] = {
    "ERROR": {"status": "ERROR"},
    "DOWN": {"status": "DOWN"},
    "DEGRADED": {"status": "DEGRADED"},
    "DISK_FULL": {"status": "DISK_FULL"},
    "maintenance": {"is_maintenance": True},
    "a status nobody knows": {"status": "REBALANCING"},
}
STAYS_READY = ("DEGRADED", "maintenance", "a status nobody knows")
"""Of those, by design."""

IN_FLIGHT_SECONDS = 45.0
"""So long a call may be under way before it is known that its outcome is not: the call's limit, and a look or two."""
EARLY_SECONDS = 300.0
MAX_EARLY, MAX_AN_HOUR = 8, 12
OF_A_FURTHER_CHANGE = 6


def pattern(kinds: tuple[str, ...]) -> str:
    """The paths of these kinds' collections."""
    return f"^/v1/({'|'.join(sorted(collection(kind) for kind in kinds))})(/|$)"


@dataclass
class Watch:
    """Looks at everything again and again while a fault lasts. `was_ready`: what must stay so. `is_unclear`: what a call
    does that meets the fault is not known.
    """

    world: VirtualWorld
    was_ready: set[ResourceKey] = field(default_factory=set)
    is_unclear: bool = False
    _outdated: dict[ResourceKey, str] = field(default_factory=dict)
    _shut_since: dict[ResourceKey, float] = field(default_factory=dict)
    _checks: dict[ResourceKey, str | None] = field(default_factory=dict)

    def all_are_ready(self, resources: Iterable[ResourceKey]) -> None:
        """All these are usable now, and shall stay so."""
        self.was_ready = set(resources)
        self._checks = {key: self._of(key).get("passwordCheck") for key in resources}

    async def look(self) -> None:
        """What is usable stays so; what says that it is there has an id, and a Secret that opens it; conditions do not
        contradict each other, say why, and do not wait for what is there already. Raises AssertionError.
        """
        outdated, self._outdated = self._outdated, {}
        for key in self.was_ready:
            if not (await self._may_have_another_password(key) or self._has_just_another_password(key)):
                assert self.world.says(key, "Ready")[0] == "True", f"{key} is fine and does not say so: {self._of(key)}"
        for kind in CLOUD_KINDS:
            for key in self.world.cluster.of_kind(kind):
                if self.world.says(key, "Ready")[0] == "True":
                    assert self._of(key).get("id"), f"{key} is ready and nothing is there"
                assert_conditions_agree(self.world, key)
                if said := self._waits_for_what_is_there(key):
                    assert outdated.get(key) != said, f"{key} still says, though it is there: {said}"
                    self._outdated[key] = said
        await self._ready_only_if_it_opens()

    async def _may_have_another_password(self, key: ResourceKey) -> bool:
        pending = ResourceKey(SECRET, key.namespace, f"{key.name}-user-pending")
        if key.kind != "DatabaseUser" or pending not in self.world.cluster.objects:
            return False
        return self.is_unclear or not await self._opens(key)

    def _has_just_another_password(self, key: ResourceKey) -> bool:
        """Whether the Secret has just got a new password, and no status tells yet that the cloud is done with it (ACTIVE). If the
        project cannot be asked any more right then, Ready stays False, as it was during the change.
        """
        status = self._of(key)
        if self.world.says(key, "Ready")[0] == "True":
            self._checks[key] = status.get("passwordCheck")
        return status.get("phase") == "PENDING_UPDATE" and status.get("passwordCheck") != self._checks[key]

    async def _opens(self, key: ResourceKey) -> bool:
        datastore, name = self._of(key)["identity"]["key"]
        password = self.world.secret(f"{key.name}-user").get("password", "")
        return bool(await self.world.login(datastore, name, password))

    async def _ready_only_if_it_opens(self) -> None:
        now = asyncio.get_running_loop().time()
        for key in self.world.cluster.of_kind("DatabaseUser"):
            if self.world.says(key, "Ready")[0] != "True" or await self._opens(key):
                self._shut_since.pop(key, None)
                continue
            since = self._shut_since.setdefault(key, now)
            assert now - since < IN_FLIGHT_SECONDS, f"{key} says Ready, and its Secret does not open: {self._of(key)}"

    def _waits_for_what_is_there(self, key: ResourceKey) -> str | None:
        told = condition(self.world.get(key), "Synced").get("message", "")
        match = _NOT_CREATED.match(told)
        other = self.world.cluster.objects.get(ResourceKey(*match.groups())) if match else None
        return told if other is not None and other["status"].get("id") else None

    def _of(self, key: ResourceKey) -> Raw:
        status: Raw = self.world.get(key)["status"]
        return status


def assert_conditions_agree(world: VirtualWorld, key: ResourceKey) -> None:
    """They say why, and do not contradict each other."""
    raw = world.get(key)
    told = {each["type"]: each for each in raw["status"].get("conditions", ())}
    assert all(each["message"] and each["reason"] for each in told.values()), f"{key} does not say why: {told}"
    true = {type_ for type_, each in told.items() if each["status"] == "True"}
    assert not true >= {"Stalled", "Reconciling"}, f"{key} waits for a person and works: {told}"
    if "Synced" in true:
        assert not true & {"Stalled", "Reconciling"}, f"{key} is as wished, and not: {told}"
        assert raw["status"].get("syncedGeneration") == told["Synced"]["observedGeneration"], f"{key}: {raw}"


async def at_most_one_for_each(world: VirtualWorld, resources: dict[ResourceKey, Raw]) -> None:
    """No cloud object has the key of another."""
    for name, kind in CLOUD_KINDS.items():
        model, key_of = kind.collection.model, kind.key_of
        keys = Counter(key_of(model.model_validate(each)) for each in await world.objects(collection(name)))
        assert all(count == 1 for count in keys.values()), f"{name}: {keys}"


def assert_blamed(world: VirtualWorld, phase: Phase, fault: str, kinds: tuple[str, ...]) -> None:
    """What is not as wished says why: for the fault, or for another resource that it waits for. What could not be created
    says so.
    """
    if fault not in BLAMED or phase == "rest":
        return
    is_named = False
    for key, raw in [each for kind in kinds for each in world.cluster.of_kind(kind).items()]:
        told = condition(raw, "Synced")
        names_it = told["reason"] in _reasons_for(fault, raw)
        is_named |= names_it
        if phase == "create":
            assert (told["status"], world.says(key, "Ready")[0]) == ("False", "False"), f"{key}: {raw['status']}"
        is_going = "deletionTimestamp" in raw["metadata"] and told["reason"] in GOING
        is_blamed = names_it or told["message"].startswith("waits for ")
        assert told["status"] == "True" or is_blamed or is_going, f"{key}: {raw['status']}"
    if phase != "delete":  # most goes with its datastore
        assert is_named, f"nobody names the fault: {world.cluster.objects}"


def _reasons_for(fault: str, raw: Raw) -> set[str]:
    """Of a creation whose outcome is not known again and again that, too."""
    is_unclear = fault not in SURELY_REFUSED and "intent" in raw["status"] and "id" not in raw["status"]
    return BLAMED[fault] | ({"DuplicateSuspected"} if is_unclear else set())


def assert_bounded(sent: list[Sent], kinds: tuple[str, ...], resources: int, *, ends: bool = False) -> None:
    """At most 8 calls for each failing resource in the first five minutes, then 12 an hour; LISTs serve everybody. A change
    that is refused holds up no other: each further one has its three tries, and a look after each of them.

    Creations carry no id: those of a kind are counted together. A datastore is also looked at for what is in it and
    waits for it: such a GET counts once for each of the two. A fault that `ends` meanwhile leaves one that works.
    """
    calls: dict[str, list[Sent]] = defaultdict(list)
    names = {collection(kind) for kind in kinds}
    for each in sent:
        _, _, of, *rest = each.path.split("/")
        if of in names and (each.method != "GET" or rest):
            calls[f"{of}/{rest[0] if rest else ''}"].append(each)
    for what, all_ in calls.items():
        share = resources if what.endswith("/") else 2 if what.startswith("datastores/") else 1
        first, last = all_[0].at, all_[-1].at
        early = sum(each.at - first <= EARLY_SECONDS for each in all_)
        hours = max(1.0, (last - first - EARLY_SECONDS) / 3600)
        told = [f"{each.at - first:.1f} {each.method} {each.path}" for each in all_]
        further = max(len({each.path for each in all_ if each.method != "GET"}) - 1, 0) * OF_A_FURTHER_CHANGE
        most = (MAX_EARLY + ends) * share + (0 if what.endswith("/") else further)
        assert early <= most, f"{what}: {early} calls in five minutes: {told}"
        assert len(all_) - early <= MAX_AN_HOUR * hours * share, f"{what}: too many calls an hour: {told}"
