"""Manifests for what a project already has."""

import re
from typing import Any

import pytest

from kinds.builders import CATALOGUE, LARGE, SUBNET, TYPES, datastore, uuid
from managed_databases.api.models import CloudObject, Database, Extension, Grant, LogicalReplicationSlot, User
from managed_databases.api.models.kafka import ACL, Topic
from managed_databases.command_line.importing import Imported, Importer, kubernetes_name
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.shared_fields import NAME_PATTERN
from managed_databases.reconcile.ports import ResourceKey

MAIN, OWNER, READER, SHOP = uuid(1), uuid(2), uuid(3), uuid(4)
OBJECTS: dict[str, tuple[CloudObject, ...]] = {
    "ManagedDatastore": (datastore(id=MAIN, name="Main_DB", flavor_id=LARGE, firewall=[{"ip": "10.0.0.0/8"}]),),
    "DatabaseUser": (
        User(id=OWNER, name="app_owner", datastore_id=MAIN, status="ACTIVE"),
        User(id=READER, name="reader", datastore_id=MAIN, status="ACTIVE"),
    ),
    "ManagedDatabase": (
        Database(id=SHOP, name="Shop", datastore_id=MAIN, owner_id=OWNER, lc_collate="C", status="ACTIVE"),
    ),
    "DatabaseGrant": (Grant(id=uuid(5), datastore_id=MAIN, database_id=SHOP, user_id=READER),),
    "DatabaseExtension": (Extension(id=uuid(6), datastore_id=MAIN, database_id=SHOP, available_extension_id=uuid(92)),),
}


TAKEN_OVER = {"adoption": "Required", "driftPolicy": "Report"}


def run(
    objects: dict[str, tuple[CloudObject, ...]] = OBJECTS,
    held: dict[str, ResourceKey] | None = None,
    taken: tuple[ResourceKey, ...] = (),
    prefix: str = "",
    **further: Any,
) -> Imported:
    view = ProjectView("cloud", "0" * 32, "region-1", catalogue=CATALOGUE, name_prefix=prefix)

    def holder(kind: CloudKind, id_: str) -> ResourceKey | None:
        return (held or {}).get(id_)

    return Importer(view, cloud_kinds(kinds()), "shop", holder, taken, **{"project": None, **further}).run(objects)


def specs(imported: Imported) -> dict[str, dict[str, Any]]:
    return {f"{each['kind']}/{each['metadata']['name']}": each["spec"] for each in imported.manifests}


def test_everything_refers_to_what_was_imported_before_it() -> None:
    imported = run()
    assert imported.left_out == []
    told = specs(imported)
    assert told["ManagedDatastore/main-db"] == {
        "name": "Main_DB",
        "engine": {"type": "postgresql", "version": "16"},
        "flavor": {"name": "large"},
        "nodeCount": 1,
        "subnetID": SUBNET,
        "pooler": {"mode": "transaction", "size": 30},
        "securityGroups": [uuid(51)],
        "firewall": ["10.0.0.0/8"],
        "backupRetentionDays": 7,
        "deletionProtection": True,
        **TAKEN_OVER,
    }
    main = {"datastoreRef": {"name": "main-db"}}
    password = {"passwordSecretRef": {"name": "app-owner-password", "key": "password"}}
    assert told["DatabaseUser/app-owner"] == {"name": "app_owner", **main, **password, **TAKEN_OVER}
    assert told["ManagedDatabase/shop"] == {
        "name": "Shop", **main, "ownerRef": {"name": "app-owner"}, "lcCollate": "C", **TAKEN_OVER,
    }  # fmt: skip
    refs = {"databaseRef": {"name": "shop"}, "userRef": {"name": "reader"}}
    assert told["DatabaseGrant/reader-shop"] == main | refs | TAKEN_OVER
    assert told["DatabaseExtension/shop-cube"]["extension"] == "cube"
    assert [(secret.name, secret.of) for secret in imported.secrets] == [
        ("app-owner-password", "DatabaseUser app-owner"), ("reader-password", "DatabaseUser reader"),
    ]  # fmt: skip
    for each in imported.manifests:
        kinds()[each["kind"]].spec.model_validate(each["spec"])


def test_what_a_resource_holds_is_referred_to() -> None:
    mine = run(held={MAIN: ResourceKey("ManagedDatastore", "shop", "mine")})
    assert "ManagedDatastore/mine" not in specs(mine)
    assert specs(mine)["DatabaseUser/reader"]["datastoreRef"] == {"name": "mine"}
    others = run(held={MAIN: ResourceKey("ManagedDatastore", "elsewhere", "theirs")})
    assert others.manifests == []
    assert len(others.left_out) == 5
    assert all("no resource of the namespace shop holds it" in told for told in others.left_out)


def test_a_kind_without_a_rule_of_its_own_has_the_fields_of_its_object() -> None:
    slot = LogicalReplicationSlot(id=uuid(7), name="warehouse", datastore_id=MAIN, database_id=SHOP, status="ACTIVE")
    told = specs(run({**OBJECTS, "LogicalReplicationSlot": (slot,)}))
    refs = {"datastoreRef": {"name": "main-db"}, "databaseRef": {"name": "shop"}}
    assert told["LogicalReplicationSlot/warehouse"] == refs | TAKEN_OVER, "its name is that of the resource"


