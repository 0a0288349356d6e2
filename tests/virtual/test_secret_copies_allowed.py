"""Another namespace only where both sides allow it, no Secret of others, and an end with the resource."""

import asyncio
import copy
from functools import partial
from typing import Any

import pytest

from managed_databases.kinds.credentials_spec import COPIES_FROM
from managed_databases.kube.watched_collections import NAMESPACE as NAMESPACE_KIND
from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.annotations import COPY_OF, OBJECT_ID, OWNER_UID, RETAINED
from managed_databases.reconcile.keepers.copy_run import REST_SECONDS
from managed_databases.reconcile.ports import MANAGED_LABEL, OWN, ResourceKey
from stories.world import manifest
from virtual import secret_copies as of
from virtual.secret_copies import (
    APP,
    COPIES,
    FAR,
    HOUR,
    LETS_IN,
    MINE,
    NEAR,
    OTHER,
    SOON,
    ask_for,
    begin,
    is_there,
    with_copies,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import IN_MAIN

FORGED = {
    "no label": {},
    "another namespace's": {f"{COPIES_FROM}/other": "allowed"},
    "another value": {f"{COPIES_FROM}/{NAMESPACE}": "true"},
    "an empty one": {f"{COPIES_FROM}/{NAMESPACE}": ""},
    "of all": {f"{COPIES_FROM}/all": "allowed", COPIES_FROM: NAMESPACE},
}


def refused(world: VirtualWorld) -> bool:
    """The resource says what a person has to do, and serves all the same."""
    assert world.says(APP, "CopiesIncomplete") == world.says(APP, "Stalled") == ("True", "CopyRefused")
    assert world.says(APP, "Ready")[0] == "True"
    assert world.says(APP, "Synced") == ("False", "CopyRefused")
    assert world.get(APP)["status"]["syncedGeneration"] == world.get(APP)["metadata"]["generation"], (
        "the cloud is as asked for"
    )
    return True


def of_others(world: VirtualWorld, key: ResourceKey, *, labels: Any = None, annotations: Any = None) -> dict[str, Any]:
    metadata = {"labels": labels or {}, "annotations": annotations or {}}
    world.cluster.create(
        key, {"metadata": metadata, "type": "servicebinding.io/postgresql", "data": {"precious": "MQ=="}}
    )
    return copy.deepcopy(world.get(key))


@pytest.mark.parametrize("labels", FORGED.values(), ids=FORGED)
def test_a_namespace_that_does_not_let_it_in_gets_nothing(labels: dict[str, str]) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, *COPIES, labels=labels)
            await world.until("told", lambda: refused(world), SOON)
            assert f"kubectl label namespace {OTHER} {COPIES_FROM}/{NAMESPACE}=allowed" in of.told(world)
            await asyncio.sleep(2 * REST_SECONDS)
            assert FAR not in world.cluster.objects
            assert is_there(world, NEAR), "the other one is made"
            world.label_namespace(OTHER, LETS_IN)
            await world.until("it is let in", lambda: is_there(world, FAR), 5)
            await world.until("told no more", lambda: world.says(APP, "Stalled")[0] == "False", SOON)
            assert not of.told(world)

    in_virtual_time(story())


def test_a_withdrawn_word_takes_the_copy_away_and_nothing_else() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            world.label_namespace(OTHER, {})
            await world.until("it goes", lambda: FAR not in world.cluster.objects, 5)
            await world.until("told", lambda: refused(world), SOON)
            assert is_there(world, NEAR)
            requests = of.asked(world, lambda method, path: f"/namespaces/{OTHER}/" in path)
            await asyncio.sleep(2 * HOUR)
            assert requests == [], "what is gone is not looked for again and again"
            world.cluster.refuses = lambda method, path: None
            world.label_namespace(OTHER, LETS_IN)
            await world.until("it comes back", lambda: is_there(world, FAR), 5)

    in_virtual_time(story())


