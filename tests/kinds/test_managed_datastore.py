from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kinds.builders import (
    CATALOGUE,
    DATASTORE,
    LARGE,
    PROJECT,
    SMALL,
    SUBNET,
    TYPES,
    datastore,
    seen_datastore,
    uuid,
)
from managed_databases.api.models import Datastore
from managed_databases.api.secrets import WIRE
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.project_view import Catalogue
from managed_databases.kinds.verdicts import Change, Reason, Risk, Wait


def test_the_body_says_what_the_spec_says_and_nothing_else() -> None:
    sent = KIND.body(seen_datastore(), None).model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert sent == {
        "name": "main",
        "project_id": "0" * 32,
        "type_id": TYPES["postgresql 16"],
        "subnet_id": SUBNET,
        "node_count": 1,
        "flavor": {"vcpus": 2, "ram": 4096, "disk": 32},
    }


def test_the_body_of_everything() -> None:
    spec = {
        "flavor": {"name": "large"},
        "disk": {"type": "network-ultra", "sizeGB": 100},
        "nodeCount": 3,
        "config": {"work_mem": "512"},
        "pooler": {"mode": "session"},
        "securityGroups": [uuid(51)],
        "backupRetentionDays": 14,
    }
    sent = KIND.body(seen_datastore(spec), None).model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert sent["flavor_id"] == LARGE
    assert sent["disk"] == {"type": "network-ultra", "size": 100}
    assert sent["config"] == {"work_mem": 512}
    assert sent["pooler"] == {"mode": "session"}
    assert (sent["node_count"], sent["security_groups"], sent["backup_retention_days"]) == (3, [uuid(51)], 14)


