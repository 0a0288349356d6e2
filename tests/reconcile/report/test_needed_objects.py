"""Which of the objects that a resource needs keeps its own from being usable."""

from dataclasses import replace

import pytest

from kinds.builders import database_ref, parent, seen_of, user_ref, uuid
from managed_databases.kinds.database_grant import KIND as GRANT
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.kind import CloudKind, any_kind
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.report.needed_objects import SERVES_NOT, broken_reference
from managed_databases.reconcile.told import ToldCondition

MAIN_REF, ORDERS_REF, APP_REF = {"name": "main"}, {"name": "orders"}, {"name": "app"}
OF_GRANT = {"datastoreRef": MAIN_REF, "databaseRef": ORDERS_REF, "userRef": APP_REF}
OF_DATABASE = {"datastoreRef": MAIN_REF, "ownerRef": APP_REF}
GOING = "ManagedDatabase orders is not usable: the cloud is deleting it"
GONE = "ManagedDatabase orders is not usable: it is gone from the cloud"
IS_GONE = Referred("ManagedDatabase orders", uuid(70), is_gone=True)
UNSEEN = Referred("ManagedDatabase orders", uuid(70))


def before(message: str, *, is_true: bool = False) -> ToldCondition:
    return ToldCondition({"type": "Ready", "status": str(is_true), "reason": "ParentNotReady", "message": message})


def broken(
    refs: dict[str, Referred], old: ToldCondition | None = None, kind: CloudKind | None = None
) -> tuple[Reason, str] | None:
    kind, spec = (any_kind(GRANT), OF_GRANT) if kind is None else (kind, OF_DATABASE)
    said = broken_reference(kind, seen_of(kind, spec, refs=refs), old)
    assert said is None or said[0] is False
    return None if said is None else said[1:]


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        ("ACTIVE", None),
        ("DEGRADED", None),
        ("PENDING_CREATE", None),
        ("PENDING_UPDATE", None),
        ("RESIZING", None),
        (None, None),
        ("ODD", None),
        ("PENDING_DELETE", Reason.PARENT_NOT_READY),
        ("DISK_FULL", Reason.DISK_FULL),
        ("DOWN", Reason.DOWN),
        ("ERROR", Reason.ERROR),
    ],
)
def test_by_what_the_cloud_says_of_it(phase: str | None, reason: Reason | None) -> None:
    for field, referred in (("datastoreRef", parent(status=phase)), ("userRef", user_ref(status=phase))):
        said = broken({field: referred})
        assert (None if said is None else said[0]) == reason, field
        if said is not None:
            assert referred.label in said[1]
            assert (f"the cloud says {phase}" in said[1]) is (phase in SERVES_NOT)


@pytest.mark.parametrize(
    ("why", "referred", "old", "message"),
    [
        ("it is there", database_ref(), before(GONE), None),
        ("it is on its way out", database_ref(status="PENDING_DELETE"), None, GOING),
        ("it is gone", IS_GONE, None, GONE),
        (
            "it came back before the word that it is gone is forgotten",
            replace(database_ref(), is_gone=True),
            None,
            None,
        ),
        ("nothing is seen of it", UNSEEN, None, None),
        ("nor was it, and all was well", UNSEEN, before("usable", is_true=True), None),
        ("it was gone", UNSEEN, before(GONE), GONE),
        ("it was going", UNSEEN, before(GOING), GOING),
        ("it was said to be so when all was well", UNSEEN, before(GONE, is_true=True), None),
        ("another one was gone", UNSEEN, before(GONE.replace("orders", "others")), None),
        ("something else was wrong", UNSEEN, before("the cloud says DOWN"), None),
        ("it is not made yet", Referred("ManagedDatabase orders"), None, None),
    ],
)
def test_what_is_gone_or_going(why: str, referred: Referred, old: ToldCondition | None, message: str | None) -> None:
    expected = None if message is None else (Reason.PARENT_NOT_READY, message)
    assert broken({"databaseRef": referred}, old) == expected, why


@pytest.mark.parametrize(
    ("why", "refs", "label"),
    [
        ("the outer one first", {"datastoreRef": parent(status="DOWN"), "userRef": user_ref(status="ERROR")}, "main"),
        ("then what is in it", {"databaseRef": IS_GONE, "userRef": user_ref()}, "orders"),
        ("one that serves hides no other", {"databaseRef": database_ref(), "userRef": user_ref(status="ERROR")}, "app"),
    ],
)
def test_of_several_one_is_told(why: str, refs: dict[str, Referred], label: str) -> None:
    said = broken(refs)
    assert said is not None
    assert said[1].split()[1] == label, why


@pytest.mark.parametrize(
    ("why", "refs", "is_broken"),
    [
        ("a database serves without its owner", {"ownerRef": user_ref(status="ERROR")}, False),
        ("whose end does not matter either", {"ownerRef": Referred("DatabaseUser app", uuid(60), is_gone=True)}, False),
        ("but not without its datastore", {"datastoreRef": parent(status="DOWN")}, True),
        ("whoever owns it", {"ownerRef": user_ref(), "datastoreRef": parent(status="PENDING_DELETE")}, True),
    ],
)
def test_what_serves_without(why: str, refs: dict[str, Referred], is_broken: bool) -> None:
    assert (broken(refs, kind=any_kind(DATABASE)) is not None) is is_broken, why


def test_what_a_spec_does_not_name_is_not_needed() -> None:
    kind = any_kind(USER)
    seen = seen_of(kind, {"datastoreRef": MAIN_REF})
    assert "databaseRef" not in seen.refs
    assert broken_reference(kind, seen, before(GONE)) is None
