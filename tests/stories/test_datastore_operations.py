"""Further operations on a datastore: public addresses, log export, restore, quota, and approvals of changes."""

from typing import Any

import pytest

from cluster import Manifest, Refused
from stories.pace import fast
from stories.world import World, condition

DATASTORE = "ManagedDatastore"

GUARD = ["10.0.0.0/8"]


async def mutations(world: World) -> list[tuple[str, str, Any]]:
    """What was asked of the cloud to change since the requests were cleared, oldest first."""
    asked = await world.sandbox.requests(path="/v1/")
    return [
        (each["method"], each["path"].removeprefix("/v1"), each["body"]) for each in asked if each["method"] != "GET"
    ]


async def listed_twice(world: World) -> None:
    """Wait until the operator has seen all that is in the cloud now."""

    async def lists() -> int:
        return len([each for each in await world.calls("GET") if each["path"].endswith("/datastores")])

    before = await lists()

    async def two_more() -> bool:
        return await lists() >= before + 2

    await world.until("two more lists", two_more)


async def nothing_is_done(world: World) -> None:
    await world.sandbox.clear_requests()
    await listed_twice(world)
    assert await mutations(world) == []


async def started(world: World, **spec: Any) -> tuple[str, Manifest]:
    """A datastore that is in sync; its id, and what the cloud has of it."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(**spec))
    resource = await world.becomes(DATASTORE, "main", "Synced")
    return resource["status"]["id"], await in_cloud(world, resource["status"]["id"])


async def in_cloud(world: World, id_: str) -> Manifest:
    return next(row for row in await world.sandbox.objects("datastores") if row["id"] == id_)


async def changed(world: World, **spec: Any) -> list[tuple[str, str, Any]]:
    """Change the spec, wait until it is carried out; return the calls that took."""
    await world.sandbox.clear_requests()
    await world.change(DATASTORE, "main", **spec)
    await world.becomes(DATASTORE, "main", "Synced")
    return await mutations(world)


def instance(row: Manifest, role_name: str) -> Manifest:
    found: Manifest = next(one for one in row["instances"] if one["role_name"] == role_name)
    return found


# --- public addresses ---


@fast
async def test_public_addresses_come_behind_the_firewall_and_are_never_moved(world: World) -> None:
    id_, row = await started(world, nodeCount=3, firewall=GUARD, floatingIPs={"master": True, "replicas": 1})
    made, guarded, *opened = await mutations(world)
    assert made[:2] == ("POST", "/datastores")
    assert "floating_ips" not in made[2]["datastore"]
    assert guarded == ("PUT", f"/datastores/{id_}/firewall", {"firewall": {"ips": GUARD}})
    master, replica = instance(row, "master"), instance(row, "replica-1")
    assert opened == [
        ("POST", "/floating-ips", {"floating_ip": {"instance_id": one["id"]}}) for one in (master, replica)
    ]
    status = (await world.get(DATASTORE, "main"))["status"]
    assert status["endpoints"]["publicReadWrite"] == master["floating_ip"]
    assert status["endpoints"]["publicReadOnly"] == [replica["floating_ip"]]
    assert [one["role"] for one in status["instances"] if "floatingIP" in one] == ["master", "replica-1"]

    # The roles change places: the addresses stay where they are, and people are told.
    other = {"MASTER": "REPLICA", "REPLICA": "MASTER"}
    swapped = [
        one | {"role": other[one["role"]]} if one["role_name"] in ("master", "replica-2") else one
        for one in row["instances"]
    ]
    await world.sandbox.edit("datastores", id_, instances=swapped)
    moved = await world.becomes(DATASTORE, "main", "FloatingIPOnOtherRole")
    told = condition(moved, "FloatingIPOnOtherRole")["message"]
    assert "public addresses on the master: 0 instead of 1" in told
    synced = condition(moved, "Synced")
    assert (synced["status"], synced["reason"]) == ("False", "FloatingIPOnOtherRole"), (
        "a person has to say what is right"
    )
    await nothing_is_done(world)

    # Only a change of what the spec says of addresses changes them: those not wanted go first.
    calls = await changed(world, floatingIPs={"replicas": 0})
    taken = [("DELETE", "/floating-ips", {"floating_ip": {"instance_id": one["id"]}}) for one in (master, replica)]
    given = ("POST", "/floating-ips", {"floating_ip": {"instance_id": instance(row, "replica-2")["id"]}})
    assert calls == [*taken, given]
    assert not condition(await world.get(DATASTORE, "main"), "FloatingIPOnOtherRole")


@fast
async def test_a_guard_is_not_taken_from_public_addresses(world: World) -> None:
    id_, row = await started(world, firewall=GUARD, floatingIPs={"master": True})
    await world.sandbox.clear_requests()
    await world.change(DATASTORE, "main", firewall=None, floatingIPs=None)
    stalled = await world.becomes(DATASTORE, "main", "Stalled", reason="GuardNeeded")
    assert instance(row, "master")["floating_ip"] in condition(stalled, "Stalled")["message"]
    assert condition(stalled, "Ready")["status"] == "True"
    await nothing_is_done(world)
    calls = await changed(world, floatingIPs={"master": False})
    assert calls == [
        ("DELETE", "/floating-ips", {"floating_ip": {"instance_id": instance(row, "master")["id"]}}),
        ("PUT", f"/datastores/{id_}/firewall", {"firewall": {"ips": []}}),
    ]


@fast
async def test_public_addresses_without_a_firewall_come_with_the_datastore(world: World) -> None:
    _, row = await started(world, nodeCount=2, floatingIPs={"master": True, "replicas": 1})
    (made,) = await mutations(world)
    assert made[2]["datastore"]["floating_ips"] == {"master": 1, "replica": 1}
    with pytest.raises(Refused, match="at most nodeCount - 1"):
        await world.change(DATASTORE, "main", floatingIPs={"replicas": 2})
    await world.sandbox.fault(
        method="DELETE", path="floating-ips", status=403, body={"error": {"message": "not yours"}}
    )
    await world.change(DATASTORE, "main", floatingIPs={"replicas": 0})
    refused = await world.becomes(DATASTORE, "main", "Stalled", reason="Forbidden")
    assert condition(refused, "Stalled")["message"] == "the API refuses: not yours"
    await world.sandbox.clear_faults()
    # Removed from the spec, they are nobody's business any more; those that are there stay.
    await world.change(DATASTORE, "main", floatingIPs=None)
    await world.becomes(DATASTORE, "main", "Synced")
    await nothing_is_done(world)
    assert [bool(one["floating_ip"]) for one in row["instances"]] == [True, True]


# --- log export ---


@fast
async def test_logs_are_exported_and_not_any_more(world: World) -> None:
    id_, row = await started(world, logExport={"logGroup": "s/dbaas/a"})
    (made,) = await mutations(world)
    assert made[2]["datastore"]["log_platform"] == {"log_group": "s/dbaas/a"}
    path = f"/datastores/{id_}/log-platform"
    put = ("PUT", path, {"log_platform": {"log_group": "s/dbaas/b"}})
    assert await changed(world, logExport={"logGroup": "s/dbaas/b"}) == [put]

    await world.sandbox.clear_requests()
    await world.sandbox.edit("datastores", id_, log_platform=None)

    async def corrected() -> bool:
        assert await mutations(world) == [put], await world.get(DATASTORE, "main")
        return True

    await world.until("the export is turned on again", corrected)
    with pytest.raises(Refused, match=r"spec.logExport.logGroup"):
        await world.change(DATASTORE, "main", logExport={"logGroup": "elsewhere"})
    await world.becomes(DATASTORE, "main", "Synced")

    await world.sandbox.fault(method="PUT", path="log-platform", status=400, body={
        "error": {"message": "Validation failure: {'log_platform.log_group': 'no such log group'}"}
    })  # fmt: skip
    await world.change(DATASTORE, "main", logExport={"logGroup": "s/dbaas/c"})
    refused = await world.becomes(DATASTORE, "main", "Stalled", reason="Invalid")
    assert "no such log group" in condition(refused, "Stalled")["message"]
    await world.sandbox.clear_faults()
    assert await changed(world, logExport=None) == [("DELETE", path, None)]
    await world.sandbox.edit("datastores", id_, log_platform={"log_group": "s/dbaas/people"})
    await nothing_is_done(world)
    assert row["id"] == id_


# --- restore ---


@fast
async def test_a_datastore_begins_with_a_backup(world: World) -> None:
    id_, _ = await started(world)
    await world.sandbox.clear_requests()
    copy = world.datastore("copy", restore={"datastoreRef": {"name": "later"}})
    await world.apply(copy)
    await world.becomes(DATASTORE, "copy", "Ready", "False", reason="ParentMissing")
    await world.delete(DATASTORE, "copy")
    with pytest.raises(Refused, match="cannot be restored from itself"):
        await world.apply(world.datastore("copy", restore={"datastoreRef": {"name": "copy"}}))
    assert await mutations(world) == []

    await world.apply(world.datastore("copy", restore={"datastoreRef": {"name": "main"}}))
    await world.becomes(DATASTORE, "copy", "Synced")
    (made,) = await mutations(world)
    assert made[2]["datastore"]["restore"] == {"datastore_id": id_}

    with pytest.raises(Refused, match="restored into a new datastore only"):
        await world.change(DATASTORE, "copy", restore=None)

    # Once it is made, its source is of no importance.
    await world.delete(DATASTORE, "main")
    await world.sandbox.clear_requests()
    await world.change(DATASTORE, "copy", nodeCount=2)
    await world.becomes(DATASTORE, "copy", "Synced")
    ((_, path, _),) = await mutations(world)
    assert path.endswith("/resize")


@fast
async def test_what_nobody_holds_is_restored_from_with_the_power_to_adopt_only(world: World) -> None:
    source = await world.sandbox.create("datastores", {"name": "elsewhere"})
    await world.operator.start()
    restore = {"datastoreRef": {"id": source["id"]}, "targetTime": "2020-02-30T00:00:00Z"}
    await world.apply(world.project_manifest(), world.datastore(restore=restore))
    await world.becomes(DATASTORE, "main", "Stalled", reason="Forbidden")
    permits = [{"name": world.namespace, "powers": ["adopt"]}]
    await world.change("DatabaseProject", world.project, allowedNamespaces=permits)
    wrong = await world.becomes(DATASTORE, "main", "Stalled", reason="InvalidSpec")
    assert "there is no such moment as 2020-02-30T00:00:00Z" in condition(wrong, "Stalled")["message"]
    assert await mutations(world) == []
    await world.delete(DATASTORE, "main")
    await world.apply(world.datastore(restore=restore | {"targetTime": "2020-01-01T03:00:00+03:00"}))
    refused = await world.becomes(DATASTORE, "main", "Stalled", reason="Refused")
    assert "target_time is not within the backup retention" in condition(refused, "Stalled")["message"]
    asked = [body["datastore"]["restore"] for _, _, body in await mutations(world)]
    assert asked[0] == {"datastore_id": source["id"], "target_time": "2020-01-01T00:00:00"}


# --- room ---


@fast
async def test_what_does_not_fit_is_refused_before_the_call_and_made_when_it_fits(world: World) -> None:
    await world.sandbox.settings(quota={"vcpus": 10})
    big = {"flavor": {"vcpus": 8, "ramMB": 16384, "diskGB": 64}}
    await started(world)
    await world.sandbox.clear_requests()
    await world.apply(world.datastore("big", nodeCount=3, **big))
    short = await world.becomes(DATASTORE, "big", "Stalled", reason="QuotaExceeded")
    assert "needs 3 x 8 vCPU, the project has 8 of 10 left" in condition(short, "Stalled")["message"]
    await world.change(DATASTORE, "main", flavor={"vcpus": 16})
    short = await world.becomes(DATASTORE, "main", "Stalled", reason="QuotaExceeded")
    message = condition(short, "Stalled")["message"]
    assert "needs 1 x 16 vCPU, which is 14 more than now, the project has 8 of 10 left" in message
    assert condition(short, "Ready")["status"] == "True"
    await world.change(DATASTORE, "main", flavor={"vcpus": 100})
    wrong = await world.becomes(DATASTORE, "main", "Stalled", reason="InvalidSpec")
    assert "flavor.vcpus: at most 64 for postgresql, not 100" in condition(wrong, "Stalled")["message"]
    await world.change(DATASTORE, "main", flavor={"vcpus": 2})
    await world.becomes(DATASTORE, "main", "Synced")
    assert await mutations(world) == []

    project = await world.get("DatabaseProject", world.project)
    # What is used is written when the project is read again, which may be before or after "main" was made.
    quotas = {quota["name"]: (quota["used"], quota["limit"]) for quota in project["status"]["quotas"]}
    assert quotas["vcpus"] in ((0, 10), (2, 10))
    assert {"min": 1, "max": 64} in [limit["vcpus"] for limit in project["status"]["limits"]]
    assert "floating_ips" in project["status"]["capabilities"]

    # Room that becomes free is noticed by itself, a raised quota when the project is read again.
    await world.change(DATASTORE, "big", nodeCount=1, flavor={"vcpus": 10})
    await world.becomes(DATASTORE, "big", "Stalled", reason="QuotaExceeded")
    await world.delete(DATASTORE, "main")
    await world.becomes(DATASTORE, "big", "Synced")
    await world.change(DATASTORE, "big", nodeCount=2)
    await world.becomes(DATASTORE, "big", "Stalled", reason="QuotaExceeded")
    await world.sandbox.settings(quota={"vcpus": 100})
    await world.annotate("DatabaseProject", world.project, sync_requested="now")
    await world.becomes(DATASTORE, "big", "Synced")


@fast
@pytest.mark.parametrize("text_limits", [False, True])
async def test_a_parameter_is_checked_by_the_limits_of_its_flavor(text_limits: bool, world: World) -> None:
    await world.sandbox.settings(text_limits=text_limits)
    id_, _ = await started(world, config={"shared_buffers": 1000})
    await world.sandbox.clear_requests()
    await world.change(DATASTORE, "main", config={"shared_buffers": 400000})
    wrong = await world.becomes(DATASTORE, "main", "Stalled", reason="InvalidSpec")
    told = condition(wrong, "Stalled")["message"]
    assert told == "config.shared_buffers: at most 393216 with this flavor"
    assert await mutations(world) == []
    await nothing_is_done(world)
    assert not await world.calls("GET", "configuration-parameters")
    # A larger flavor comes first, and with it more room.
    calls = await changed(world, flavor={"ramMB": 8192})
    assert [path for _, path, _ in calls] == [f"/datastores/{id_}/resize", f"/datastores/{id_}/config"]
    assert calls[1][2] == {"config": {"shared_buffers": 400000}}


# --- who decides ---


@fast
async def test_drift_is_only_reported_where_so_asked_and_people_are_still_heard(world: World) -> None:
    id_, _ = await started(world, driftPolicy="Report", firewall=GUARD, pooler={"size": 40})
    await world.sandbox.edit("datastores", id_, firewall=[], pooler={"mode": "session", "size": 40}, name="stolen")
    await world.sandbox.edit("datastores", id_, pooler={"mode": "transaction", "size": 9})
    drifted = await world.becomes(DATASTORE, "main", "Synced", "False", reason="Drift")
    await nothing_is_done(world)
    drifted = await world.get(DATASTORE, "main")
    told = condition(drifted, "Synced")["message"]
    for difference in ("the name stolen becomes main", "the firewall lets in 10.0.0.0/8", "its size 40"):
        assert difference in told
    assert condition(drifted, "Ready")["status"] == "True"
    assert condition(drifted, "Stalled")["status"] == "False"
    assert condition(drifted, "Reconciling")["status"] == "False"

    calls = await changed(world, backupRetentionDays=3)
    assert [path.rpartition("/")[2] for _, path, _ in calls] == ["firewall", id_, "backups", "pooler"]
    assert (await world.get(DATASTORE, "main"))["status"]["syncedGeneration"] == 2


def _word(message: str) -> str:
    """The hash that a message asks to be approved."""
    return message.partition("approve: ")[2].split()[0]


@fast
async def test_disruptive_changes_wait_for_approval_and_the_others_do_not(world: World) -> None:
    id_, _ = await started(world, changePolicy="Approve", nodeCount=3)
    await world.sandbox.clear_requests()
    await world.change(DATASTORE, "main", nodeCount=1, backupRetentionDays=3)
    waiting = await world.becomes(DATASTORE, "main", "Stalled", reason="ApprovalNeeded")
    message = condition(waiting, "Stalled")["message"]
    assert message.startswith("as changePolicy is Approve: 3 nodes become 1 (restart). Annotate ")
    assert [path for _, path, _ in await mutations(world)] == [f"/datastores/{id_}/backups"]
    await world.annotate(DATASTORE, "main", approve="0" * 12)
    await nothing_is_done(world)
    # What is approved is what was shown: another change has another hash.
    word = _word(message)
    await world.change(DATASTORE, "main", nodeCount=2)
    waiting = await world.becomes(DATASTORE, "main", "Stalled", reason="ApprovalNeeded")
    message = condition(waiting, "Stalled")["message"]
    assert "3 nodes become 2 (restart)" in message
    await world.annotate(DATASTORE, "main", approve=word)
    await nothing_is_done(world)
    await world.annotate(DATASTORE, "main", approve=_word(message))
    await world.becomes(DATASTORE, "main", "Synced")
    assert [body for _, _, body in await mutations(world)] == [{"resize": {"node_count": 2}}]
    # An approval is for that change: the same one, asked for again later, needs another.
    assert await changed(world, nodeCount=3)
    await world.change(DATASTORE, "main", nodeCount=1)
    await world.becomes(DATASTORE, "main", "Stalled", reason="ApprovalNeeded")


@fast
async def test_what_the_cloud_tells_of_its_state_is_told(world: World) -> None:
    id_, _ = await started(world, nodeCount=2)
    await world.sandbox.edit("datastores", id_, is_maintenance=True, disk_used=97, status="DISK_FULL")
    full = await world.becomes(DATASTORE, "main", "DiskFull")
    assert condition(full, "Maintenance")["status"] == "True"
    assert condition(full, "Ready")["reason"] == "DiskFull"
    assert full["status"]["diskUsedPercent"] == 95
    await world.sandbox.edit("datastores", id_, is_maintenance=False, disk_used=10, status="DEGRADED")
    degraded = await world.becomes(DATASTORE, "main", "Degraded")
    assert condition(degraded, "Ready")["status"] == "True"
    assert not condition(degraded, "DiskFull")
    assert {"role", "zone", "status", "ip"} <= set(degraded["status"]["instances"][0])
    await world.sandbox.settings(delay=3)  # actions are read of a datastore that a list shows at work
    await changed(world, nodeCount=1)
    actions = (await world.get(DATASTORE, "main"))["status"]["actions"]
    assert 1 <= len(actions) <= 5
    assert {"name", "status", "startedAt", "requestID"} <= set(actions[0])
