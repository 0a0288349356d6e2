"""The list of operations, against the sections of the API and the facts that no row of a table can show."""

import re

import pytest
from pydantic import SecretStr

from api.golden_rows import golden_rows
from managed_databases.api import collections
from managed_databases.api.calls import Call, Collection, Operation
from managed_databases.api.collections import ACLS, ACTIONS, DATASTORES, GRANTS, TOPICS, USERS, metrics
from managed_databases.api.models import MetricsToken, NewTopic, UserPassword
from managed_databases.api.reference import REFERENCE, Entry
from managed_databases.api.secrets import WIRE

DEPRECATED = [
    "available-extensions.create",
    "available-extensions.update",
    "available-extensions.delete",
    "configuration-parameters.create",
    "configuration-parameters.delete",
    "flavors.create",
    "flavors.update",
    "flavors.delete",
    "flavors.update-host",
    "flavors.delete-host",
]


def test_all_sections_are_there() -> None:
    """A golden row is written for each by hand, so that none is lost."""
    assert {entry.operation.section for entry in REFERENCE} == {
        row.operation.partition(".")[0] for row in golden_rows()
    }


def test_all_that_can_be_called_is_listed_once() -> None:
    names = [entry.operation.name for entry in REFERENCE]
    assert len(names) == len(set(names))
    ways = {(entry.operation.method, entry.operation.path) for entry in REFERENCE}
    assert len(ways) == len(REFERENCE)
    offered = {n for n, v in vars(collections).items() if isinstance(v, Collection | Operation | Call)}
    assert {re.split(r"[.(]", entry.python)[0] for entry in REFERENCE} == offered


def test_what_is_deprecated() -> None:
    assert sorted(entry.operation.name for entry in REFERENCE if entry.operation.deprecated) == sorted(DEPRECATED)


@pytest.mark.parametrize("entry", REFERENCE, ids=lambda entry: entry.operation.name)
def test_every_filter_is_taken_and_no_other(entry: Entry) -> None:
    operation = entry.operation
    if not operation.filters:
        return
    id_ = ["x"] if "{id}" in operation.path else []
    call = entry.make(*id_, **dict.fromkeys(operation.filters, "v"))
    assert dict(call.query) == dict.fromkeys(operation.filters, "v")
    with pytest.raises(ValueError, match=f"{operation.name} has no filter colour"):
        entry.make(*id_, colour="red")


def test_what_the_api_does_not_have_cannot_be_called() -> None:
    with pytest.raises(ValueError, match="the API has no update of grants"):
        GRANTS.update("g", NewTopic(name="t", datastore_id="d"))
    with pytest.raises(ValueError, match="the API has no delete of actions"):
        ACTIONS.delete("a")


def test_a_body_of_another_operation_is_refused_without_its_content() -> None:
    with pytest.raises(TypeError, match="^topics.create takes a NewTopic, not UserPassword$"):
        TOPICS.create(UserPassword(password=SecretStr("secret")))
    with pytest.raises(TypeError, match="^users.get takes no body, not UserPassword$"):
        USERS.operations["get"].call("u", UserPassword(password=SecretStr("secret")))


def test_only_the_ids_place_is_filled() -> None:
    assert DATASTORES.get("{id}").path == "/datastores/{id}"
    assert metrics("m", start="{id}").query == (("start", "{id}"),)
    assert ACLS.delete("a").path == "/acls/a"


def test_a_metrics_token_hides_its_value() -> None:
    token = MetricsToken.model_validate({"id": "t", "name": "n", "value": "very-secret"})
    assert "very-secret" not in f"{token!r} {token} {token.model_dump()} {token.model_dump_json()}"
    assert token.model_dump(context=WIRE)["value"] == "very-secret"
