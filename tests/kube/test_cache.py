from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.hostile_answers import MIB, peak_of_memory
from kube.crd_samples import sample
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.registry import GROUP
from managed_databases.kube.cache import MAX_ANNOTATION, MAX_FINALIZERS, MAX_OWNERS, Store, light, resource_of
from managed_databases.reconcile.observe.reading import Specs, UnreadableSpec
from managed_databases.reconcile.packed_spec import TOO_LARGE, Packed
from managed_databases.reconcile.ports import ResourceCache, ResourceKey

KEY = ResourceKey("Thing", "here", "a")


def raw(version: int, uid: str = "one", **metadata: Any) -> dict[str, Any]:
    fields = {"name": "a", "namespace": "here", "uid": uid, "resourceVersion": str(version), **metadata}
    return {"metadata": fields, "spec": {"at": version}, "status": {"ok": True}}


@pytest.fixture
def store() -> Store:
    cache: ResourceCache = (store := Store(["Thing"]))
    assert cache is store
    return store


def version(store: Store) -> str | None:
    found = store.get(KEY)
    return found.resource_version if found else None


def test_reads_a_resource_without_its_weight() -> None:
    ours = {f"{GROUP}/paused": "true", "reconcile.fluxcd.io/requestedAt": "now"}
    foreign = {
        "kubectl.kubernetes.io/last-applied-configuration": "{...}",
        "theirs": "no",
        "x.manageddatabases.io/a": "",
    }
    annotations = ours | foreign
    seen = raw(7, generation=3, finalizers=["f"], annotations=annotations, managedFields=[{}], deletionTimestamp="now")
    resource = resource_of(seen, KEY)
    assert resource.annotations == ours
    assert (resource.generation, resource.finalizers, resource.deleting_since) == (3, ("f",), "now")
    assert resource.spec is seen["spec"], "taken over, not copied"


@pytest.mark.parametrize("way", ["a list", "events"])
def test_who_changed_the_spec_last_is_kept(store: Store, way: str) -> None:
    def entry(manager: object, time: str | None, *parts: str) -> dict[str, Any]:
        return {"manager": manager, "time": time, "fieldsV1": {f"f:{part}": {"f:x": {}} for part in parts}}

    fields = [
        entry("kubectl", "2026-01-01T00:00:00Z", "spec"),
        entry("argocd-controller", "2026-01-03T00:00:00Z", "spec", "metadata"),
        entry("helm", "2026-01-02T00:00:00Z", "spec"),
        entry("timeless", None, "spec"),
        entry("operator", "2026-01-09T00:00:00Z", "status"),
        entry("kubectl-annotate", "2026-01-09T00:00:00Z", "metadata"),
    ]
    for number, (managed, manager) in enumerate(
        ((fields, "argocd-controller"), (fields[4:], ""), (None, ""), ([{}, {"fieldsV1": None}], ""))
    ):
        seen = raw(number + 1, managedFields=managed)
        store.seen(light(seen) if way == "a list" else seen, "Thing")
        kept = store.get(KEY)
        assert kept is not None
        assert kept.changed_by == manager


def test_tells_only_what_changed_anything(store: Store) -> None:
    assert store.seen(raw(10), "Thing") == KEY
    assert store.seen(raw(10), "Thing") is None
    assert store.seen(raw(9), "Thing") is None, "9 is older than 10, also as text"
    assert version(store) == "10"


def test_an_own_answer_enters_at_once_and_its_event_is_no_news(store: Store) -> None:
    store.seen(raw(10), "Thing")
    store.put(resource_of(raw(12), KEY))
    assert version(store) == "12"
    assert store.seen(raw(12), "Thing") is None
    store.put(resource_of(raw(11), KEY))
    assert version(store) == "12"


def test_an_answer_that_comes_after_the_deletion_raises_no_ghost(store: Store) -> None:
    store.seen(raw(10), "Thing")
    assert store.deleted(raw(13), "Thing") == KEY
    store.put(resource_of(raw(12), KEY))
    assert store.seen(raw(11), "Thing") is None
    assert version(store) is None


