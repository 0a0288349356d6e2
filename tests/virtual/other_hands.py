"""People who change datastores in the cloud directly: the operator must not reset a field that it has not set.

The tests know from the operator's calls what it has set, not from its statuses.
"""

import json
import re
from typing import Any

import httpx

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition
from virtual.virtual_world import NAMESPACE, VirtualWorld

MAIN = ResourceKey("ManagedDatastore", NAMESPACE, "main")
SURELY_WITHOUT_EFFECT = {400, 401, 403, 409, 429}
ALL_OF_THEM = "*"
"""Stands for the id of what a POST makes."""
DEFAULT_POOLER = {"mode": "transaction", "size": 30}

OURS: dict[str, dict[str, Any]] = {
    "firewall": {"firewall": ["198.51.100.0/24"]},
    "pooler": {"pooler": {"mode": "statement", "size": 11}},
    "config.work_mem": {"config": {"work_mem": 1111}},
    "config.max_connections": {"config": {"max_connections": 55}},
}
"""What a person asks for, by what would be reset."""
THEIRS: dict[str, dict[str, Any]] = {
    "firewall": {"firewall": [{"ip": "203.0.113.0/24"}]},
    "pooler": {"pooler": {"mode": "session", "size": 77}},
    "config.work_mem": {"config": {"work_mem": 7777}},
    "config.max_connections": {"config": {"max_connections": 77}},
}
FIELDS = tuple(OURS)
REPORTED = {
    "firewall": "the firewall lets in",
    "pooler": "the pooler's mode becomes",
    "config.work_mem": "work_mem becomes",
    "config.max_connections": "max_connections becomes",
}
"""The words by which a difference is told."""
_SECTION = re.compile(r"/datastores(?:/(?P<id>[^/]+)/(?P<section>firewall|pooler|config))?$")


class OtherHands:
    """`wrong`: the resets that nobody may have sent."""

    def __init__(self, world: VirtualWorld) -> None:
        self.world = world
        self.wrong: list[str] = []
        self._set: set[tuple[str, str]] = set()
        """The id of a datastore, and what the operator has set of it, or may have: what others have not changed since."""
        self._ever: set[tuple[str, str]] = set()
        self._begun: dict[int, set[tuple[str, str]]] = {}
        """Of the calls under way, what was not set before."""

    async def change(self, field: str) -> None:
        """They set it to a value of theirs, whoever has set it before."""
        id_ = self._held()
        for each in await self.world.objects("datastores"):
            if each["id"] == id_ and each["status"] == "ACTIVE":
                told = THEIRS[field]
                if "config" in told:
                    told = {"config": (each["config"] or {}) | told["config"]}
                await self.world.edit("datastores", each["id"], **told)

    def restored(self) -> None:
        """The resources may say again what was true once."""
        self._set |= self._ever

    def look(self) -> None:
        """What others have changed under driftPolicy Report is theirs, once the operator has seen it. Raises AssertionError
        when one of its calls has reset what it had not set.
        """
        raw = self.world.cluster.objects.get(MAIN)
        told = condition(raw, "Synced") if raw is not None else {}
        if raw is not None and told.get("reason") == "Drift" and raw["spec"].get("driftPolicy") == "Report":
            is_of_today = raw["status"]["observedGeneration"] == raw["metadata"]["generation"]
            reported = {field for field, words in REPORTED.items() if words in told["message"]}
            if is_of_today:
                self._set -= {(id_, field) for id_ in (raw["status"]["id"], ALL_OF_THEM) for field in reported}
        assert not self.wrong, f"a call has reset what the operator has not set: {self.wrong}"

    # --- the operator's calls ---

    def sent(self, request: httpx.Request) -> None:
        """A call is about to reach the API."""
        for id_, field, is_reset in _what_it_sets(request):
            is_ours = {(id_, field), (ALL_OF_THEM, field)} & self._set
            if is_reset and not is_ours and not self._names(field):
                self.wrong.append(f"{field} of {id_}; the operator has set {sorted(self._set)}")
        sets = {(id_, field) for id_, field, is_reset in _what_it_sets(request) if not is_reset}
        self._begun[id(request)] = sets - self._set
        self._set |= sets

    def ended(self, request: httpx.Request, response: httpx.Response | None) -> None:
        """A call of the operator is over."""
        begun = self._begun.pop(id(request), set())
        if response is not None and response.status_code in SURELY_WITHOUT_EFFECT:
            self._set -= begun
            return
        is_clear = response is not None and response.is_success
        for id_, field, is_reset in _what_it_sets(request):
            if not is_reset:
                self._set.add((id_, field))
                self._ever.add((id_, field))
            elif is_clear:
                self._set -= {(id_, field), (ALL_OF_THEM, field)}

    def _names(self, field: str) -> bool:
        raw = self.world.cluster.objects.get(MAIN)
        section, _, parameter = field.partition(".")
        named = None if raw is None else raw["spec"].get(section)
        return named is not None and (not parameter or parameter in named)

    def _held(self) -> str | None:
        raw = self.world.cluster.objects.get(MAIN)
        return None if raw is None else raw["status"].get("id")


def _what_it_sets(request: httpx.Request) -> list[tuple[str, str, bool]]:
    """The id, what is set of it, and whether that is a reset."""
    found = _SECTION.search(request.url.path)
    if found is None or request.method not in ("PUT", "POST") or not request.content:
        return []
    body: dict[str, Any] = json.loads(request.content)
    id_, section = found["id"], found["section"]
    if id_ is None:
        id_, made = ALL_OF_THEM, body["datastore"]
        fields = [("pooler", False)] * ("pooler" in made) + [
            (f"config.{name}", False) for name in made.get("config", {})
        ]
    elif section == "firewall":
        fields = [("firewall", not body["firewall"]["ips"])]
    elif section == "pooler":
        fields = [("pooler", body["pooler"] == DEFAULT_POOLER)]
    else:
        fields = [(f"config.{name}", value is None) for name, value in body["config"].items()]
    return [(id_, field, is_reset) for field, is_reset in fields]
