"""What can never change: one row for each immutable field, here or as `IMMUTABLE_FIELDS` in the kind's own test."""

from kube.crd_samples import OTHER_UUID, UUID
from kube.immutable import BY_ID, Immutable
from kube.kind_tests import told_by_kind_tests

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
    Immutable(
        "ManagedDatastore",
        ("credentials", "name"),
        "first",
        "second",
        "redis.secretName cannot change",
        beside={"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "small"}, "credentials": {}},
    ),
    Immutable(
        "ManagedDatastore",
        ("restore",),
        {"datastoreRef": {"name": "a"}},
        {"datastoreRef": {"name": "b"}},
        "restored into a new datastore only",
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
    Immutable(
        "DatabaseUser",
        ("credentials", "name"),
        "first",
        "second",
        "applications mount this Secret",
        beside={"credentials": {}},
    ),
    *(row for _, rows in told_by_kind_tests("IMMUTABLE_FIELDS") for row in rows),
)
