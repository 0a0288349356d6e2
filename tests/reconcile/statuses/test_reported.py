"""What a pass reports is written by the names that the models have, and read by the same."""

import inspect
from dataclasses import fields

import pytest
from pydantic import BaseModel

from managed_databases.kinds.database_project import DatabaseProjectStatus, UseStatus
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.shared_fields import CloudStatus, Condition, Identity, Intent, Status
from managed_databases.kinds.written import names, written_as
from managed_databases.reconcile import told
from managed_databases.reconcile.project.project_status import _ProjectReported
from managed_databases.reconcile.statuses.reported import CloudReported, Reported


@pytest.mark.parametrize("reported", [Reported, CloudReported, _ProjectReported])
def test_each_field_is_one_of_the_status(reported: type[Reported]) -> None:
    assert {field.name for field in fields(reported)} <= reported.STATUS.model_fields.keys()


def test_all_is_written_and_what_is_absent_as_none() -> None:
    reported = CloudReported(
        observed_generation=1,
        conditions=[],
        last_handled_sync_request=None,
        synced_generation=2,
        managed=["pooler"],
        applying=None,
        binding={"name": "app"},
    )
    assert reported.written() == {
        "observedGeneration": 1,
        "conditions": [],
        "lastHandledSyncRequest": None,
        "syncedGeneration": 2,
        "managed": ["pooler"],
        "applying": None,
        "binding": {"name": "app"},
        "reason": None,
        "message": None,
    }


def test_only_what_is_given_is_written() -> None:
    assert written_as(CloudStatus)(synced_generation=1, lost_ids=("a",)) == {"syncedGeneration": 1, "lostIDs": ("a",)}
    assert written_as(Status)() == {}


MODELS: tuple[type[BaseModel], ...] = (CloudStatus, DatabaseProjectStatus, Condition, Identity, Intent, UseStatus)


class Asked(dict[str, object]):
    """Notes what it is asked for."""

    asked: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.asked = set()

    def get(self, name: str, default: object = None) -> object:
        self.asked.add(name)
        return default

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return False


READERS = (
    (told.Told, CloudStatus),
    (told.ToldProject, DatabaseProjectStatus),
    (told.ToldIdentity, Identity),
    (told.ToldCondition, Condition),
    (told.ToldUse, UseStatus),
)


@pytest.mark.parametrize(("reader", "model"), READERS)
def test_each_name_that_is_read_is_one_of_the_model(reader: type, model: type[BaseModel]) -> None:
    asked = Asked()
    properties = [name for name, value in inspect.getmembers(reader) if isinstance(value, property)]
    for name in properties:
        if name not in ("place", "key"):  # these raise where nothing is told
            getattr(reader(asked), name)
    known = {*names(model).values()}
    if issubclass(reader, told.Told):  # which knows of Services, too, that one kind alone has
        known |= {*names(CloudStatus).values(), *names(ManagedDatastoreStatus).values()}
    assert asked.asked
    assert asked.asked <= known