def test_redis_is_made_with_its_password_and_nothing_else_is() -> None:
    redis = seen_datastore({"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "cache"}})
    sent = KIND.body(redis, SecretStr("geheim")).model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert sent["redis_password"] == "geheim"
    assert "geheim" not in repr(KIND.body(redis, SecretStr("geheim")))
    assert "redis_password" not in KIND.body(seen_datastore(), SecretStr("geheim")).model_fields_set


@pytest.mark.parametrize(
    ("why", "spec", "told"),
    [
        ("versions in their order", {"engine": {"type": "postgresql", "version": "13"}}, "engine.version: there is no such version of postgresql on offer; choose one of 9, 16"),
        ("engines", {"engine": {"type": "oracle", "version": "1"}}, "engine.type: there is no such engine on offer; choose one of kafka, mysql, postgresql, redis"),
        ("the nearest flavor first", {"flavor": {"name": "larg"}}, "flavor.name: there is no such flavor for this engine; on offer: large, small"),
        ("a flavor of another engine", {"flavor": {"name": "cache"}}, "flavor.name: there is no such flavor for this engine; on offer: large, small"),
        ("a flavor's id", {"flavor": {"id": uuid(99)}}, "flavor.id: there is no such flavor for this engine; on offer: large, small"),
        ("the parameter that was meant", {"config": {"workmem": 1}}, "config.workmem: this engine has no such parameter; did you mean work_mem?"),
    ],
)  # fmt: skip
def test_what_is_not_on_offer_is_refused_with_what_is(why: str, spec: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen_datastore(spec), None)
    assert refused.value.verdict.reason is Reason.INVALID_SPEC, why
    assert refused.value.verdict.message == told, why


def test_an_unknown_catalogue_is_waited_for() -> None:
    for project in (None, replace(PROJECT, catalogue=Catalogue())):
        with pytest.raises(SpecRefused) as refused:
            KIND.body(seen_datastore(project=project), None)
        assert isinstance(refused.value.verdict, Wait)


def test_the_prefix_is_part_of_the_name_and_of_the_key() -> None:
    observed = seen_datastore(project=replace(PROJECT, name_prefix="blue-"))
    assert KIND.key(observed) == ("blue-main",) == KIND.key_of(datastore(name="blue-main"))
    with pytest.raises(SpecRefused, match="260 characters"):
        KIND.body(seen_datastore({"name": "x" * 255}, project=replace(PROJECT, name_prefix="blue-")), None)


def test_a_candidate_is_recognised_by_what_never_changes() -> None:
    plain = seen_datastore()
    assert KIND.expected(plain) == {"type_id": TYPES["postgresql 16"], "subnet_id": SUBNET, "name": "main"}
    local = seen_datastore({"flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32, "diskType": "local"}})
    assert KIND.expected(local) == KIND.expected_of(datastore())
    assert "disk_type" not in KIND.expected_of(datastore(flavor=None))


def changes(observed: ObservedDatastore) -> tuple[list[Change], Reason | None]:
    found: list[Change] = []
    try:
        found.extend(KIND.changes(observed))
    except SpecRefused as refused:
        return found, refused.verdict.reason
    return found, None


def sent(change: Change) -> Any:
    assert change.call.body is not None
    return change.call.body.model_dump(mode="json", exclude_unset=True)


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], str, Any, Risk]] = [
    ("rename", {"name": "new"}, {}, "rename", {"name": "new"}, Risk.NONE),
    ("protection off", {"deletionProtection": False}, {}, "protection", {"protection": False}, Risk.NONE),
    ("protection is the default", {}, {"is_protected": False}, "protection", {"protection": True}, Risk.NONE),
    ("firewall", {"firewall": ["10.0.0.0/8"]}, {}, "firewall", {"ips": ["10.0.0.0/8"]}, Risk.ONLINE),
    ("an unseen guard is set", {"firewall": ["10.0.0.1"]}, {"firewall": None}, "firewall", {"ips": ["10.0.0.1"]}, Risk.ONLINE),
    ("empty on purpose", {"firewall": []}, {"firewall": [{"ip": "1.2.3.4"}]}, "firewall", {"ips": []}, Risk.ONLINE),
    ("groups", {"securityGroups": [uuid(52)]}, {}, "security-groups", {"security_groups": [uuid(52)]}, Risk.ONLINE),
    ("backups", {"backupRetentionDays": 14}, {}, "backups", {"backup_retention_days": 14}, Risk.NONE),
    ("half a pooler", {"pooler": {"size": 9}}, {}, "pooler", {"mode": "transaction", "size": 9}, Risk.ONLINE),
    ("config online", {"config": {"work_mem": "512"}}, {}, "config", {"config": {"work_mem": 512}}, Risk.ONLINE),
    ("config restarts", {"config": {"max_connections": 99}}, {"config": {"max_connections": 50}}, "config", {"config": {"max_connections": 99}}, Risk.RESTART),
    ("more nodes", {"nodeCount": 2}, {}, "resize", {"node_count": 2}, Risk.ONLINE),
    ("fewer nodes", {"nodeCount": 1}, {"node_count": 3}, "resize", {"node_count": 1}, Risk.RESTART),
    ("another size", {"flavor": {"vcpus": 4, "ramMB": 4096, "diskGB": 32}}, {}, "resize", {"flavor": {"vcpus": 4, "ram": 4096, "disk": 32}}, Risk.RESTART),
    ("another flavor", {"flavor": {"name": "large"}}, {"flavor_id": SMALL}, "resize", {"flavor_id": LARGE}, Risk.RESTART),
    ("flavor by its numbers", {"flavor": {"name": "large"}}, {"flavor_id": None}, "resize", {"flavor_id": LARGE}, Risk.RESTART),
    ("disk grows", {"disk": {"type": "network-ultra", "sizeGB": 20}}, {"disk": {"type": "network-ultra", "size": 10}}, "resize", {"disk": {"size": 20}}, Risk.ONLINE),
    (
        "one resize for all",
        {"disk": {"type": "n", "sizeGB": 20}, "nodeCount": 2, "flavor": {"id": LARGE}},
        {"disk": {"type": "n", "size": 10}, "flavor_id": SMALL},
        "resize",
        {"disk": {"size": 20}, "node_count": 2, "flavor_id": LARGE},
        Risk.RESTART,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("why", "spec", "cloud", "operation", "request_", "risk"), CHANGES)
def test_a_difference_is_one_call(
    why: str, spec: dict[str, Any], cloud: dict[str, Any], operation: str, request_: Any, risk: Risk
) -> None:
    found, refused = changes(seen_datastore(spec, datastore(**cloud)))
    assert [change.call.operation for change in found] == [f"datastores.{operation}"], why
    assert (sent(found[0]), found[0].risk, refused) == (request_, risk, None), why


@pytest.mark.parametrize(
    ("why", "spec", "cloud"),
    [
        ("as it is", {}, {}),
        ("absent is not managed", {}, {"node_count": 3, "firewall": [{"ip": "1.1.1.1"}], "config": {"work_mem": 9}}),
        ("order never matters", {"firewall": ["1.1.1.1", "2.2.2.2"]}, {"firewall": [{"ip": "2.2.2.2"}, {"ip": "1.1.1.1"}]}),
        ("an address is a network of one", {"firewall": ["1.1.1.1"]}, {"firewall": [{"ip": "1.1.1.1/32"}]}),
        ("values are compared after conversion", {"config": {"autovacuum": "on"}}, {"config": {"autovacuum": True}}),
        ("also the cloud's", {"config": {"work_mem": 512}}, {"config": {"work_mem": "512"}}),
        ("the named flavor is there", {"flavor": {"name": "small"}}, {"flavor_id": SMALL}),
        ("an id that is there needs no catalogue", {"flavor": {"id": uuid(98)}}, {"flavor_id": uuid(98)}),
    ],
)  # fmt: skip
def test_no_difference(why: str, spec: dict[str, Any], cloud: dict[str, Any]) -> None:
    assert changes(seen_datastore(spec, datastore(**cloud))) == ([], None), why


EVERYTHING: dict[str, Any] = {
    "nodeCount": 3,
    "config": {"work_mem": 512},
    "pooler": {"size": 9},
    "securityGroups": [uuid(52)],
    "backupRetentionDays": 14,
    "disk": {"type": "network-ultra", "sizeGB": 20},
}


@given(st.sets(st.sampled_from(sorted(set(DATASTORE) - {"id", "name"}))), st.booleans())
def test_what_the_cloud_does_not_tell_is_no_difference_and_no_crash(missing: set[str], as_null: bool) -> None:
    told = {name: value for name, value in DATASTORE.items() if name not in missing}
    external = Datastore.model_validate(told | (dict.fromkeys(missing) if as_null else {}))
    found, refused = changes(seen_datastore(EVERYTHING, external))
    of = {"node_count": "resize", "config": "config", "pooler": "pooler", "backup_retention_days": "backups"}
    assert not {f"datastores.{of[name]}" for name in missing & set(of)} & {change.call.operation for change in found}
    assert refused is None
    KIND.report(seen_datastore(EVERYTHING, external))
    KIND.expected_of(external)


def test_what_left_the_spec_is_reset_once_where_the_api_can() -> None:
    managed = {"managed": ["backups", "config.max_connections", "config.retired", "firewall", "pooler"]}
    found, refused = changes(seen_datastore({}, datastore(), managed))
    assert refused is None
    assert [(sent(change), change.unmanages) for change in found] == [
        ({"ips": []}, ("firewall",)),
        ({"mode": "transaction", "size": 30}, ("pooler",)),
        ({"config": {"max_connections": None}}, ("config.max_connections",)),
    ]
    assert found[2].risk is Risk.RESTART
    assert changes(seen_datastore({}, datastore(), {"managed": []})) == ([], None)


def test_only_what_can_be_reset_is_managed() -> None:
    spec = {"config": {"work_mem": 1, "typo": 2}, "pooler": {"size": 9}, "firewall": [], "backupRetentionDays": 3}
    assert [*KIND.wanted_values(seen_datastore(spec))] == ["firewall", "pooler"], "work_mem is too small, typo unknown"
    spec["config"] = {"work_mem": 99, "typo": 2}
    assert [*KIND.wanted_values(seen_datastore(spec))] == ["firewall", "pooler", "config.work_mem"]
    unknown = KIND.wanted_values(seen_datastore(spec, project=None))
    assert [*unknown] == ["firewall", "pooler", "config.work_mem", "config.typo"]


APPLYING = {
    "firewall": ["192.0.2.1", "198.51.100.7/24"],
    "pooler": {"size": 9},
    "logExport": {"logGroup": "s/dbaas/a"},
    "config": {"work_mem": "99", "scale_factor": 1, "autovacuum": "on"},
}
APPLIED = {
    "firewall": [{"ip": "198.51.100.0/24"}, {"ip": "192.0.2.1/32"}],
    "pooler": {"mode": "transaction", "size": 9},
    "log_platform": {"log_group": "s/dbaas/a"},
    "config": {"work_mem": 99, "scale_factor": 1.0, "autovacuum": True, "max_connections": 100},
}
OPERATIONS = ["firewall", "stop-exporting-logs", "pooler", "config"]


@pytest.mark.parametrize(
    ("why", "cloud", "operations"),
    [
        ("it has what was sent, in its own words: it is ours", APPLIED, OPERATIONS),
        ("nothing was set", {}, []),
        ("others have set the firewall", APPLIED | {"firewall": [{"ip": "203.0.113.1"}]}, OPERATIONS[1:]),
        ("others have set the pooler", APPLIED | {"pooler": {"mode": "session", "size": 9}}, ["firewall", *OPERATIONS[1:2], "config"]),
        ("others export logs", APPLIED | {"log_platform": {"log_group": "s/dbaas/b"}}, ["firewall", *OPERATIONS[2:]]),
        ("others have set the parameters", APPLIED | {"config": {"work_mem": 100, "max_connections": 100}}, OPERATIONS[:3]),
        ("it tells nothing", {"firewall": None, "pooler": None, "config": None}, []),
    ],
)  # fmt: skip
def test_what_was_sent_and_left_the_spec_is_reset_if_the_cloud_has_it(
    why: str, cloud: dict[str, Any], operations: list[str]
) -> None:
    sent_before = KIND.wanted_values(seen_datastore(APPLYING, datastore()))
    found, refused = changes(seen_datastore({}, datastore(**cloud), {"applying": sent_before}))
    assert [change.call.operation.removeprefix("datastores.") for change in found] == operations, why
    assert refused is None


def test_a_change_names_what_it_sets() -> None:
    found, _ = changes(seen_datastore(APPLYING, datastore(log_platform=None)))
    assert [change.manages for change in found] == [
        ("firewall",),
        ("logExport",),
        ("pooler",),
        ("config.work_mem", "config.scale_factor", "config.autovacuum"),
    ]
    assert [change.guards for change in found] == [True, False, False, False]


def test_all_that_cannot_be_done_is_named() -> None:
    spec = {"config": {"typo": 1, "work_mem": "much", "max_connections": 5}, "name": "new"}
    taken = seen_datastore(spec, datastore(), namesakes=(datastore(id=uuid(9), name="new"),))
    with pytest.raises(SpecRefused) as refused:
        list(KIND.changes(taken))
    for each in ("new", "typo", "work_mem", "max_connections"):
        assert each in refused.value.verdict.message or uuid(9) in refused.value.verdict.message
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen_datastore(spec), None)
    assert all(f"config.{name}" in refused.value.verdict.message for name in spec["config"])


def test_what_cannot_be_done_never_holds_up_the_rest() -> None:
    cloud = datastore(disk={"type": "n", "size": 50}, flavor={"vcpus": 2, "ram": 4096, "disk": 64})
    smaller = {"disk": {"type": "n", "sizeGB": 20}, "flavor": {"vcpus": 4, "ramMB": 4096, "diskGB": 32}}
    found, reason = changes(seen_datastore({**smaller, "backupRetentionDays": 9, "nodeCount": 2}, cloud))
    assert [change.call.operation for change in found] == ["datastores.backups", "datastores.resize"]
    assert sent(found[1]) == {"node_count": 2, "flavor": {"vcpus": 4, "ram": 4096, "disk": 64}}
    assert reason is Reason.NOT_REVERSIBLE
    found, reason = changes(seen_datastore({"config": {"typo": 1, "work_mem": 99}, "nodeCount": 2}, datastore()))
    assert [change.call.operation for change in found] == ["datastores.config", "datastores.resize"]
    assert sent(found[0]) == {"config": {"work_mem": 99}}
    assert reason is Reason.INVALID_SPEC


def test_a_name_that_is_taken_is_not_renamed_to() -> None:
    held = seen_datastore({"name": "new"}, datastore(), held={uuid(9): "ManagedDatastore shop/new"})
    assert changes(held) == ([], Reason.CONFLICT)
    free = seen_datastore({"name": "new"}, datastore(), namesakes=(datastore(id=uuid(9), name="new"),))
    assert changes(free) == ([], Reason.ALREADY_EXISTS)


def test_protection_is_lifted_before_the_deletion_and_only_then() -> None:
    (lift,) = KIND.before_delete(seen_datastore(external=datastore()))
    assert sent(lift) == {"protection": False}
    assert not [*KIND.before_delete(seen_datastore(external=datastore(is_protected=False)))]
    assert not [*KIND.before_delete(seen_datastore())]


@pytest.mark.parametrize(
    ("spec", "is_protected"),
    [({}, True), ({"deletionProtection": False}, False), ({"deletionPolicy": "Retain"}, False)],
)
def test_protected(spec: dict[str, Any], is_protected: bool) -> None:
    assert KIND.protected(seen_datastore(spec)) is is_protected


def test_an_engine_that_left_the_catalogue_does_not_trouble_what_runs() -> None:
    project = replace(PROJECT, catalogue=replace(CATALOGUE, types=()))
    assert changes(seen_datastore(external=datastore(type_id=uuid(77)), project=project)) == ([], None)
    assert KIND.report(seen_datastore(external=datastore(type_id=uuid(77)), project=project)).node_count == 1
