"""The promises that hold at every instant of a walk, whatever people, the cloud and bad luck do: each method checks one.

For a promise that takes a while to be kept, only the time counts in which nothing keeps the operator from keeping it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition
from virtual.everything import CLOUD_KINDS, collection
from virtual.faults import assert_conditions_agree
from virtual.memory_cluster import Raw
from virtual.trouble import EDITED_HOST, LASTS_SECONDS, THEIRS, Trouble
from virtual.virtual_world import NAMESPACE, VirtualWorld

SAYS_SO_SECONDS = 240.0
"""The longest until a status is about the spec as it is: a call of unknown outcome takes 30 s, and there are a few in a row."""
ASKED_BESIDE = {"OddAnnotation", "RestartIncomplete"}
"""Reasons for which Synced is False although the cloud matches the spec."""
PREFIXES = ("b-", "")
TELLS_OF_OTHERS = {"AlreadyExists", "Ambiguous", "Conflict", "DuplicateSuspected", "Looking", "NotAdoptable", "Pending"}
"""Reasons under which a resource names objects that nobody holds."""


class Promises:
    """Raises AssertionError from each of them. `keys`: the resources of the walk."""

    def __init__(self, world: VirtualWorld, trouble: Trouble, keys: Iterable[ResourceKey]) -> None:
        self.world = world
        self.trouble = trouble
        self._keys = tuple(keys)
        self._made_with: dict[str, str] = {}
        self._differs_since: dict[ResourceKey, float] = {}
        self._silent_since: dict[ResourceKey, tuple[object, float]] = {}
        self._not_there_since: dict[ResourceKey, float] = {}

    def knows_nothing(self) -> None:
        """A process that has only started must look first."""
        self._differs_since.clear()
        self._silent_since.clear()
        self._not_there_since.clear()

    async def nothing_is_there_twice(self) -> None:
        for name, kind in CLOUD_KINDS.items():
            model, key_of = kind.collection.model, kind.key_of
            there = await self.world.objects(collection(name))
            keys = Counter((each["project_id"], *key_of(model.model_validate(each))) for each in there)
            assert all(count == 1 for count in keys.values()), f"{name} twice: {keys}"

    def nothing_is_held_twice(self) -> None:
        held: Counter[tuple[str, str]] = Counter()
        for name in CLOUD_KINDS:
            for raw in self.world.cluster.of_kind(name).values():
                if id_ := raw["status"].get("id"):
                    held[name, id_] += 1
        assert all(count == 1 for count in held.values()), f"held twice: {held}"

    async def ready_only_if_there(self) -> None:
        """What the status claims at once, and what the cloud has as soon as the operator can know it."""
        now = asyncio.get_running_loop().time()
        if not await self.trouble.can_be_known(now):
            self._not_there_since.clear()
        for name in CLOUD_KINDS:
            there = {each["id"] for each in await self.world.objects(collection(name))}
            for key, raw in self.world.cluster.of_kind(name).items():
                id_, is_ready = raw["status"].get("id"), self.world.says(key, "Ready")[0] == "True"
                assert id_ or not is_ready, f"{key} is ready and nothing is there"
                if not is_ready or id_ in there:
                    self._not_there_since.pop(key, None)
                    continue
                since = self._not_there_since.setdefault(key, now)
                assert now - since < LASTS_SECONDS, f"{key} is ready, and {id_} is not in the cloud"

    def conditions_agree(self) -> None:
        for key in self._keys:
            if key in self.world.cluster.objects:
                assert_conditions_agree(self.world, key)

    async def secrets_lead_where_their_users_are(self, *, is_over: bool) -> None:
        datastores = await self.world.objects("datastores")
        hosts = {each["id"]: set((each.get("connection") or {}).values()) for each in datastores}
        for key, raw in self.world.cluster.of_kind("DatabaseUser").items():
            told = self.world.secret(f"{key.name}-user").get("host")
            if told == EDITED_HOST and not (is_over and is_as_wished(self.world, key)):  # by a person, a moment ago
                continue
            datastore = (raw["status"].get("identity") or {}).get("datastoreID")
            if told and raw["status"].get("id") and hosts.get(datastore):
                assert told in hosts[datastore], f"{key} is in {datastore}, and its Secret leads to {told}"

    async def nobody_is_locked_out(self, lost: set[str]) -> None:
        """`lost`: the users whose password nobody may know; one whose Secret opens is none of them any more."""
        for each in await self.world.objects("users"):
            if each["status"] != "ACTIVE":
                continue
            for name in ("app", "other", "twin"):
                raw = self.world.cluster.objects.get(ResourceKey("DatabaseUser", NAMESPACE, name))
                if raw is None or raw["status"].get("id") != each["id"]:
                    continue
                passwords = [self.world.secret(f"{name}-user{suffix}").get("password") for suffix in ("", "-pending")]
                opened = [
                    await self.world.login(each["datastore_id"], each["name"], word) for word in passwords if word
                ]
                if any(opened):
                    lost.discard(name)
                assert any(opened) or name in lost, f"{name} is locked out: {raw['status']}"

    async def nothing_is_renamed_unasked(self) -> None:
        """What the project's prefix was when an object was made stays in its name, whoever makes the project again."""
        for name in ("datastores", "prometheus-metrics-tokens"):
            for each in await self.world.objects(name):
                prefix = next(prefix for prefix in PREFIXES if each["name"].startswith(prefix))
                before = self._made_with.setdefault(each["id"], prefix)
                assert prefix == before, f"{each['id']} was made with the prefix {before!r} and is {each['name']} now"

    async def all_is_in_one_place(self, let_go: Iterable[tuple[str, str]]) -> None:
        """Wherever the project is led, and whosever its credentials are: nothing is made in another region, or in another of
        the cloud's projects, while something is held or begun in the first.
        """
        allowed, places = set(let_go), set()
        for name in CLOUD_KINDS:
            for each in await self.world.objects(collection(name)):
                is_ours = each.get("name") != THEIRS.name
                if is_ours and not {(name, each.get("name", "")), (name, "")} & allowed:
                    places.add((each["project_id"], each["region"]))
        assert len(places) <= 1, f"one project's objects are in {places}"

    async def nothing_is_forgotten(self, let_go: Iterable[tuple[str, str]]) -> None:
        """What nobody holds, and nobody has let go, is what an attempt may have made, or is told of."""
        allowed = set(let_go)
        for name in CLOUD_KINDS:
            there = self.world.cluster.of_kind(name).values()
            if any(raw["status"].get("intent") for raw in there) or (name, "") in allowed:
                continue
            known = {raw["status"].get("id") for raw in there}
            known |= {id_ for raw in there for id_ in raw["status"].get("lostIDs", ())}
            told = " ".join(self._told_of_others(there))
            for each in await self.world.objects(collection(name)):
                is_going = each.get("status") == "PENDING_DELETE"
                is_let_go = (name, each.get("name", "")) in allowed
                is_known = each["id"] in known or each["id"] in told
                assert is_known or is_going or is_let_go, f"nobody holds this {name}, nor tells of it: {each}"

    def _told_of_others(self, resources: Iterable[Raw]) -> Iterable[str]:
        for raw in resources:
            told = condition(raw, "Synced")
            if told.get("reason") in TELLS_OF_OTHERS:
                yield told["message"]

    async def what_differs_is_told(self) -> None:
        """Once the operator can know, it does not say that the cloud matches what it does not match: whatever was refused is
        not passed over.
        """
        now = asyncio.get_running_loop().time()
        if not await self.trouble.can_be_known(now):
            self._differs_since.clear()
        for key in self._keys:
            raw = self.world.cluster.objects.get(key)
            is_said = raw is not None and is_as_wished(self.world, key)
            is_of_today = raw is not None and raw["status"]["observedGeneration"] == raw["metadata"]["generation"]
            why = await self._how_it_differs(key, raw) if raw is not None and is_said and is_of_today else None
            if why is None:
                self._differs_since.pop(key, None)
                continue
            since = self._differs_since.setdefault(key, now)
            assert now - since < LASTS_SECONDS, f"{key} says that all is as it should be: {why}; {self._said(key)}"

    async def _how_it_differs(self, key: ResourceKey, raw: Raw) -> str | None:
        id_ = raw["status"].get("id")
        row = next((each for each in await self.world.objects(collection(key.kind)) if each["id"] == id_), None)
        if row is None:
            return f"{id_} is not there"
        if key.kind != "ManagedDatastore":
            return self._where_it_is_not(key, raw, row)
        spec: Raw = raw["spec"]
        wanted: dict[str, Any] = {"name": spec.get("name", key.name), "node_count": spec.get("nodeCount", 1)}
        actual = {"name": row["name"].removeprefix(self._made_with.get(row["id"], "")), "node_count": row["node_count"]}
        if (days := spec.get("backupRetentionDays")) is not None:
            wanted["days"], actual["days"] = days, row["backup_retention_days"]
        if spec.get("firewall") is not None:
            wanted["firewall"], actual["firewall"] = spec["firewall"], [entry["ip"] for entry in row["firewall"] or ()]
        for section in ("pooler", "config"):
            for name, value in (spec.get(section) or {}).items():
                wanted[f"{section}.{name}"] = value
                actual[f"{section}.{name}"] = (row[section] or {}).get(name)
        differing = {name: (actual[name], value) for name, value in wanted.items() if actual[name] != value}
        return f"the cloud's value and the spec's: {differing}" if differing else None

    def _where_it_is_not(self, key: ResourceKey, raw: Raw, row: Raw) -> str | None:
        named = raw["spec"].get("datastoreRef", {}).get("name")
        holder = (
            self.world.cluster.objects.get(ResourceKey("ManagedDatastore", key.namespace, named)) if named else None
        )
        meant = None if holder is None else holder["status"].get("id")
        return (
            f"it is in {row['datastore_id']}, not in {meant}" if meant not in (None, row.get("datastore_id")) else None
        )

    def each_wish_is_answered(self) -> None:
        """A status is about the spec as it is before long, whatever the cloud does: what cannot be done is told."""
        now = asyncio.get_running_loop().time()
        if self.world.cluster.away:
            self._silent_since.clear()
        for key in self._keys:
            raw = self.world.cluster.objects.get(key)
            if raw is None or raw["status"]["observedGeneration"] == raw["metadata"]["generation"]:
                self._silent_since.pop(key, None)
                continue
            asked = (raw["metadata"]["uid"], raw["metadata"]["generation"])
            before = self._silent_since.get(key)
            if before is None or before[0] != asked:
                self._silent_since[key] = asked, now
                continue
            assert now - before[1] < SAYS_SO_SECONDS, (
                f"{key} was asked for something, and says nothing: {self._said(key)}"
            )

    async def nothing_is_done_at_rest(self, seconds: float) -> None:
        """What steers nothing, and what never ends, is no reason to write or to call again and again. Dates may come."""
        there = self.world.cluster.objects
        with_dates = {key for key in self._keys if key in there and there[key]["spec"].get("rotation")}
        changing = {there[key]["status"].get("id") for key in (THEIRS, *with_dates)} - {None}
        before, sent = self._versions(without=with_dates), len(self.world.sent)
        await asyncio.sleep(seconds)
        after = self._versions(without=with_dates)
        assert after == before, f"something is written at rest: {before}, {after}"
        calls = [each for each in self.world.sent[sent:] if each.method != "GET" and "/identity/" not in each.path]
        wrong = [each for each in calls if not any(id_ in each.path for id_ in changing)]
        assert not wrong, f"something is called at rest: {wrong}"

    def _versions(self, *, without: set[ResourceKey]) -> dict[ResourceKey, str]:
        there = self.world.cluster.objects
        keys = [key for key in self._keys if key in there and key not in without]
        return {key: there[key]["metadata"]["resourceVersion"] for key in keys}

    def _said(self, key: ResourceKey) -> Raw:
        return dict(self.world.get(key)["status"])


def is_as_wished(world: VirtualWorld, key: ResourceKey) -> bool:
    """Whether the status says that the cloud matches the spec, whatever a person is asked to do besides."""
    status, reason = world.says(key, "Synced")
    return status == "True" or reason in ASKED_BESIDE
