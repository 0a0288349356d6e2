"""What a pass observes of a DatabaseUser, for the tables of decisions."""

from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from kinds.builders import grouped
from managed_databases.api.models import Datastore, DatastoreType, User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import ObservedUser
from managed_databases.kinds.database_user_spec import DatabaseUserSpec, DatabaseUserStatus
from managed_databases.kinds.observed import Observed, ObservedOwned, Referred
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.shared_fields import Identity, Intent
from managed_databases.kinds.verdicts import (
    Reason,
    Wait,
)

DATASTORE_ID = "00000000-0000-4000-8000-000000000001"
MINE = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"
THIRD = "00000000-0000-4000-8000-00000000000c"

POSTGRESQL = DatastoreType(id="00000000-0000-4000-8000-0000000000ff", engine="postgresql", version="16")
DATASTORE = Datastore(
    id=DATASTORE_ID, name="main", status="ACTIVE", type_id=POSTGRESQL.id, connection={"master": "m.example"}
)
PROTECTED = DATASTORE.model_copy(update={"is_protected": True})
PROJECT = ProjectView("team", "0" * 32, "region-1", Catalogue(types=(POSTGRESQL,), known=True))
IDENTITY = Identity(
    project="team", project_id="0" * 32, region="region-1", datastore_id=DATASTORE_ID, key=(DATASTORE_ID, "app")
)
INTENT = Intent(attempt=1, wait_seconds=60, expected={"datastore_id": DATASTORE_ID, "name": "app"})
PASSWORD = SecretStr("secret-of-the-test")
OTHER_PASSWORD = SecretStr("another-secret")


def user(id_: str = MINE, status: str = "ACTIVE", name: str = "app", datastore_id: str = DATASTORE_ID) -> User:
    return User(id=id_, status=status, name=name, datastore_id=datastore_id)


def parent(**changes: Any) -> dict[str, Referred]:
    return {"datastoreRef": replace(Referred("ManagedDatastore a/main", DATASTORE_ID, DATASTORE), **changes)}


def owned(*, is_ours: bool = True, is_going: bool = False, **spec: Any) -> ObservedOwned:
    """A grant that the user's spec lists."""
    whole = {"deletionPolicy": "Delete"} | spec
    return ObservedOwned("DatabaseGrant", "app-shop", whole, is_ours=is_ours, is_going=is_going, trouble=None)


def observed(**changes: Any) -> ObservedUser:
    """A user whose datastore is ACTIVE and of which nothing is in the cloud yet."""
    spec = changes.pop("spec", {})
    fields: dict[str, Any] = {
        "namespace": "a",
        "name": "app",
        "uid": "uid",
        "generation": 1,
        "annotations": {},
        "deleting": False,
        "spec": DatabaseUserSpec.model_validate({"datastoreRef": {"name": "main"}} | spec),
        "status": DatabaseUserStatus(),
        "project": PROJECT,
        "refs": parent(),
        "credential": PasswordView(),
    }
    return Observed(**grouped(fields | changes))


def status(**changes: Any) -> DatabaseUserStatus:
    return DatabaseUserStatus(**({"identity": IDENTITY} | changes))


HELD = {"status": status(id=MINE), "external": user(), "credential": PasswordView(password=PASSWORD)}
NOT_NOW = Wait(Reason.RATE_LIMITED, "users cannot be listed")
TRIED = {"status": status(intent=INTENT)}
ADOPTS = {"project": replace(PROJECT, granted_powers=frozenset({"adopt"})), "namesakes": (user(OTHER),)}
