"""Every operation of the API is in the sandbox, and somebody uses it or a reason is given."""

import pytest

from managed_databases.api.reference import REFERENCE, Entry
from managed_databases.coverage_page import REASONS, coverage_page, sandbox_route, users_of
from managed_databases.kinds.registry import cloud_kinds, kinds

EVERY_OPERATION = pytest.mark.parametrize("entry", REFERENCE, ids=lambda entry: entry.operation.name)


@EVERY_OPERATION
def test_the_sandbox_answers_it(entry: Entry) -> None:
    route = sandbox_route(entry.operation)
    assert f"`{entry.operation.method} /v1{entry.operation.path}`" in route
    assert ("403" in route) == entry.operation.deprecated


@EVERY_OPERATION
def test_it_has_users_or_a_reason(entry: Entry) -> None:
    users, name = users_of(entry), entry.operation.name
    if entry.operation.deprecated:
        assert not users, "what is deprecated must not be used"
        assert name not in REASONS
    else:
        assert bool(users) != (name in REASONS), f"{name}: used by {users or 'nothing'}, reason {REASONS.get(name)!r}"


def test_the_reasons_are_for_operations_that_there_are() -> None:
    assert REASONS.keys() <= {entry.operation.name for entry in REFERENCE}


def test_every_kind_with_a_cloud_object_uses_its_own_collection() -> None:
    for kind in cloud_kinds(kinds()).values():
        section = kind.collection.name
        used = {
            entry.operation.name.partition(".")[2]
            for entry in REFERENCE
            if entry.operation.section == section and kind.name in users_of(entry)
        }
        assert {"list", "get", "create", "delete"} <= used, kind.name


@pytest.mark.parametrize(
    ("operation", "users"),
    [
        ("datastores.rename", ("ManagedDatastore",)),
        ("floating-ips.delete", ("ManagedDatastore",)),
        ("users.update", ("DatabaseUser",)),
        ("actions.list", ("operator: `project.datastore_actions`",)),
        ("quotas.get", ("operator: `project.catalogue_details`",)),
        ("datastores.list", ("ManagedDatastore", "operator: `project.connector`")),
    ],
)
def test_users_are_found_however_the_call_is_written(operation: str, users: tuple[str, ...]) -> None:
    (entry,) = (entry for entry in REFERENCE if entry.operation.name == operation)
    assert users_of(entry) == users


def test_every_row_is_filled() -> None:
    rows = [line for line in coverage_page().splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(REFERENCE)
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 5
        assert all(cell and not cell.endswith(":") for cell in cells), row
