"""The chain of what waits for what."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from command_line.resources import SINCE, ready, resource, stalls, waits
from managed_databases.command_line.explained_catalogue import catalogue_as_json, catalogue_line
from managed_databases.command_line.explaining import SECRET, Chain, Link, Sight, as_json, lines
from managed_databases.command_line.options import named_resource
from managed_databases.command_line.problems import BadUsage
from managed_databases.command_line.standing import standing_of
from managed_databases.kinds.database_catalogue import CATALOGUE, WrittenKind
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.ports import Resource, ResourceKey

NOW = datetime(2026, 11, 29, 10, 5, tzinfo=UTC)
DATASTORE: dict[str, Any] = {
    "engine": {"type": "postgresql", "version": "16"},
    "flavor": {"name": "x"},
    "subnetID": "11111111-2222-4333-8444-555555555555",
}
IN_MAIN = {"datastoreRef": {"name": "main"}}
KNOWN: tuple[Kind | WrittenKind, ...] = (*kinds().values(), CATALOGUE)
NO_TIME = "within 11 minutes without a cause"


def chain(
    *there: Resource,
    hidden: Iterable[ResourceKey] = (),
    inside: tuple[Resource, ...] = (),
    owned: tuple[Resource, ...] = (),
) -> Chain:
    by_key = {each.key: each for each in there}

    async def look(key: ResourceKey) -> Sight:
        return Sight(hidden="not told") if key in hidden else Sight(by_key.get(key))

    async def all_inside(parent: Resource) -> tuple[Resource, ...]:
        return inside if parent.key.kind == "ManagedDatastore" else ()

    async def all_owned(owner: Resource) -> tuple[Resource, ...]:
        return owned if owner.key.kind == "DatabaseUser" else ()

    return Chain(look, all_inside, all_owned, cloud_kinds(kinds()).get)


def shape(link: Link) -> object:
    """Field, name and state of each link."""
    head = f"{link.field} {link.name} {link.state}".strip()
    return {head: [shape(each) for each in link.waits_for]} if link.waits_for else head


async def test_the_chain_is_followed_down_to_what_holds_it_up() -> None:
    user = resource("DatabaseUser", "app", IN_MAIN, waits("ParentNotReady", "waits for main"))
    project = resource("DatabaseProject", "cloud", {}, stalls("CredentialsInvalid", "the password is refused"))
    spec = {"projectRef": {"name": "cloud"}, **DATASTORE}
    main = resource("ManagedDatastore", "main", spec, waits("ProjectNotReady"))
    link = await chain(main, project).link(user)
    assert shape(link) == {
        "DatabaseUser shop/app waiting": [
            {
                "datastoreRef ManagedDatastore shop/main waiting": [
                    "projectRef DatabaseProject cloud stalled",
                ]
            }
        ]
    }
    said = "\n".join(lines(link, NOW))
    assert "    projectRef: DatabaseProject cloud: stalled (CredentialsInvalid), for 5m" in said
    assert "the password is refused" in said
    told = as_json(link)
    assert told["waitsFor"][0]["waitsFor"][0]["reason"] == "CredentialsInvalid"
    assert told["waitsFor"][0]["since"] == SINCE


@pytest.mark.parametrize(
    ("why", "spec", "wanted"),
    [
        ("there is none", IN_MAIN, "datastoreRef ManagedDatastore shop/main does not exist"),
        ("in another namespace", {"datastoreRef": {"name": "main", "namespace": "data"}},
         "datastoreRef ManagedDatastore data/main not told"),
        ("by its id", {"datastoreRef": {"id": "11111111-2222-4333-8444-555555555555"}},
         "datastoreRef the cloud object 11111111-2222-4333-8444-555555555555 named by its id"),
    ],
)  # fmt: skip
async def test_a_reference_that_cannot_be_followed(why: str, spec: dict[str, object], wanted: str) -> None:
    user = resource("DatabaseUser", "app", spec, waits("ParentMissing"))
    link = await chain(hidden=[ResourceKey("ManagedDatastore", "data", "main")]).link(user)
    assert shape(link) == {"DatabaseUser shop/app waiting": [wanted]}, why


async def test_a_secret_is_looked_for_only_when_it_is_what_lacks() -> None:
    spec = {"datastoreRef": {"name": "main"}, "passwordSecretRef": {"name": "own"}}
    main = resource("ManagedDatastore", "main")
    for reason, wanted in (("SecretMissing", [f"{SECRET} shop/own"]), ("Invalid", [])):
        link = await chain(main).link(resource("DatabaseUser", "app", spec, stalls(reason)))
        assert [each.name for each in link.waits_for[1:]] == wanted


async def test_what_is_at_rest_is_shown_and_not_followed() -> None:
    user = resource("DatabaseUser", "app", IN_MAIN)
    main = resource("ManagedDatastore", "main", {"projectRef": {"name": "cloud"}, **DATASTORE})
    link = await chain(main).link(user)
    assert shape(link) == {"DatabaseUser shop/app ready": ["datastoreRef ManagedDatastore shop/main ready"]}


async def test_a_deletion_waits_for_what_is_in_it() -> None:
    """What is being deleted itself is followed further, and never in a circle."""
    main = resource("ManagedDatastore", "main", DATASTORE, waits("InUse", "delete app first"), deleting_since=SINCE)
    staying = resource("ManagedDatabase", "shop", IN_MAIN)
    going = resource("DatabaseUser", "app", IN_MAIN, waits("Deleting"), deleting_since=SINCE)
    link = await chain(main, inside=(staying, going)).link(main)
    assert shape(link) == {
        "ManagedDatastore shop/main waiting": [
            "in it ManagedDatabase shop/shop not being deleted",
            {"in it DatabaseUser shop/app waiting": ["datastoreRef ManagedDatastore shop/main see above"]},
        ]
    }
    assert "ManagedDatastore shop/main: waiting (InUse), for 5m; being deleted for 5m" in "\n".join(lines(link, NOW))


async def test_an_owner_waits_for_what_it_asks_for_inline() -> None:
    shop = {"databaseRef": {"name": "shop"}, "userRef": {"name": "app"}, **IN_MAIN}
    grant = resource("DatabaseGrant", "app-shop", shop, waits("ParentMissing"))
    user = resource("DatabaseUser", "app", IN_MAIN, waits("Pending", "waits for DatabaseGrant app-shop"))
    link = await chain(resource("ManagedDatastore", "main"), user, owned=(grant,)).link(user)
    (_, inline) = link.waits_for
    assert (inline.field, inline.name, inline.state) == ("asked for inline", "DatabaseGrant shop/app-shop", "waiting")
    assert [(each.field, each.state) for each in inline.waits_for] == [
        ("datastoreRef", "ready"), ("databaseRef", "does not exist"), ("userRef", "see above"),
    ]  # fmt: skip


async def test_what_others_have_written_is_shown_visible() -> None:
    user = resource("DatabaseUser", "app", {}, stalls("Invalid", "no\x1b[2J\nreally"))
    assert "no\\x1b[2J\\nreally" in "\n".join(lines(await chain().link(user), NOW))


@pytest.mark.parametrize(
    ("why", "status", "wanted"),
    [
        ("at rest", ready(), ("ready", "Ready", NO_TIME)),
        ("a stall goes before everything", stalls("Invalid"), ("stalled", "Invalid", "at once on a change of the spec, or")),
        ("work under way", waits("Pending"), ("waiting", "Pending", "the cloud is asked every 3 s; within 11 minutes")),
        ("ready, and a change is held up", {**ready(), "conditions": [*ready()["conditions"][:1],
            {"type": "Reconciling", "status": "True", "reason": "Drift", "message": ""}]}, ("ready", "Drift", NO_TIME)),
        ("an older generation", ready(observedGeneration=0), ("not looked at", "", "when an operator runs that serves")),
        ("nobody has looked", {"observedGeneration": -1}, ("not looked at", "", "when an operator runs that serves")),
        ("no status at all", {}, ("not looked at", "", "when an operator runs that serves")),
        ("a reason that this version does not know", stalls("Novel"), ("stalled", "Novel", "at once on a change")),
    ],
)  # fmt: skip
def test_where_a_resource_stands(why: str, status: dict[str, object], wanted: tuple[str, str, str]) -> None:
    told = standing_of(resource("DatabaseUser", "app", {}, status))
    assert (told.state, told.reason) == wanted[:2], why
    assert told.next_try.startswith(wanted[2]), why


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        ("databseuser/app", "KIND/NAME is meant; did you mean databaseuser/app? KIND is one of"),
        ("dbx/app", "KIND/NAME is meant; did you mean db"),
        ("zzz/app", "KIND/NAME is meant. KIND is one of"),
        ("app", "databaseuser (dbu)"),
        ("databasecatalog/app", "did you mean databasecatalogue/app?"),
    ],
)
def test_a_kind_that_there_is_not(told: str, hint: str) -> None:
    with pytest.raises(BadUsage) as wrong:
        named_resource(told, KNOWN)
    assert hint in str(wrong.value)


WRITTEN = [
    {"manager": "managed-databases-operator", "time": "2026-11-29T10:02:00Z"},
    {"manager": "kubectl-edit", "time": "2026-11-29T10:04:00Z"},
]


@pytest.mark.parametrize(
    ("why", "raw", "message"),
    [
        ("a whole one", {}, "written 3m ago, with nothing left out"),
        (
            "too much on offer",
            {"leftOut": "flavors: 12\x1b more"},
            "written 3m ago, without all that is on offer (flavors: 12\\x1b more)",
        ),
        ("nobody tells when", {"metadata": {"managedFields": []}}, "written 1h5m ago, with nothing left out"),
    ],
)  # fmt: skip
def test_a_catalogue_is_told_in_one_sentence(why: str, raw: dict[str, Any], message: str) -> None:
    metadata = {"name": "team", "namespace": "shop", "creationTimestamp": "2026-11-29T09:00:00Z"}
    catalogue = {**raw, "metadata": {**metadata, "managedFields": WRITTEN, **raw.get("metadata", {})}}
    sentence = (
        f"tells what the namespace shop may choose in the project team: {message}; "
        "`kubectl get dbcat team -n shop -o yaml` shows it"
    )
    assert catalogue_line(catalogue, NOW) == f"DatabaseCatalogue shop/team {sentence}", why
    told = catalogue_as_json(catalogue, NOW)
    assert (told["resource"], told["state"]) == ("DatabaseCatalogue shop/team", "there")
    assert told.keys() == as_json(Link("", "", "there")).keys()