def test_a_deletion_counts_only_for_the_same_uid(store: Store) -> None:
    store.seen(raw(10), "Thing")
    assert store.seen(raw(13, uid="two"), "Thing") == KEY
    assert store.deleted(raw(12), "Thing") is None
    assert version(store) == "13"


def test_what_a_list_does_not_show_is_gone_unless_it_is_newer(store: Store) -> None:
    store.seen(raw(10), "Thing")
    assert store.forget_unlisted("Thing", "there", (), "20") == []
    assert store.forget_unlisted("Thing", "here", {KEY}, "20") == []
    assert store.forget_unlisted("Thing", None, (), "9") == []
    assert store.forget_unlisted("Thing", None, (), "20") == [KEY]
    assert store.seen(raw(15), "Thing") is None, "an event from before the list is late"


def test_of_secrets_only_metadata_is_kept(store: Store) -> None:
    secret = {**raw(5, labels={"x": "y"}), "data": {"password": "c2VjcmV0"}}
    key = store.seen(secret, "Secret")
    assert key == ResourceKey("Secret", "here", "a")
    assert store.secret_version("here", "a") == "5"
    assert "c2VjcmV0" not in repr(vars(store))
    assert store.deleted({"metadata": {**secret["metadata"], "resourceVersion": "6"}}, "Secret") == key
    assert store.secret_version("here", "a") is None
    assert store.seen({"metadata": {**secret["metadata"], "resourceVersion": "7"}}, "Secret") == key, "labelled again"


def test_of_namespaces_only_labels_are_news(store: Store) -> None:
    def namespace(version: int, **labels: str) -> dict[str, Any]:
        return {"metadata": {"name": "here", "uid": "n", "resourceVersion": str(version), "labels": labels}}

    assert store.namespace_labels("here") is None
    assert store.seen(namespace(1, team="red"), "Namespace") == ResourceKey("Namespace", "", "here")
    assert store.seen(namespace(2, team="red"), "Namespace") is None
    assert store.seen(namespace(3, team="blue"), "Namespace") is not None
    assert store.namespace_labels("here") == {"team": "blue"}


@given(
    st.permutations(
        [("put", 3, "one"), ("seen", 2, "one"), ("deleted", 4, "one"), ("seen", 6, "two"), ("put", 7, "two")]
    )
)
def test_any_order_of_the_same_history_ends_the_same(history: list[tuple[str, int, str]]) -> None:
    store = Store(["Thing"])
    for what, at, uid in history:
        match what:
            case "put":
                store.put(resource_of(raw(at, uid), KEY))
            case "seen":
                store.seen(raw(at, uid), "Thing")
            case _:
                store.deleted(raw(at, uid), "Thing")
    assert version(store) == "7"


def test_equal_resources_share_what_they_say() -> None:
    condition = {"type": "Ready", "status": "True", "message": "usable"}
    one, other = (
        resource_of({**raw(12, uid), "spec": {"size": 1}, "status": {"conditions": [dict(condition)]}}, KEY)
        for uid in ("one", "other")
    )
    assert one.spec is other.spec
    assert one.status["conditions"][0] is other.status["conditions"][0]
    assert one.status == {"conditions": [condition]}


def test_what_statuses_say_alike_is_in_memory_once() -> None:
    told = (
        b'{"id": "%d", "phase": "ACTIVE", "identity": {"project": "team", "key": ["postgresql-of-the-shop", "user"]}}'
    )
    one, other = (
        resource_of({**raw(12, f"uid-{id_}"), "status": orjson.loads(told % id_)}, KEY).status for id_ in (1, 2)
    )
    assert one == orjson.loads(told % 1)
    assert other == orjson.loads(told % 2)
    assert one["phase"] is other["phase"]
    assert one["identity"]["project"] is other["identity"]["project"]
    assert one["identity"]["key"][0] is other["identity"]["key"][0]


