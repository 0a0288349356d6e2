"""Public addresses: which call comes when, and when none does."""

from typing import Any

import pytest

from kinds.builders import datastore, seen_datastore, uuid
from managed_databases.api.secrets import WIRE
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Change, Reason, Risk, Wait
from managed_databases.reconcile.report.status import reported_fields

A, B, C = uuid(71), uuid(72), uuid(73)


def node(id_: str, role_name: str, address: str | None = None) -> dict[str, Any]:
    role = "MASTER" if role_name == "master" else "REPLICA"
    return {"id": id_, "role": role, "role_name": role_name, "floating_ip": address}


BARE = [node(A, "master"), node(B, "replica-1"), node(C, "replica-2")]
OPEN = [node(A, "master", "203.0.113.1"), node(B, "replica-1", "203.0.113.2"), node(C, "replica-2")]
BOTH = {"floatingIPs": {"master": True, "replicas": 1}}
GUARD = {"firewall": ["10.0.0.0/8"]}
GUARDED = {"firewall": [{"ip": "10.0.0.0/8"}]}


def calls(spec: dict[str, Any], cloud: dict[str, Any], status: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    external = datastore(node_count=3, **cloud)
    found: list[Change] = list(KIND.changes(seen_datastore(spec, external, status)))
    return [
        (change.call.operation, getattr(change.call.body, "instance_id", ""))
        for change in found
        if change.call.body is not None
    ]


@pytest.mark.parametrize(
    ("why", "spec", "cloud", "status", "wanted"),
    [
        ("each that is missing", BOTH, {"instances": BARE}, {}, [("floating-ips.create", A), ("floating-ips.create", B)]),
        ("all are there", BOTH, {"instances": OPEN}, {}, []),
        (
            "never before the guard",
            BOTH | GUARD,
            {"instances": BARE},
            {},
            [("datastores.firewall", "")],
        ),
        ("the guard stands", BOTH | GUARD, {"instances": BARE[:2]} | GUARDED, {}, [("floating-ips.create", A), ("floating-ips.create", B)]),
        (
            "closing comes before anything else",
            {"floatingIPs": {"master": False, "replicas": 0}, "firewall": []},
            {"instances": OPEN} | GUARDED,
            {},
            [("floating-ips.delete", A), ("floating-ips.delete", B), ("datastores.firewall", "")],
        ),
        ("a role that is not said is not managed", {"floatingIPs": {"replicas": 0}}, {"instances": OPEN}, {}, [("floating-ips.delete", B)]),
        ("the same wish as before: nothing is moved", BOTH, {"instances": BARE}, {"floatingIPs": BOTH["floatingIPs"]}, []),
        ("another wish than before", BOTH, {"instances": BARE[:2]}, {"floatingIPs": {"master": True}}, [("floating-ips.create", A), ("floating-ips.create", B)]),
        ("not managed", {}, {"instances": OPEN}, {}, []),
        ("the cloud does not tell, and all is as it was asked for", BOTH, {"instances": None}, {"floatingIPs": BOTH["floatingIPs"]}, []),
    ],
)  # fmt: skip
def test_which_call_comes_when(
    why: str, spec: dict[str, Any], cloud: dict[str, Any], status: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    assert calls(spec, cloud, status) == wanted, why


@pytest.mark.parametrize("instances", [None, []])
def test_nodes_that_are_not_told_are_waited_for(instances: list[dict[str, Any]] | None) -> None:
    with pytest.raises(SpecRefused) as caught:
        calls(BOTH, {"instances": instances})
    assert isinstance(caught.value.verdict, Wait)
    assert caught.value.verdict.reason is Reason.NOT_TOLD


def test_an_address_that_is_given_up_cannot_be_had_again() -> None:
    spec = {"floatingIPs": {"master": False}}
    (change,) = KIND.changes(seen_datastore(spec, datastore(instances=OPEN)))
    assert change.risk is Risk.DESTRUCTIVE
    assert change.message == "master gives up its public address 203.0.113.1"


@pytest.mark.parametrize(
    ("why", "spec", "sent"),
    [
        ("asked for with the creation", {"nodeCount": 2} | BOTH, {"master": 1, "replica": 1}),
        ("not before the firewall", {"nodeCount": 2} | BOTH | GUARD, None),
        ("not before an empty firewall either", {"nodeCount": 2, "firewall": []} | BOTH, None),
        ("none is nothing to ask for", {"floatingIPs": {"master": False}}, None),
    ],
)
def test_the_creation(why: str, spec: dict[str, Any], sent: dict[str, int] | None) -> None:
    told = KIND.body(seen_datastore(spec), None).model_dump(mode="json", exclude_unset=True, context=WIRE)
    assert told.get("floating_ips") == sent, why


@pytest.mark.parametrize(
    ("spec", "external", "message"),
    [
        ({"floatingIPs": {"replicas": 1}}, None, "floatingIPs.replicas: 1 asked for, but there are no replicas: say fewer, or raise nodeCount"),
        ({"nodeCount": 2, "floatingIPs": {"replicas": 2}}, None, "floatingIPs.replicas: 2 asked for, but there is 1 replica: say fewer, or raise nodeCount"),
        ({"floatingIPs": {"replicas": 3}}, OPEN[:1], "floatingIPs.replicas: 3 asked for, but there are no replicas: say fewer, or raise nodeCount"),
    ],
)  # fmt: skip
def test_more_addresses_than_replicas(
    spec: dict[str, Any], external: list[dict[str, Any]] | None, message: str
) -> None:
    observed = seen_datastore(spec, None if external is None else datastore(instances=external))
    with pytest.raises(SpecRefused) as refused:
        KIND.body(observed, None) if external is None else list(KIND.changes(observed))
    assert (refused.value.verdict.reason, refused.value.verdict.message) == (Reason.INVALID_SPEC, message)


def test_a_guard_is_not_taken_from_public_addresses() -> None:
    with pytest.raises(SpecRefused) as refused:
        list(KIND.changes(seen_datastore({}, datastore(instances=OPEN, **GUARDED), {"managed": ["firewall"]})))
    assert refused.value.verdict.reason is Reason.GUARD_NEEDED
    assert refused.value.verdict.message == (
        "the firewall left the spec, but it guards public addresses (203.0.113.1, 203.0.113.2), so it stays as it is: "
        "say firewall: [] if it shall really be emptied, or give the addresses up with floatingIPs"
    )


@pytest.mark.parametrize(
    ("why", "instances", "before", "after", "is_told"),
    [
        ("fulfilled for the first time", OPEN, None, BOTH["floatingIPs"], False),
        ("not yet", BARE, None, None, False),
        ("still", OPEN, BOTH["floatingIPs"], BOTH["floatingIPs"], False),
        ("moved: remembered and told", BARE, BOTH["floatingIPs"], BOTH["floatingIPs"], True),
        ("an older wish is forgotten at once", BARE, {"master": True}, None, False),
    ],
)
def test_what_was_fulfilled_is_remembered(
    why: str, instances: list[dict[str, Any]], before: Any, after: Any, is_told: bool
) -> None:
    observed = seen_datastore(
        BOTH, datastore(instances=instances, node_count=3), {"floatingIPs": before} if before else {}
    )
    assert reported_fields(KIND, observed).get("floatingIPs") == after, why
    assert ("FloatingIPOnOtherRole" in KIND.conditions(observed)) is is_told, why


def test_a_role_that_moved_is_told_with_where_the_address_is() -> None:
    moved = [node(A, "replica-1", "203.0.113.1"), node(B, "master")]
    status = {"floatingIPs": {"master": True, "replicas": 0}}
    observed = seen_datastore({"floatingIPs": {"master": True, "replicas": 0}}, datastore(instances=moved), status)
    is_so, reason, message = KIND.conditions(observed)["FloatingIPOnOtherRole"]
    assert (is_so, reason) == (True, Reason.FLOATING_IP_ON_OTHER_ROLE)
    assert message.startswith(
        "public addresses on the master: 0 instead of 1; public addresses on replicas: 1 instead of 0 "
        "(203.0.113.1 on replica-1): a node has changed its role"
    )
    assert not KIND.conditions(
        seen_datastore({"floatingIPs": {"master": True}}, datastore(instances=moved, status="RESIZING"), status)
    )
