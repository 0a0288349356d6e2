"""What a step has found out, as it is written into the status."""

import pytest

from managed_databases.kinds.datastore_facts import DatastoreFacts
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.shared_fields import CloudStatus, Identity, Intent

IDENTITY = Identity(project="main", project_id="1", region="ru-3", datastore_id=None, key=("orders",))


@pytest.mark.parametrize("facts", [Facts, DatastoreFacts])
def test_each_is_a_field_of_the_status(facts: type[Facts]) -> None:
    assert facts.model_fields.keys() <= facts.STATUS.model_fields.keys()


@pytest.mark.parametrize(
    ("why", "facts", "written"),
    [
        ("nothing was found out", NOTHING, {}),
        ("a field is named as in the status", Facts(password_unconfirmed=True), {"passwordUnconfirmed": True}),
        ("and so is this one", Facts(password_check="key.mac"), {"passwordCheck": "key.mac"}),
        ("what is none any more is taken away", Facts(intent=None, id="1"), {"id": "1", "intent": None}),
        ("and so is what is empty", Facts(managed=(), applying={}), {"managed": None, "applying": None}),
        ("lists are lists", Facts(lost_ids=("1", "2")), {"lostIDs": ["1", "2"]}),
        (
            "what is not known is not written",
            Facts(identity=IDENTITY),
            {"identity": {"project": "main", "projectID": "1", "region": "ru-3", "key": ["orders"]}},
        ),
        (
            "numbers stay numbers",
            Facts(intent=Intent(attempt=1, wait_seconds=30.5)),
            {"intent": {"attempt": 1, "others": [], "waitSeconds": 30.5, "expected": {}}},
        ),
        ("a kind may have more", DatastoreFacts(guard="1"), {"guard": "1"}),
        ("of two the newer one counts", Facts(id="1", intent=None) | Facts(id="2"), {"id": "2", "intent": None}),
        ("and what a kind has is kept", DatastoreFacts(guard="1") | Facts(id="2"), {"guard": "1", "id": "2"}),
        ("in whatever order", Facts(id="2") | DatastoreFacts(guard="1"), {"guard": "1", "id": "2"}),
    ],
)
def test_written(why: str, facts: Facts, written: dict[str, object]) -> None:
    assert facts.written() == written, why
    assert bool(facts) is bool(written), why


def test_facts_applied_to_a_status_replace_its_fields() -> None:
    status = CloudStatus(id="an-id", lost_ids=("another",), phase="ACTIVE")
    assert Facts(id=None, lost_ids=()).applied_to(status) == CloudStatus(phase="ACTIVE")