def test_names_are_free_ones() -> None:
    twins = {
        "ManagedDatastore": (datastore(id=uuid(1), name="a_b"), datastore(id=uuid(2), name="A-b")),
        "DatabaseUser": tuple(User(id=uuid(n + 7), name="app", datastore_id=uuid(n), status="ACTIVE") for n in (1, 2)),
    }
    told = specs(run(twins, taken=(ResourceKey("DatabaseUser", "shop", "app"),)))
    assert told.keys() == {"ManagedDatastore/a-b", "ManagedDatastore/a-b-2", "DatabaseUser/app-2", "DatabaseUser/app-3"}
    assert {told[name]["name"] for name in told if "User" in name} == {"app"}


def test_a_prefix_belongs_to_the_project() -> None:
    told = run({"ManagedDatastore": (datastore(id=MAIN, name="k8s-main"),)}, prefix="k8s-")
    assert "name" not in specs(told)["ManagedDatastore/main"], "it is that of the resource"
    other = run(prefix="k8s-")
    assert "its name has not the prefix k8s-" in other.left_out[0]


def test_a_project_that_is_not_the_default_is_named() -> None:
    told = specs(run(project="cloud"))
    assert told["ManagedDatastore/main-db"]["projectRef"] == {"name": "cloud"}
    assert "projectRef" not in told["DatabaseUser/reader"], "its datastore tells it"


def test_passwords_may_be_reset() -> None:
    imported = run(resets_passwords=True)
    assert imported.secrets == []
    assert specs(imported)["DatabaseUser/reader"]["onUnknownPassword"] == "Reset"


def test_a_redis_has_a_password_of_its_own() -> None:
    cache = datastore(id=MAIN, name="cache", type_id=TYPES["redis 7"], pooler=None)
    imported = run({"ManagedDatastore": (cache,)})
    assert specs(imported)["ManagedDatastore/cache"]["redis"] == {
        "passwordSecretRef": {"name": "cache-redis-password", "key": "password"}
    }


def test_kafka() -> None:
    kafka = datastore(id=MAIN, name="events", type_id=TYPES["kafka 3"], pooler=None, backup_retention_days=None)
    told = specs(
        run(
            {
                "ManagedDatastore": (kafka,),
                "DatabaseUser": (User(id=OWNER, name="app", datastore_id=MAIN, status="ACTIVE"),),
                "KafkaTopic": (Topic(id=uuid(8), name="orders.placed", datastore_id=MAIN, partitions=3),),
                "KafkaACL": (
                    ACL(id=uuid(9), datastore_id=MAIN, user_id=OWNER, pattern_type="all", pattern="", allow_read=True),
                ),
            }
        )
    )
    assert told["KafkaTopic/orders-placed"]["partitions"] == 3
    acl = told["KafkaACL/app-all"]
    assert (acl["patternType"], acl["allowRead"], acl["allowWrite"], "pattern" in acl) == ("all", True, False, False)


def test_what_no_manifest_can_say_is_told() -> None:
    odd = {**OBJECTS, "DatabaseUser": (User(id=OWNER, name="with-hyphen", datastore_id=MAIN, status="ACTIVE"),)}
    told = run(odd).left_out
    assert f"user with-hyphen ({OWNER}): a DatabaseUser cannot say its name" in told
    gone = run({"ManagedDatastore": (datastore(type_id=uuid(77)),)})
    assert "the project offers no engine" in gone.left_out[0]
    assert run({"ManagedDatastore": (datastore(status="PENDING_DELETE"),)}).manifests == []


@pytest.mark.parametrize(
    ("cloud", "name"),
    [
        ("Main_DB", "main-db"),
        ("_x_", "x"),
        ("a..b", "a-b"),
        ("***", "unnamed"),
        ("\u00fcber", "ber"),
        ("x" * 300, "x" * 200),
    ],
)
def test_names_for_kubernetes(cloud: str, name: str) -> None:
    assert kubernetes_name(cloud) == name
    assert re.fullmatch(NAME_PATTERN, name)


def test_of_several_under_one_name_none_is_taken_over() -> None:
    """Nor what is in them: their manifests would be Stalled as soon as they are applied."""
    twin = datastore(id=uuid(9), name="Main_DB", flavor_id=LARGE)
    going = datastore(id=uuid(10), name="Main_DB", flavor_id=LARGE, status="PENDING_DELETE")
    imported = run(OBJECTS | {"ManagedDatastore": (*OBJECTS["ManagedDatastore"], twin, going)})
    assert imported.manifests == []
    told = [each for each in imported.left_out if each.startswith("datastore ")]
    assert len(told) == 2
    assert (
        f"there are others under this name ({uuid(9)}), so none can be taken over: rename or delete all but one"
        in told[0]
    )
    assert run(OBJECTS | {"ManagedDatastore": (*OBJECTS["ManagedDatastore"], going)}).left_out == []
