"""A Kubernetes in memory: custom resources and Secrets, with everything that the operator's correctness relies on.

That is: resourceVersions and their conflicts, generations, finalizers, uids, deletion in two steps, the garbage collection of
owned objects, and events that arrive a moment later. It has no schemas: refusals of the API server are tested against the real
one.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import orjson

from managed_databases.kinds.registry import kinds
from managed_databases.kube.watched_collections import SECRET, SERVICE
from managed_databases.kube.workloads import PLURALS
from managed_databases.reconcile.observe.seal_key import KEY_SECRET
from managed_databases.reconcile.ports import (
    AlreadyThere,
    KubeRefused,
    KubeUnreachable,
    NotThere,
    ResourceKey,
    WriteConflict,
)

NEWS_SECONDS = 0.02
CREATED_AT = "2026-01-01T00:00:00Z"

_PATH = re.compile(
    r"/apis?(?:/[a-z0-9.]+)?/v[a-z0-9]+(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?"
)
_KINDS = {
    **{kind.plural: kind.name for kind in kinds().values()},
    **{plural: kind for kind, plural in PLURALS.items()},
    "secrets": SECRET,
    "services": SERVICE,
    "configmaps": "ConfigMap",
}

_ONLY_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

Raw = dict[str, Any]
T = TypeVar("T")


@dataclass
class MemoryCluster:
    """The API server. `away`: it answers nobody. `told` are called with the kind and key of what changed. `refuses` says
    why a method on a path is forbidden, `secrets_most` how many Secrets a namespace may have (but for
    the operator's key).

    A request takes effect after `answer_seconds` and is answered `late_seconds` later: with more than NEWS_SECONDS, the
    watch tells of it first.
    """

    objects: dict[ResourceKey, Raw] = field(default_factory=dict)
    told: list[Callable[[str, ResourceKey, Raw, bool], None]] = field(default_factory=list)
    away: bool = False
    answer_seconds: float = 0.002
    late_seconds: float = 0.0
    refuses: Callable[[str, str], str | None] = lambda method, path: None
    writes: int = 0
    events: list[Raw] = field(default_factory=list)
    going_definitions: set[str] = field(default_factory=set)
    """The plurals of the kinds whose CustomResourceDefinitions are being deleted."""
    max_secrets: int | None = None
    _version: int = 100

    # --- people ---

    def apply(self, manifest: Raw) -> None:
        """Create it, or make its spec so. A status is dropped by the API server: a test that gives one means something else."""
        assert "status" not in manifest, "write it into `objects`, and `touch`"
        metadata = manifest["metadata"]
        key = ResourceKey(manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        known = self.objects.get(key)
        if known is None:
            self.create(key, {"spec": _copy(manifest["spec"]), "status": {"observedGeneration": -1}})
            return
        known["spec"] = _copy(manifest["spec"])
        known["metadata"]["generation"] += 1
        self._changed(key)

    def change(self, key: ResourceKey, **spec: Any) -> None:
        raw = self.objects[key]
        raw["spec"] = {name: value for name, value in (raw["spec"] | spec).items() if value is not None}
        raw["metadata"]["generation"] += 1
        self._changed(key)

    def annotate(self, key: ResourceKey, **annotations: str | None) -> None:
        told = self.objects[key]["metadata"].setdefault("annotations", {})
        for name, value in annotations.items():
            told[f"manageddatabases.io/{name.replace('_', '-')}"] = value
        self.objects[key]["metadata"]["annotations"] = {name: each for name, each in told.items() if each is not None}
        self._changed(key)

    def replace(self, key: ResourceKey) -> None:
        """As `kubectl replace` does with a manifest that names no finalizers: annotations and finalizers are gone."""
        for field_ in ("finalizers", "annotations"):
            self.objects[key]["metadata"].pop(field_, None)
        self._changed(key)

    def touch(self, key: ResourceKey) -> None:
        """Tell of what somebody has changed in `objects`."""
        self._changed(key)

    def make_immutable(self, secret: ResourceKey) -> None:
        self.objects[secret]["immutable"] = True
        self._changed(secret)

    def secrets_of(self, namespace: str) -> list[ResourceKey]:
        return [key for key in self.of_kind(SECRET) if key.namespace == namespace]

    def change_data(self, secret: ResourceKey, data: Raw) -> None:
        self.objects[secret]["data"] |= data
        self._changed(secret)

    def drop_data(self, secret: ResourceKey, name: str) -> None:
        del self.objects[secret]["data"][name]
        self._changed(secret)

    def delete(self, key: ResourceKey) -> None:
        raw = self.objects.get(key)
        if raw is None:
            return
        if raw["metadata"].get("finalizers"):
            if "deletionTimestamp" not in raw["metadata"]:
                raw["metadata"]["deletionTimestamp"] = CREATED_AT
                raw["metadata"]["generation"] += 1
                self._changed(key)
        else:
            self._remove(key)

    def create(self, key: ResourceKey, raw: Raw) -> Raw:
        metadata = {
            "name": key.name,
            "uid": str(uuid4()),
            "generation": 1,
            "creationTimestamp": f"2026-01-01T00:{self._version // 60 % 60:02}:{self._version % 60:02}Z",
        }
        if key.namespace:
            metadata["namespace"] = key.namespace
        raw["metadata"] = metadata | raw.get("metadata", {})
        self.objects[key] = raw
        self._changed(key)
        return raw

    def of_kind(self, kind: str) -> dict[ResourceKey, Raw]:
        return {key: raw for key, raw in self.objects.items() if key.kind == kind}

    # --- the operator ---

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Mapping[str, Any] | None = None,
        content_type: str = "",
        accept: str = "",
    ) -> Raw:
        """As `KubeConnection.request`, for what `KubeWriter` asks. Raises KubeError."""
        await asyncio.sleep(self.answer_seconds)
        try:
            if (selector := dict(query).get("labelSelector")) is not None:
                return self._listed(path, selector)
            return (
                self._dry_answer(method, path, body) if ("dryRun", "All") in query else self._answer(method, path, body)
            )
        finally:
            if self.late_seconds:
                await asyncio.sleep(self.late_seconds)

    def _dry_answer(self, method: str, path: str, body: Mapping[str, Any] | None) -> Raw:
        """What a write would be answered, without its effect: what is not there has no resourceVersion."""
        before, told = ({key: _copy(raw) for key, raw in self.objects.items()}, self.writes, self._version), self.told
        self.told = []
        try:
            answer = self._answer(method, path, body)
            if method == "POST":
                del answer["metadata"]["resourceVersion"]
            return answer
        finally:
            self.objects, self.writes, self._version = before
            self.told = told

    def _refuse(self, method: str, path: str) -> None:
        if self.away:
            raise KubeUnreachable("the API server is away")
        if why := self.refuses(method, path):
            raise KubeRefused(f"{method} {path}: 403 Forbidden: {why}")

    def _listed(self, path: str, selector: str) -> Raw:
        self._refuse("GET", path)
        found = _PATH.fullmatch(path)
        assert found is not None, path
        labels = dict(each.split("=") for each in selector.split(",")).items()
        of_kind = self.of_kind(_KINDS[found["plural"]]).items()
        items = [raw for key, raw in of_kind if key.namespace == found["namespace"]]
        return {"items": [_copy(raw) for raw in items if labels <= raw["metadata"].get("labels", {}).items()]}

    def _answer(self, method: str, path: str, body: Mapping[str, Any] | None) -> Raw:
        self._refuse(method, path)
        found = _PATH.fullmatch(path)
        assert found is not None, path
        if found["plural"] == "events":
            self.events.append(dict(body or {}))
            return {}
        if found["plural"] == "customresourcedefinitions":
            going = str(found["name"]).split(".")[0] in self.going_definitions
            return {
                "metadata": {"creationTimestamp": "2025-12-31T00:00:00Z"}
                | ({"deletionTimestamp": CREATED_AT} if going else {})
            }
        told = dict(body or {})
        name = found["name"] or told["metadata"]["name"]
        key = ResourceKey(_KINDS[found["plural"]], found["namespace"] or "", name)
        raw = self.objects.get(key)
        if method == "POST":
            if raw is not None:
                raise AlreadyThere(f"{key} is there")
            if (
                key.kind == SECRET
                and self.max_secrets is not None
                and key.name != KEY_SECRET
                and len(self.secrets_of(key.namespace)) >= self.max_secrets
            ):
                raise KubeRefused(f"{method} {path}: 403 Forbidden: exceeded quota: count/secrets={self.max_secrets}")
            self.writes += 1
            return _copy(self.create(key, _copy(told)))
        if raw is None:
            raise NotThere(f"no {key}")
        if method == "GET":
            return _copy(raw)
        self.writes += 1
        if method == "DELETE":
            if raw["metadata"]["uid"] != told.get("preconditions", {}).get("uid", raw["metadata"]["uid"]):
                raise WriteConflict(f"{key} is another one")
            self.delete(key)
            return _copy(raw)
        assert method == "PATCH", method
        return self._patched(key, raw, told, is_status=found["sub"] == "status")

    def _patched(self, key: ResourceKey, raw: Raw, told: Raw, *, is_status: bool) -> Raw:
        metadata = dict(told.get("metadata", {}))
        version = metadata.pop("resourceVersion", None)
        if version is not None and version != raw["metadata"]["resourceVersion"]:
            raise WriteConflict(f"{key} has changed")
        is_going = "deletionTimestamp" in raw["metadata"]
        if is_going and set(metadata.get("finalizers", ())) - set(raw["metadata"].get("finalizers", ())):
            raise KubeRefused("no finalizer can be added to what is being deleted")
        data = raw.get("data", {})
        if raw.get("immutable") and _merged(data, told.get("data", {})) != data:
            raise KubeRefused(f"{key}: 422 Invalid: data: Forbidden: field is immutable when `immutable` is set")
        old_spec = _copy(raw.get("spec"))
        if is_status:
            raw["status"] = _merged(raw.get("status", {}), told.get("status", {}))
        else:
            raw["metadata"] = _merged(raw["metadata"], metadata)
            for name in ("spec", "data"):
                if name in told:
                    raw[name] = _merged(raw.get(name, {}), told[name])
        if raw.get("spec") != old_spec:
            raw["metadata"]["generation"] += 1
        if is_going and not raw["metadata"].get("finalizers"):
            self._remove(key)
        else:
            self._changed(key)
        return _copy(raw)

    def _changed(self, key: ResourceKey) -> None:
        self._version += 1
        self.objects[key]["metadata"]["resourceVersion"] = str(self._version)
        self._tell(key, _copy(self.objects[key]), gone=False)

    def _remove(self, key: ResourceKey) -> None:
        raw = self.objects.pop(key)
        self._version += 1
        raw["metadata"]["resourceVersion"] = str(self._version)
        self._tell(key, raw, gone=True)
        for other in [
            other
            for other, each in self.objects.items()
            if any(owner["uid"] == raw["metadata"]["uid"] for owner in each["metadata"].get("ownerReferences", ()))
        ]:
            self.delete(other)

    def _tell(self, key: ResourceKey, raw: Raw, *, gone: bool) -> None:
        for tell in self.told:
            asyncio.get_running_loop().call_later(NEWS_SECONDS, tell, key.kind, key, raw, gone)


def _copy(told: T) -> T:
    """What JSON makes of it, which is all that the API server keeps."""
    copied: T
    try:
        copied = orjson.loads(orjson.dumps(told, option=_ONLY_JSON))
    except orjson.JSONEncodeError:  # a number of more than 64 bits, or nested deeply: JSON all the same
        copied = json.loads(json.dumps(told))
    return copied


def _merged(old: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return _copy(patch)
    whole = dict(old) if isinstance(old, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            whole.pop(name, None)
        else:
            whole[name] = _merged(whole.get(name), value)
    return whole