def greatest(number: int) -> dict[str, Any]:
    """A resource as large as the API server takes one, half of it legal: what a hostile tenant makes of each of his."""
    text = chr(97 + number % 26) * 40
    metadata = {
        "name": f"d{number}",
        "namespace": "hers",
        "uid": f"uid-{number}",
        "resourceVersion": str(number + 1),
        "annotations": {f"{GROUP}/a{each:02}": text * 300 for each in range(20)}
        | {f"x.example/{each}": text * 1_000 for each in range(5)},
        "labels": {f"label-{each}": text for each in range(200)},
        "finalizers": [f"x.example/{text}{each}" for each in range(200)],
        "ownerReferences": [{"uid": f"{text}{each}"} for each in range(200)],
        "managedFields": [{"fieldsV1": {f"f:{each}": {} for each in range(200)}}],
    }
    spec = {
        "config": {f"parameter-{each:03}": text for each in range(480)},
        "firewall": [f"10.{number % 250}.{each}.0/24" for each in range(256)],
        "allowedNamespaces": [f"{text}-{each:06}" for each in range(256)],
    }
    return {
        "apiVersion": "x",
        "kind": "Thing",
        "metadata": metadata,
        "spec": spec,
        "status": {"observedGeneration": -1},
    }


@pytest.mark.parametrize("way", ["a list", "events"])
def test_a_thousand_resources_of_the_greatest_size_take_a_hundred_mib(way: str) -> None:
    """A tenth of them is tried here: a hundred."""
    store = Store(["Thing"])
    with peak_of_memory() as peak:
        for number in range(100):
            seen = greatest(number)
            store.seen(light(seen) if way == "a list" else seen, "Thing")
            del seen
    assert len(tuple(store.of_kind("Thing"))) == 100
    assert peak.bytes < 10 * MIB, f"{peak.bytes / MIB:.1f} MiB"
    kept = store.get(ResourceKey("Thing", "hers", "d7"))
    assert kept is not None
    assert dict(kept.spec) == greatest(7)["spec"]
    assert {len(value) for value in kept.annotations.values()} == {MAX_ANNOTATION}
    assert (len(kept.finalizers), len(kept.owner_uids)) == (MAX_FINALIZERS + 1, MAX_OWNERS)


def test_a_field_that_is_too_large_is_not_kept_and_told() -> None:
    whole = {"config": {"a" * 40_000: 1}, "deletionPolicy": "Retain", "firewall": ["10.0.0.0/8"]}
    seen = {"metadata": {"name": "d", "namespace": "here", "uid": "u", "resourceVersion": "1"}, "spec": whole}
    kept = resource_of(seen, ResourceKey("ManagedDatastore", "here", "d"))
    assert dict(kept.spec) == whole | {"config": TOO_LARGE}
    with pytest.raises(UnreadableSpec, match=r"^spec.config of .* has more than 32768 bytes as JSON: make it smaller$"):
        Specs().of(any_kind(DATASTORE), kept)
    project = {"metadata": {"name": "p", "uid": "u", "resourceVersion": "1"}, "spec": whole}
    assert dict(resource_of(project, ResourceKey("DatabaseProject", "", "p")).spec) == whole


def test_a_large_spec_is_read_like_any_other() -> None:
    spec = sample("ManagedDatastore", "d", "here", config={f"p{each}": each for each in range(400)})["spec"]
    seen = {"metadata": {"name": "d", "namespace": "here", "uid": "u", "resourceVersion": "1"}, "spec": spec}
    kept = resource_of(seen, ResourceKey("ManagedDatastore", "here", "d"))
    assert isinstance(kept.spec, Packed)
    assert kept.spec == spec
    assert (kept.spec.get("config"), kept.spec.get("none"), len(kept.spec)) == (spec["config"], None, len(spec))
    read = Specs().of(any_kind(DATASTORE), kept)
    assert isinstance(read, ManagedDatastoreSpec)
    assert read.config == spec["config"]
