from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, OTHER, datastore, parent, seen_database, uuid
from managed_databases.api.models import Database, User
from managed_databases.kinds.managed_database import KIND, ObservedDatabase
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.observed import Referred, SpecRefused
from managed_databases.kinds.protection import ProtectedStatus
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.report.status import reported_fields

OWNER = Referred("DatabaseUser app", id=uuid(60), object=User(id=uuid(60), name="app", datastore_id=MAIN))
OWNED = {"ownerRef": {"name": "app"}}


def database(**fields: Any) -> Database:
    return Database.model_validate(
        {"id": uuid(70), "name": "orders", "datastore_id": MAIN, "status": "ACTIVE"} | fields
    )


def test_the_body_says_what_the_spec_says() -> None:
    plain = KIND.body(seen_database(), None).model_dump(exclude_unset=True)
    assert plain == {"name": "orders", "datastore_id": MAIN}
    spec = {**OWNED, "name": "o", "lcCollate": "ru_RU.UTF-8", "lcCtype": "C"}
    full = KIND.body(seen_database(spec, refs={"ownerRef": OWNER}), None).model_dump(exclude_unset=True)
    assert full == {
        "name": "o",
        "datastore_id": MAIN,
        "owner_id": uuid(60),
        "lc_collate": "ru_RU.UTF-8",
        "lc_ctype": "C",
    }


def test_key_and_expected_agree_with_the_cloud() -> None:
    observed = seen_database({"lcCollate": "C"})
    assert KIND.key(observed) == KIND.key_of(database())
    assert KIND.expected(observed) == KIND.expected_of(database(lc_collate="C"))
    assert "lc_collate" not in KIND.expected_of(database())


def test_key_survives_that_nothing_is_known() -> None:
    nothing = replace(seen_database(), refs={}, project=None)
    assert KIND.key(nothing) == ("", "orders")
    assert reported_fields(KIND, nothing) == {}


@pytest.mark.parametrize(
    ("why", "cloud", "sent"),
    [
        ("another owner", {"owner_id": uuid(61)}, {"owner_id": uuid(60)}),
        ("null is nobody", {"owner_id": None}, {"owner_id": uuid(60)}),
        ("not told is no difference", {}, None),
        ("as it is", {"owner_id": uuid(60)}, None),
    ],
)
def test_the_owner_can_change(why: str, cloud: dict[str, Any], sent: dict[str, str] | None) -> None:
    found = [*KIND.changes(seen_database(OWNED, database(**cloud), refs={"ownerRef": OWNER}))]
    assert [change.call.body.model_dump() for change in found if change.call.body] == ([sent] if sent else []), why
    assert not [*KIND.changes(seen_database({}, database(**cloud)))], why


@pytest.mark.parametrize(
    ("why", "engine", "spec", "told"),
    [
        ("no databases in Redis", "redis 7", {}, "postgresql or mysql"),
        ("no databases in Kafka", "kafka 3", {}, "postgresql or mysql"),
        ("no owners in MySQL", "mysql 8", OWNED, "ownerRef"),
        ("no locale in MySQL", "mysql 8", {"lcCtype": "C"}, "lcCtype"),
    ],
)
def test_what_the_engine_cannot_do_is_refused(why: str, engine: str, spec: dict[str, Any], told: str) -> None:
    for act in (lambda observed: KIND.body(observed, None), lambda observed: [*KIND.changes(observed)]):
        with pytest.raises(SpecRefused) as refused:
            act(seen_database(spec, database(), refs={"datastoreRef": parent(engine), "ownerRef": OWNER}))
        assert refused.value.verdict.reason is Reason.INVALID_SPEC, why
        assert told in refused.value.verdict.message, why


def test_the_owner_is_in_the_same_datastore() -> None:
    stranger = replace(OWNER, object=User(id=uuid(60), name="app", datastore_id=OTHER))
    with pytest.raises(SpecRefused, match="is not in ManagedDatastore main"):
        KIND.body(seen_database(OWNED, refs={"ownerRef": stranger}), None)


def held(protection: bool) -> Referred:
    spec = ManagedDatastoreSpec.model_validate(
        {
            "engine": {"type": "postgresql", "version": "16"},
            "flavor": {"name": "s"},
            "subnetID": uuid(1),
            "deletionProtection": protection,
        }
    )
    return replace(parent(), spec=spec)


NOWHERE = Referred("ManagedDatastore main", problem=Wait(Reason.PARENT_MISSING, "no such resource"))


@pytest.mark.parametrize(
    ("why", "is_protected", "observed"),
    [
        ("as its datastore", True, seen_database(refs={"datastoreRef": held(True)})),
        ("as its datastore", False, seen_database(refs={"datastoreRef": held(False)})),
        ("its own word counts", False, seen_database({"deletionProtection": False}, refs={"datastoreRef": held(True)})),
        ("its own word counts", True, seen_database({"deletionProtection": True}, refs={"datastoreRef": held(False)})),
        ("goes with it", False, seen_database(refs={"datastoreRef": replace(held(True), going=True)})),
        ("is let go", False, seen_database({"deletionPolicy": "Retain"}, refs={"datastoreRef": held(True)})),
        ("nobody holds it: as the cloud", True, seen_database()),
        ("nobody holds it: as the cloud", False, seen_database(refs={"datastoreRef": parent(is_protected=None)})),
        ("unknown: what is there stays", True, seen_database(external=database(), refs={"datastoreRef": NOWHERE})),
        ("unknown: nothing is there", False, seen_database(refs={"datastoreRef": NOWHERE})),
    ],
)
def test_protected(why: str, is_protected: bool, observed: ObservedDatabase) -> None:
    assert KIND.protected(observed) is is_protected, why


def known(spec: dict[str, Any] | None = None, **fields: Any) -> ObservedDatabase:
    """It holds a cloud object, and its status said that it is protected."""
    return replace(seen_database(spec, **fields), status=ProtectedStatus(id=uuid(70), protected=True))


@pytest.mark.parametrize(
    ("why", "told", "observed"),
    [
        ("nothing is there to lose", {}, seen_database(refs={"datastoreRef": held(True)})),
        ("it is gone", {"protected": False}, known(is_gone=True, refs={"datastoreRef": held(True)})),
        ("an attempt may have worked", {"protected": True}, seen_database(created_id=uuid(7))),
        ("as its datastore", {"protected": False}, known(refs={"datastoreRef": held(False)})),
        ("unknown: as before", {"protected": True}, known(refs={"datastoreRef": NOWHERE})),
        (
            "its own word counts",
            {"protected": False},
            known({"deletionProtection": False}, refs={"datastoreRef": NOWHERE}),
        ),
    ],
)
def test_the_status_tells_the_admission_policy(why: str, told: dict[str, bool], observed: ObservedDatabase) -> None:
    assert reported_fields(KIND, observed) == told, why


def test_an_engine_nobody_knows_is_refused_nothing() -> None:
    unknown = Referred("x", id=MAIN, object=datastore(type_id=uuid(99)))
    assert KIND.body(seen_database({"lcCtype": "C"}, refs={"datastoreRef": unknown}), None).lc_ctype == "C"
