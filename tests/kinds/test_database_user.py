from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, OTHER, PROJECT, parent, seen_user, uuid
from managed_databases.api.models import Database, User
from managed_databases.api.secrets import WIRE
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.database_user import DATABASE, KIND
from managed_databases.kinds.database_user_spec import DatabaseUserStatus
from managed_databases.kinds.managed_database import ManagedDatabaseSpec
from managed_databases.kinds.observed import Referred, SpecRefused
from managed_databases.kinds.verdicts import Reason, Wait

assert KIND.credential is not None
CREDENTIAL = KIND.credential
SECRET = SecretStr("geheim")

NAMED = {"databaseRef": {"name": "orders"}}
ORDERS = Referred("ManagedDatabase orders", id=uuid(70), object=Database(id=uuid(70), name="o", datastore_id=MAIN))
WAITING = Wait(Reason.PARENT_NOT_READY, "waits for its owner")


def database_spec(**fields: Any) -> ManagedDatabaseSpec:
    return ManagedDatabaseSpec.model_validate({"datastoreRef": {"name": "main"}} | fields)


def test_the_body_reveals_the_password_on_the_wire_only() -> None:
    new = KIND.body(seen_user(), SECRET)
    sent = new.model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert sent == {"name": "app", "datastore_id": MAIN, "password": "geheim"}
    assert "geheim" not in repr(new) + new.model_dump_json()


def test_a_check_needs_no_password() -> None:
    sent = KIND.body(seen_user(), None).model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert sent == {"name": "app", "datastore_id": MAIN}


def test_key_and_expected_agree_with_the_cloud() -> None:
    user = User(id=uuid(60), name="app", datastore_id=MAIN)
    assert KIND.key(seen_user()) == KIND.key_of(user)
    assert KIND.expected(seen_user()) == KIND.expected_of(user)
    assert not [*KIND.changes(seen_user(external=user))]


def test_creation_does_not_wait_for_the_database_that_waits_for_its_owner() -> None:
    assert not DATABASE.waited
    late = Referred("ManagedDatabase orders", problem=WAITING, spec=database_spec(name="o"))
    assert KIND.body(seen_user(NAMED, refs={"databaseRef": late}), SECRET).name == "app"


@pytest.mark.parametrize(
    ("why", "spec", "database", "name"),
    [
        ("as the cloud has it", NAMED, ORDERS, "o"),
        ("not made yet: as its spec says", NAMED, Referred("x", problem=WAITING, spec=database_spec(name="o")), "o"),
        ("or as its resource is called", NAMED, Referred("x", problem=WAITING, spec=database_spec()), "orders"),
        ("by an id that is not there yet", {"databaseRef": {"id": uuid(70)}}, Referred("x", problem=WAITING), None),
        ("no such resource", NAMED, Referred("x", problem=WAITING), None),
        ("in another datastore", NAMED, replace(ORDERS, object=Database(id="1", name="o", datastore_id=OTHER)), None),
        ("none", {}, ORDERS, None),
    ],
)
def test_the_secret_is_for_a_database(why: str, spec: dict[str, Any], database: Referred, name: str | None) -> None:
    content = CREDENTIAL.content(seen_user(spec, refs={"databaseRef": database}), SECRET)
    assert content.get("database") == name, why
    path = f"/{name}" if name else ""
    assert content["uri"] == f"postgresql://app:geheim@master.example:5432{path}?sslmode=require", why


@pytest.mark.parametrize(("synced", "name"), [(1, "o"), (0, None)])
def test_a_database_that_is_not_shown_any_more_keeps_its_name_while_the_spec_stays(
    synced: int, name: str | None
) -> None:
    refs = {"databaseRef": Referred("x", uuid(70), is_gone=True)}
    seen = seen_user({"databaseRef": {"id": uuid(70)}}, refs=refs, held_secret=HeldSecret({"database": "o"}))
    seen = replace(seen, generation=1, status=DatabaseUserStatus(synced_generation=synced))
    assert CREDENTIAL.content(seen, SECRET).get("database") == name


def test_the_secret_survives_that_nothing_is_known() -> None:
    nothing = replace(seen_user(NAMED), refs={}, project=None)
    assert CREDENTIAL.type(nothing) == "unknown"
    assert CREDENTIAL.content(nothing, SECRET) == {
        "type": "unknown",
        "provider": "managed-databases",
        "username": "app",
    }


def test_the_projects_certificate_is_in_the_secret() -> None:
    observed = replace(seen_user(), project=replace(PROJECT, ca_certificate="PEM"))
    assert CREDENTIAL.content(observed, SECRET)["ca.crt"] == "PEM"


@pytest.mark.parametrize(
    ("why", "engine", "spec"),
    [("no users in Redis", "redis 7", {}), ("no databases in Kafka", "kafka 3", NAMED)],
)
def test_what_the_engine_cannot_do_is_refused(why: str, engine: str, spec: dict[str, Any]) -> None:
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen_user(spec, refs={"datastoreRef": parent(engine)}), None)
    assert refused.value.verdict.reason is Reason.INVALID_SPEC, why


def test_the_database_is_in_the_same_datastore() -> None:
    stranger = replace(ORDERS, object=Database(id="1", name="o", datastore_id=OTHER))
    with pytest.raises(SpecRefused, match="databaseRef"):
        [*KIND.changes(seen_user(NAMED, refs={"databaseRef": stranger}))]


def test_a_change_of_the_password_is_one_call() -> None:
    assert CREDENTIAL.set_password is not None
    call = CREDENTIAL.set_password(uuid(60), SECRET)
    assert (call.method, call.path, call.request_envelope) == ("PUT", f"/users/{uuid(60)}", "user")
    assert call.body is not None
    assert call.body.model_dump(context=WIRE) == {"password": "geheim"}


def test_names_of_secrets() -> None:
    assert CREDENTIAL.suffix == "user"
    assert CREDENTIAL.secret_name(seen_user().spec) is None
    assert CREDENTIAL.secret_name(seen_user({"secretName": "external"}).spec) == "external"
    given = CREDENTIAL.given(seen_user({"passwordSecretRef": {"name": "own"}}).spec)
    assert given is not None
    assert (given.name, given.key) == ("own", "password")
