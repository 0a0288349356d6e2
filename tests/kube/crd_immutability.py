"""What can never change: one row for each immutable field."""

from dataclasses import dataclass, field
from typing import Any

from kube.crd_samples import OTHER_UUID, UUID

BY_ID = {"datastoreRef": {"id": UUID}}


@dataclass(frozen=True)
class Immutable:
    """`path` leads to the field inside the spec; `beside` is what else a resource needs that has it.

    A `required` field cannot be absent, so it can be neither added nor removed.
    """

    kind: str
    path: tuple[str, ...]
    value: Any
    other: Any
    says: str
    required: bool = False
    beside: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}.spec.{'.'.join(self.path)}"

    def patch(self, value: Any) -> dict[str, Any]:
        """A merge patch of the spec that sets the field; None removes it."""
        for name in reversed(self.path):
            value = {name: value}
        assert isinstance(value, dict)
        return value


ROWS = (
    Immutable("DatabaseProject", ("region",), "ru-3", "ru-7", "pinned to this region", required=True),
    Immutable("DatabaseProject", ("projectID",), "0" * 32, "1" * 32, "pinned to this project"),
    Immutable("DatabaseProject", ("namePrefix",), "east-", "west-", "prefix is part of every cloud name"),
    Immutable("ManagedDatastore", ("projectRef",), {"name": "a"}, {"name": "b"}, "cannot move to another project"),
    Immutable("ManagedDatastore", ("engine", "type"), "postgresql", "postgresql_x", "change an engine", required=True),
    Immutable("ManagedDatastore", ("engine", "version"), "16", "17", "change an engine", required=True),
    Immutable("ManagedDatastore", ("subnetID",), UUID, OTHER_UUID, "change a subnet", required=True),
    Immutable("ManagedDatastore", ("flavor", "diskType"), "local", "network-ultra", "change a disk's type"),
    Immutable(
        "ManagedDatastore",
        ("disk", "type"),
        "local",
        "network-ultra",
        "change a disk's type",
        required=True,
        beside={"disk": {"type": "local", "sizeGB": 32}},
    ),
    Immutable(
        "ManagedDatastore",
        ("redis", "secretName"),
        "first",
        "second",
        "redis.secretName cannot change",
        beside={"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "small"}, "redis": {}},
    ),
    Immutable("ManagedDatabase", ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable("ManagedDatabase", ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
    Immutable("ManagedDatabase", ("name",), "orders", "orders2", "cannot rename a database"),
    Immutable("ManagedDatabase", ("lcCollate",), "C", "ru_RU", "can never change a database's collation"),
    Immutable("ManagedDatabase", ("lcCtype",), "C", "ru_RU", "can never change a database's character classes"),
    Immutable("DatabaseUser", ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable("DatabaseUser", ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
    Immutable("DatabaseUser", ("name",), "orders", "orders2", "cannot rename a user"),
    Immutable("DatabaseUser", ("secretName",), "first", "second", "applications mount this Secret"),
)
