"""For each immutable field on a real API server: once the cloud may have an object, it cannot be changed, added when it is
absent, or removed; before that it can, so that a mistake can be corrected.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from install.kubectl import Kubectl, with_crds
from kube.crd_immutability import ROWS
from kube.crd_samples import UUID, sample
from kube.immutable import Immutable
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.schema import RULES
from managed_databases.kube.crd import root_schema

pytestmark = pytest.mark.story

NAMESPACE = "immutability"
NOT_IN_THE_TABLE = ("the API cannot shrink a disk", "a disk can be neither added nor removed")
"""Tested below: they are not about one value that stays."""


def resource(row: Immutable, name: str, *, has_field: bool) -> dict[str, Any]:
    whole = sample(row.kind, name, NAMESPACE if kinds()[row.kind].namespaced else None, **row.beside)
    if row.kind != "DatabaseProject":
        whole["spec"]["deletionPolicy"] = "Retain"
    inside = whole["spec"]
    for step in row.path[:-1]:
        inside = inside.setdefault(step, {})
    inside.pop(row.path[-1], None)
    if has_field:
        inside[row.path[-1]] = deepcopy(row.value)
    return whole


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return with_crds(control_plane)


@pytest.fixture(scope="module", autouse=True)
def resources(kubectl: Kubectl) -> Iterator[None]:
    """Two of each row, one with the field and one without, made and taken away in one go; and one of which nothing is begun."""
    kubectl.make_namespace(NAMESPACE)
    begun = [resource(row, f"has{number}", has_field=True) for number, row in enumerate(ROWS)]
    begun += [resource(row, f"lacks{number}", has_field=False) for number, row in enumerate(ROWS) if not row.required]
    made = [*begun, *(resource(row, f"new{number}", has_field=True) for number, row in enumerate(ROWS))]
    kubectl.create(*made)
    projects = [each for each in begun if each["kind"] == "DatabaseProject"]
    others = [each for each in begun if each["kind"] != "DatabaseProject"]
    kubectl.tell({"region": "ru-3"}, *projects)
    for number, status in enumerate(BEGUN):
        kubectl.tell(status, *others[number :: len(BEGUN)])
    yield
    kubectl.delete(*made)


BEGUN: tuple[dict[str, Any], ...] = (
    {"id": UUID},
    {"intent": {"attempt": 1, "waitSeconds": 60}},
    {"lostIDs": [UUID]},
)
"""What a status tells once the cloud has, may have, or had an object."""


def patched(kind: str, name: str, spec: dict[str, Any]) -> tuple[str, ...]:
    return (*_patch(kind, name), "--type=merge", f"--patch={json.dumps({'spec': spec})}")


def with_null(row: Immutable, name: str) -> tuple[str, ...]:
    """A patch that makes the field a null; a merge patch with a null would remove it."""
    change = {"op": "add", "path": f"/spec/{'/'.join(row.path)}", "value": None}
    return (*_patch(row.kind, name), "--type=json", f"--patch={json.dumps([change])}")


def _patch(kind: str, name: str) -> tuple[str, ...]:
    namespace = (f"--namespace={NAMESPACE}",) if kinds()[kind].namespaced else ()
    return ("patch", kind, name, *namespace, "--dry-run=server")


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=map(str, ROWS))
def test_an_immutable_field(kubectl: Kubectl, number: int, row: Immutable) -> None:
    has, lacks = f"has{number}", f"lacks{number}"
    kubectl(*patched(row.kind, has, row.patch(row.value)))
    assert row.says in kubectl.refused(*patched(row.kind, has, row.patch(row.other)))
    if row.may_be_absent:
        kubectl(*patched(row.kind, has, row.patch(None)))
        kubectl(*patched(row.kind, lacks, row.patch(row.value)))
        return
    removal = kubectl.refused(*patched(row.kind, has, row.patch(None)))
    if not row.required:
        assert row.says in removal
        assert row.says in kubectl.refused(*patched(row.kind, lacks, row.patch(row.value)))
        assert row.says in kubectl.refused(*with_null(row, has))
        kubectl(*with_null(row, lacks))


def begun(kind: str, *path: str) -> str:
    """The name of a resource that has the field."""
    return next(f"has{number}" for number, row in enumerate(ROWS) if (row.kind, row.path) == (kind, path))


def test_each_rule_that_refuses_tells_why(kubectl: Kubectl) -> None:
    moved = {"name": "other", "secretName": "other", "datastoreRef": {"name": "other"}}
    said = kubectl.refused(*patched("DatabaseUser", begun("DatabaseUser", "secretName"), moved))
    assert "spec: " in said
    assert "cannot rename a user: make another one; secretName cannot change" in said
    assert "spec.datastoreRef: " in said
    assert "cannot move to another datastore" in said
    assert "another project" not in said


def test_a_name_that_is_also_the_resources_may_be_left_out(kubectl: Kubectl) -> None:
    kind = "ManagedDatabase"
    same = sample(kind, "same", NAMESPACE, name="same")
    kubectl.create(same)
    try:
        kubectl.tell(BEGUN[0], same)
        for name in (None, "same"):
            kubectl(*(each for each in patched(kind, "same", {"name": name}) if each != "--dry-run=server"))
            assert "cannot rename" in kubectl.refused(*patched(kind, "same", {"name": "other"}))
    finally:
        kubectl.delete(same)


def test_the_name_of_a_secret_may_stand_in_either_field(kubectl: Kubectl) -> None:
    name = begun("DatabaseUser", "secretName")
    kubectl(*patched("DatabaseUser", name, {"secretName": None, "credentials": {"name": "first"}}))
    other = {"secretName": None, "credentials": {"name": "second"}}
    assert "applications mount this Secret" in kubectl.refused(*patched("DatabaseUser", name, other))


def test_a_mistake_can_be_corrected_before_anything_is_begun(kubectl: Kubectl) -> None:
    corrected = []
    for number, row in enumerate(ROWS):
        each = resource(row, f"new{number}", has_field=True)
        inside = each["spec"]
        for step in row.path[:-1]:
            inside = inside[step]
        inside[row.path[-1]] = row.other
        corrected.append(each)
    done = kubectl.dry_run(*corrected)
    assert len(done.splitlines()) == len(ROWS)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"disk": {"sizeGB": 31}}, "the API cannot shrink a disk"),
        ({"disk": None}, "a disk can be neither added nor removed"),
    ],
)
def test_a_disk_neither_shrinks_nor_goes(kubectl: Kubectl, spec: dict[str, Any], says: str) -> None:
    number = next(number for number, row in enumerate(ROWS) if row.path == ("disk", "type"))
    name = f"has{number}"
    kubectl(*patched("ManagedDatastore", name, {"disk": {"sizeGB": 33}}))
    assert says in kubectl.refused(*patched("ManagedDatastore", name, spec))


def test_a_disk_cannot_be_added(kubectl: Kubectl) -> None:
    number = next(number for number, row in enumerate(ROWS) if row.path == ("flavor", "diskType"))
    disk = {"disk": {"type": "local", "sizeGB": 32}}
    said = kubectl.refused(*patched("ManagedDatastore", f"lacks{number}", disk))
    assert "a disk can be neither added nor removed" in said


def test_a_datastore_can_be_renamed(kubectl: Kubectl) -> None:
    number = next(number for number, row in enumerate(ROWS) if row.kind == "ManagedDatastore")
    kubectl(*patched("ManagedDatastore", f"has{number}", {"name": "orders2"}))


def transition_rules(schema: dict[str, Any]) -> Iterator[str]:
    """The message of each rule that compares with what was there before."""
    yield from (rule["message"] for rule in schema.get(RULES, ()) if "oldSelf" in rule["rule"])
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for each in inner:
        if each:
            yield from transition_rules(each)


@pytest.mark.parametrize("kind", kinds())
def test_no_immutable_field_is_missing_in_the_table(kind: str) -> None:
    for message in transition_rules(root_schema(kinds()[kind])):
        tested = [row.says for row in ROWS if row.kind == kind]
        assert any(says in message for says in (*tested, *NOT_IN_THE_TABLE)), f"{kind}: no row for: {message}"
