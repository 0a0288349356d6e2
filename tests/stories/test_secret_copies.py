"""Copies of a credentials Secret at a real API server, under its policies, with exactly the rights of an installation for the
whole cluster: where both sides allow them, and not where one does not.
"""

import base64

from cluster import Manifest
from managed_databases.kinds.credentials_spec import ALLOWED, COPIES_FROM
from stories.world import World, condition


async def data(world: World, namespace: str, name: str) -> dict[str, str]:
    secret = await world.cluster.get("Secret", name, namespace)
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


async def names(world: World, namespace: str) -> set[str]:
    return {each["metadata"]["name"] for each in await world.cluster.list("secrets", namespace)}


async def until_told(world: World, part: str | None) -> Manifest:
    """The condition CopiesIncomplete says this; with None it is gone."""

    async def is_told() -> Manifest:
        user = await world.get("DatabaseUser", "app")
        found = condition(user, "CopiesIncomplete")
        assert (part in found["message"]) if part is not None else not found, found
        return user

    user: Manifest = await world.until(f"told: {part}", is_told)
    return user


async def until_same(world: World, namespace: str, name: str, password: str | None = None) -> None:
    """The copy has the login of the credentials Secret, and that is not this password."""

    async def is_same() -> bool:
        copy, mine = await data(world, namespace, name), await world.secret("app-user")
        assert {key: copy.get(key) for key in ("username", "password", "uri")}.items() <= mine.items(), copy.keys()
        return copy["password"] != password

    await world.until(f"{namespace}/{name} is as the Secret", is_same)


async def let_in(world: World, namespace: str, value: str | None) -> None:
    labels = {f"{COPIES_FROM}/{world.namespace}": value}
    await world.cluster.patch("Namespace", namespace, None, {"metadata": {"labels": labels}})


async def test_copies_where_both_sides_allow_them(world: World) -> None:
    other = await world.another_namespace()
    await world.serve_whole_cluster()
    await world.operator.start()
    copies = [{"name": "near", "presets": ["libpq"]}, {"name": "far", "namespace": other, "labels": {"team": "web"}}]
    await world.put_secret(other, "precious", {"password": "of-others"})
    await world.apply(
        world.project_manifest(), world.datastore(), world.user(credentials={"presets": ["rails"], "copies": copies})
    )
    await world.becomes("DatabaseUser", "app")
    user = await until_told(world, f"kubectl label namespace {other} {COPIES_FROM}/{world.namespace}={ALLOWED}")
    assert condition(user, "Stalled")["reason"] == "CopyRefused"
    assert (condition(user, "Ready")["status"], condition(user, "Synced")["status"]) == ("True", "False")
    assert "far" not in await names(world, other)
    await until_same(world, world.namespace, "near")
    assert "PGHOST" in await data(world, world.namespace, "near")
    assert "DATABASE_URL" not in await data(world, world.namespace, "near")

    await let_in(world, other, ALLOWED)
    await until_same(world, other, "far")
    await until_told(world, None)
    far = await world.cluster.get("Secret", "far", other)
    assert far["metadata"]["labels"]["team"] == "web"
    assert "ownerReferences" not in far["metadata"]
    assert far["type"] == "servicebinding.io/postgresql"

    before = (await world.secret("app-user"))["password"]
    await world.annotate("DatabaseUser", "app", rotate_password="one")
    await until_same(world, other, "far", before)
    await until_same(world, world.namespace, "near", before)
    await world.cluster.patch("Secret", "far", other, {"data": {"password": base64.b64encode(b"edited").decode()}})
    await until_same(world, other, "far", before)
    await world.cluster.delete("Secret", "far", other)
    await until_same(world, other, "far", before)

    # Into a Secret that is there already, and under a name of the user's own.
    await world.change("DatabaseUser", "app", credentials={"copies": [{"name": "precious", "namespace": other}]})
    await until_told(world, "a Secret of that name is there")
    assert await data(world, other, "precious") == {"password": "of-others"}
    await world.change("DatabaseUser", "app", credentials={"copies": [{"name": "app-user-pending"}]})
    await until_told(world, "another Secret of this resource")

    async def are_gone() -> bool:
        return not {"near", "app-user-pending"} & await names(world, world.namespace) and "far" not in await names(
            world, other
        )

    await world.until("those of before are gone", are_gone)

    await world.change("DatabaseUser", "app", credentials={"copies": copies})
    await until_same(world, other, "far")
    await let_in(world, other, None)
    await until_told(world, "does not let in copies")

    async def is_gone() -> bool:
        return "far" not in await names(world, other)

    await world.until("the word is withdrawn", is_gone)
    await until_same(world, world.namespace, "near")
    await let_in(world, other, ALLOWED)
    await until_same(world, other, "far")
    await world.delete("DatabaseUser", "app")
    assert "far" not in await names(world, other)
    assert "near" not in await names(world, world.namespace)


IMPOSSIBLE: list[list[dict[str, object]]] = [
    [{"name": "Far"}],
    [{"namespace": "web"}],
    [{"name": "far", "namespace": "a.b"}],
    [{"name": "far"}, {"name": "far"}],
    [{"name": "far", "namespace": "web"}, {"name": "far", "namespace": "web", "presets": []}],
    [{"name": "far", "labels": {"manageddatabases.io/managed": "password"}}],
    [{"name": "far", "presets": ["django", "rails"]}],
    [{"name": f"far-{number}"} for number in range(7)],
]


async def test_what_no_copy_can_be_is_refused_when_it_is_applied(world: World) -> None:
    for copies in IMPOSSIBLE:
        answer = await world.cluster.apply(world.user(credentials={"copies": copies}), check=False)
        assert answer["code"] == 422, copies
        assert "credentials.copies" in answer["message"], copies