def test_a_word_withdrawn_while_no_operator_runs() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            await world.kill()
            world.label_namespace(OTHER, {})
            await world.start()
            await world.until("it goes", lambda: FAR not in world.cluster.objects, SOON)
            await world.until("told", lambda: refused(world), SOON)

    in_virtual_time(story())


def test_labels_that_cannot_be_read_let_nothing_in_and_take_nothing_away() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            before = of.password(world, FAR)
            await world.kill()
            world.watches_namespaces = False
            await world.start()
            await world.until("told", lambda: refused(world), SOON)
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("another password", lambda: of.password(world, NEAR) != before, SOON)
            await asyncio.sleep(2 * REST_SECONDS)
            assert of.password(world, FAR) == before

    in_virtual_time(story())


def test_a_namespace_that_is_not_there_is_told_in_the_same_words() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, {"name": "far", "namespace": "nowhere"}, {"name": "far", "namespace": OTHER}, labels={})
            await world.until("told", lambda: refused(world) and OTHER in of.told(world), SOON)
            one, two = of.told(world).split("; ")
            assert one.replace("nowhere", OTHER) == two

    in_virtual_time(story())


@pytest.mark.parametrize("namespace", [SYSTEM, "kube-system"])
def test_namespaces_of_the_system_are_no_exception(namespace: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.label_namespace(namespace, {})
            await begin(world, {"name": "far", "namespace": namespace})
            await world.until("told", lambda: refused(world), SOON)
            await asyncio.sleep(REST_SECONDS)
            assert ResourceKey(SECRET, namespace, "far") not in world.cluster.objects

    in_virtual_time(story())


@pytest.mark.parametrize("key", [NEAR, FAR])
@pytest.mark.parametrize(
    "annotations",
    [{}, {OWNER_UID: "another"}, {COPY_OF: "shop/app-user"}, {COPY_OF: "shop/app-user", OWNER_UID: "another"}],
)
@pytest.mark.parametrize("labels", [{}, {MANAGED_LABEL: OWN}])
def test_a_secret_of_others_is_never_touched(
    key: ResourceKey, annotations: dict[str, str], labels: dict[str, str]
) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.label_namespace(OTHER, LETS_IN)
            before = of_others(world, key, labels=labels, annotations=annotations)
            await begin(world, *COPIES)
            await world.until("told", lambda: refused(world), SOON)
            assert f"the copy {key.namespace}/{key.name}: a Secret of that name is there" in of.told(world)
            assert is_there(world, FAR if key == NEAR else NEAR), "the other one is made"
            await asyncio.sleep(2 * REST_SECONDS)
            ask_for(world)
            await world.until("the status says so", lambda: not of.names(world), SOON)
            assert world.get(key) == before
            ask_for(world, *COPIES)
            await world.until("told", lambda: refused(world), SOON)
            world.cluster.delete(APP)
            await world.until("deleted", lambda: APP not in world.cluster.objects, HOUR)
            assert world.get(key) == before

    in_virtual_time(story())


def test_the_name_that_becomes_free_is_taken() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.label_namespace(OTHER, LETS_IN)
            of_others(world, FAR)
            await begin(world, *COPIES)
            await world.until("told", lambda: refused(world), SOON)
            world.cluster.delete(FAR)
            await world.until("made", lambda: is_there(world, FAR), REST_SECONDS + SOON)
            await world.until("told no more", lambda: not of.told(world), SOON)

    in_virtual_time(story())


RESERVED = (
    "app-user",
    "app-user-pending",
    "app-user-own",
    "app-user-own-pending",
    "app-user-twin",
    "app-user-twin-pending",
)


@pytest.mark.parametrize("name", RESERVED)
def test_the_names_of_the_resources_own_secrets_are_no_copies(name: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            before = of.data(world, MINE)
            for namespace in (None, NAMESPACE):
                ask_for(world, {"name": name} | ({"namespace": namespace} if namespace else {}))
                await world.until("told", lambda: refused(world), SOON)
                await asyncio.sleep(REST_SECONDS)
                assert of.data(world, MINE) == before
                assert COPY_OF not in world.get(MINE)["metadata"]["annotations"]
                mine = [key.name for key in world.cluster.secrets_of(NAMESPACE) if key.name.startswith("app-user")]
                assert mine == ["app-user"]
                ask_for(world)
                await world.until("the status says so", lambda: not of.names(world), SOON)
            assert of.data(world, MINE) == before, "a status that names it deletes nothing"

    in_virtual_time(story())


def test_a_status_that_names_secrets_of_others_deletes_nothing() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            before = of_others(
                world, FAR, labels={MANAGED_LABEL: OWN}, annotations={COPY_OF: "x", OWNER_UID: "another"}
            )
            uid = world.get(APP)["metadata"]["uid"]
            earlier = ResourceKey(SECRET, NAMESPACE, "earlier-user")
            of_others(world, earlier, labels={MANAGED_LABEL: OWN}, annotations={OWNER_UID: uid})
            world.get(APP)["status"]["copies"] = [
                "shop/earlier-user",
                "web/far",
                "shop/app-user",
                "shop/given",
                "junk",
                "/",
                "web/",
                "web/../x",
            ]
            world.cluster.touch(APP)
            await world.until("put right", lambda: not of.names(world), SOON)
            assert world.get(FAR) == before
            assert {MINE, earlier} <= world.cluster.objects.keys()

    in_virtual_time(story())


def test_without_the_right_there_the_status_says_so() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.refuses = lambda method, path: "forbidden" if f"/namespaces/{OTHER}/" in path else None
            await begin(world, *COPIES)
            await world.until("told", lambda: refused(world), SOON)
            assert f"Kubernetes refuses it in the namespace {OTHER}" in of.told(world)
            assert is_there(world, NEAR)
            world.cluster.delete(APP)
            await asyncio.sleep(SOON)
            assert APP in world.cluster.objects, "its copy may be there"
            world.cluster.annotate(APP, force_delete="true")
            await world.until("let go", lambda: APP not in world.cluster.objects, SOON)

    in_virtual_time(story())


def test_a_copy_that_was_never_let_in_holds_up_no_deletion() -> None:
    """Not even where the operator may read nothing: there is no copy to look for."""

    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.refuses = lambda method, path: "forbidden" if f"/namespaces/{OTHER}/" in path else None
            await begin(world, *COPIES, labels={})
            await world.until("told", lambda: refused(world), SOON)
            assert of.names(world) == [f"{NEAR.namespace}/{NEAR.name}"]
            world.cluster.delete(APP)
            await world.until("deleted", lambda: APP not in world.cluster.objects, SOON)

    in_virtual_time(story())


def test_all_copies_go_with_their_resource() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            seen: list[bool] = []

            def note(kind: str, key: ResourceKey, raw: Any, gone: bool) -> None:
                if key == APP and gone:
                    seen.append(FAR in world.cluster.objects or NEAR in world.cluster.objects)

            world.cluster.told.append(note)
            world.cluster.delete(APP)
            await world.until("deleted", lambda: APP not in world.cluster.objects, HOUR)
            await asyncio.sleep(5)
            assert seen == [False], "before the finalizer"

    in_virtual_time(story())


def test_a_namespace_that_is_gone_holds_up_nothing() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            world.cluster.delete(FAR)
            world.cluster.delete(ResourceKey(NAMESPACE_KIND, "", OTHER))
            await world.until("told", lambda: refused(world), SOON)
            world.cluster.delete(APP)
            await world.until("deleted", lambda: APP not in world.cluster.objects, HOUR)

    in_virtual_time(story())


def is_of(world: VirtualWorld, key: ResourceKey, uid: str) -> bool:
    annotations = world.get(key)["metadata"]["annotations"]
    return annotations[OWNER_UID] == uid and RETAINED not in annotations


@pytest.mark.parametrize("way", ["Retain", "force-delete"])
def test_what_is_retained_keeps_its_copies_and_who_adopts_takes_them_over(way: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world, **({"deletionPolicy": "Retain"} if way == "Retain" else {}))
            id_ = world.get(APP)["status"]["id"]
            if way == "force-delete":
                world.cluster.annotate(APP, force_delete="true")
            world.cluster.delete(APP)
            await world.until("let go", lambda: APP not in world.cluster.objects, SOON)
            await asyncio.sleep(SOON)
            before = of.password(world, MINE)
            for key in (MINE, NEAR, FAR):
                annotations = world.get(key)["metadata"]["annotations"]
                assert annotations[RETAINED] == "true"
                assert annotations[OBJECT_ID] == id_
                assert of.password(world, key) == before
            spec = IN_MAIN | {"adoption": "Required", "credentials": {"copies": COPIES}}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
            await world.until("taken over", lambda: world.says(APP, "Synced")[0] == "True", HOUR)
            uid = world.get(APP)["metadata"]["uid"]
            for key in (NEAR, FAR):
                await world.until("the copy", partial(is_of, world, key, uid), SOON)
            assert not of.told(world)

    in_virtual_time(story())


def test_another_resource_with_the_same_copy_is_refused() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            second = ResourceKey(APP.kind, NAMESPACE, "second")
            world.cluster.apply(
                manifest(
                    APP.kind, "second", NAMESPACE, IN_MAIN | {"credentials": {"copies": COPIES}, "adoption": "IfExists"}
                )
            )
            await world.until("told", lambda: world.says(second, "Stalled") == ("True", "CopyRefused"), HOUR)
            await asyncio.sleep(REST_SECONDS)
            assert is_there(world, NEAR, FAR)
            world.cluster.delete(APP)
            await world.until(
                "the second one gets them", lambda: not world.says(second, "CopiesIncomplete")[0], 2 * HOUR
            )
            assert of.password(world, FAR) == world.secret("second-user")["password"]

    in_virtual_time(story())


def test_a_retained_secret_of_the_other_namespace_is_no_copy() -> None:
    """One for the very object: a resource of that namespace has left it behind."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            marks = {RETAINED: "true", OBJECT_ID: world.get(APP)["status"]["id"], OWNER_UID: "another"}
            before = of_others(world, FAR, labels={MANAGED_LABEL: OWN}, annotations=marks)
            ask_for(world, *COPIES)
            await world.until("told", lambda: refused(world), SOON)
            assert world.get(FAR) == before

    in_virtual_time(story())


def test_an_end_waits_for_a_copy_that_is_being_written() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            request, begun = world.cluster.request, asyncio.Event()

            async def slowly(method: str, path: str, **more: Any) -> Any:
                if method == "POST" and path.endswith(f"/namespaces/{OTHER}/secrets"):
                    begun.set()
                    await asyncio.sleep(10)
                return await request(method, path, **more)

            world.cluster.request = slowly  # type: ignore[method-assign]
            ask_for(world, *COPIES)
            await begun.wait()
            world.cluster.annotate(APP, force_delete="true")
            world.cluster.delete(APP)
            await asyncio.sleep(5)
            assert APP in world.cluster.objects
            await world.until("deleted", lambda: APP not in world.cluster.objects, HOUR)
            await asyncio.sleep(SOON)
            assert FAR not in world.cluster.objects or RETAINED in world.get(FAR)["metadata"]["annotations"]

    in_virtual_time(story())


def test_what_somebody_writes_into_the_secret_itself_reaches_no_copy() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            seen: list[str] = []
            world.cluster.told.append(lambda kind, key, raw, gone: seen.append(of.data(world, FAR)["password"]))
            world.change_secret(NAMESPACE, MINE.name, {"password": "of-somebody"})
            world.change_secret(OTHER, FAR.name, {"host": "elsewhere"})
            await world.until("the Secret is right", lambda: world.says(APP, "Synced")[0] == "True", HOUR)
            await world.until("the copies are", lambda: is_there(world, NEAR, FAR), HOUR)
            await asyncio.sleep(SOON)
            assert is_there(world, NEAR, FAR)
            assert of.data(world, FAR)["host"] != "elsewhere"
            assert "of-somebody" not in seen

    in_virtual_time(story())
