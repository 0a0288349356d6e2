"""Quota, limits and a flavor's configuration limits, before the call."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import CATALOGUE, LARGE, PARAMETERS, PROJECT, SMALL, TYPES, datastore, seen_datastore
from managed_databases.api.models import Capability, ConfigurationParameter, Limit, Quota
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.project_limits import QuotaLine, Range, quota_lines, ranges, supported
from managed_databases.kinds.project_view import Catalogue, ParametersFor, ProjectView
from managed_databases.kinds.verdicts import Reason

TYPE = TYPES["postgresql 16"]
ADVICE = ": have the quota raised, free some of it, or ask for less"
SIZE = {"vcpus": 2, "ramMB": 4096, "diskGB": 32}


def with_catalogue(**changes: Any) -> ProjectView:
    catalogue: Catalogue = replace(CATALOGUE, **changes)
    return replace(PROJECT, catalogue=catalogue)


def quotas(**lines: tuple[int, int]) -> tuple[Quota, ...]:
    rows = [{"name": name, "used": used, "limit": limit} for name, (used, limit) in lines.items()]
    return tuple(Quota.model_validate(row) for row in rows)


LIMITS = (
    Limit.model_validate({"engine": "postgresql", "vcpus": {"min": 2, "max": 8}, "disk": {"min": 10, "max": 64}}),
)


def told(observed: ObservedDatastore) -> tuple[Reason, str] | None:
    try:
        if observed.external is None:
            KIND.body(observed, None)
        else:
            list(KIND.changes(observed))
    except SpecRefused as refused:
        return refused.verdict.reason, refused.verdict.message
    return None


@pytest.mark.parametrize(
    ("why", "spec", "lines", "message"),
    [
        ("it fits exactly", {"nodeCount": 3}, {"vcpus": (34, 40)}, None),
        (
            "by numbers",
            {"nodeCount": 3, "flavor": SIZE | {"vcpus": 8}},
            {"vcpus": (28, 40)},
            "needs 3 x 8 vCPU, the project has 12 of 40 left",
        ),
        ("by a flavor's name", {"nodeCount": 2, "flavor": {"name": "large"}}, {"ram": (0, 9000)}, "needs 2 x 8192 MB RAM, the project has 9000 of 9000 left"),
        ("a disk beside the flavor", {"flavor": {"name": "large"}, "disk": {"type": "n", "sizeGB": 99}}, {"disk": (0, 98)}, "needs 1 x 99 GB disk, the project has 98 of 98 left"),
        ("how many", {}, {"datastores": (5, 5)}, "needs 1 more datastore, the project has 0 of 5 left"),
        (
            "all that is short",
            {},
            {"vcpus": (9, 10), "ram": (99, 10)},
            "needs 1 x 2 vCPU, the project has 1 of 10 left; needs 1 x 4096 MB RAM, the project has 0 of 10 left",
        ),
        ("below zero is no limit", {}, {"vcpus": (9, -1)}, None),
        ("an unknown name is no reason", {}, {"cores": (9, 9)}, None),
    ],
)  # fmt: skip
def test_a_creation_that_cannot_fit(
    why: str, spec: dict[str, Any], lines: dict[str, tuple[int, int]], message: str | None
) -> None:
    observed = seen_datastore(spec, project=with_catalogue(quotas=quotas(**lines)))
    assert told(observed) == (None if message is None else (Reason.QUOTA_EXCEEDED, message + ADVICE)), why


@pytest.mark.parametrize(
    ("why", "spec", "lines", "message"),
    [
        ("nothing changes", {}, {"vcpus": (10, 10)}, None),
        ("smaller always fits", {"flavor": SIZE | {"vcpus": 1}}, {"vcpus": (10, 10)}, None),
        ("only what is more counts", {"nodeCount": 2}, {"vcpus": (8, 10)}, None),
        ("more nodes", {"nodeCount": 3}, {"vcpus": (8, 10)}, "needs 3 x 2 vCPU, which is 4 more than now, the project has 2 of 10 left"),
        ("another flavor", {"flavor": {"name": "large"}}, {"ram": (0, 4095)}, "needs 1 x 8192 MB RAM, which is 4096 more than now, the project has 4095 of 4095 left"),
    ],
)  # fmt: skip
def test_a_resize_that_cannot_fit(
    why: str, spec: dict[str, Any], lines: dict[str, tuple[int, int]], message: str | None
) -> None:
    external = datastore(flavor_id=SMALL)
    observed = seen_datastore({"nodeCount": 1} | spec, external, project=with_catalogue(quotas=quotas(**lines)))
    assert told(observed) == (None if message is None else (Reason.QUOTA_EXCEEDED, message + ADVICE)), why


def test_a_resize_without_room_does_not_hold_up_the_rest() -> None:
    project = with_catalogue(quotas=quotas(vcpus=(10, 10)))
    observed = seen_datastore({"nodeCount": 3, "backupRetentionDays": 3}, datastore(), project=project)
    changes = KIND.changes(observed)
    assert next(iter(changes)).call.operation == "datastores.backups"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"flavor": SIZE | {"vcpus": 1}}, "flavor.vcpus: at least 2 for postgresql, not 1"),
        ({"flavor": SIZE | {"vcpus": 9}}, "flavor.vcpus: at most 8 for postgresql, not 9"),
        ({"flavor": SIZE | {"diskGB": 65}}, "flavor.diskGB: at most 64 for postgresql, not 65"),
        ({"flavor": {"vcpus": 2, "ramMB": 4096}, "disk": {"type": "n", "sizeGB": 9}}, "disk.sizeGB: at least 10 for postgresql, not 9"),
        ({"flavor": {"name": "large"}}, None),
    ],
)  # fmt: skip
def test_sizes_beyond_the_engines_limits(spec: dict[str, Any], message: str | None) -> None:
    observed = seen_datastore(spec, project=with_catalogue(limits=LIMITS))
    assert told(observed) == (None if message is None else (Reason.INVALID_SPEC, message))


@pytest.mark.parametrize(
    "row",
    [{}, {"name": 1, "used": 1, "limit": 1}, {"name": "vcpus", "used": "1", "limit": 2}, {"vcpus": {"used": 1}}, {"value": 5}],
)  # fmt: skip
def test_what_is_not_recognised_is_no_quota(row: dict[str, Any]) -> None:
    assert quota_lines([Quota.model_validate(row)]) == ()
    assert ranges([Limit.model_validate(row)], "postgresql") == {}
    assert not supported([Capability.model_validate(row)]) or "name" in row


def test_what_is_recognised() -> None:
    assert quota_lines(quotas(ram=(1, 2), disk=(3, 4))) == (QuotaLine("disk", 3, 4), QuotaLine("ram", 1, 2))
    assert ranges(LIMITS, "postgresql")["vcpus"] == Range(2, 8)
    features = [{"name": "b", "is_supported": True}, {"name": "a"}, {"name": "c", "is_supported": False}]
    assert supported(Capability.model_validate(row) for row in features) == ("a", "b")


def test_which_flavor_the_configurations_limits_are_needed_for() -> None:
    config = {"config": {"work_mem": 512}}
    assert KIND.parameters_for(seen_datastore(config)) == ParametersFor(TYPE, 2, 4096, 32)
    named = config | {"flavor": {"id": LARGE}}
    assert KIND.parameters_for(seen_datastore(named)) == ParametersFor(TYPE, 4, 8192, 64)
    assert KIND.parameters_for(seen_datastore(named, datastore())) == ParametersFor(TYPE, 2, 4096, 32)
    assert KIND.parameters_for(seen_datastore({})) is None
    assert KIND.parameters_for(seen_datastore(config, project=None)) is None
    assert KIND.parameters_for(seen_datastore(config | {"flavor": {"name": "none"}})) is None


@pytest.mark.parametrize(
    ("why", "value", "external", "message"),
    [
        ("within", 2000, None, None),
        ("more than the flavor bears", 2001, None, "config.work_mem: at most 2000 with this flavor"),
        ("the flavor's own least", 127, None, "config.work_mem: at least 128"),
        ("by the flavor that is there", 2001, datastore(), "config.work_mem: at most 2000 with this flavor"),
        ("not known for this flavor: the API decides", 9999, datastore(flavor={"vcpus": 9, "ram": 9, "disk": 9}), None),
    ],
)
def test_a_parameter_beyond_what_its_flavor_bears(why: str, value: int, external: Any, message: str | None) -> None:
    exact = ConfigurationParameter(id="1", name="work_mem", type="int", min=128, max=2000)
    limited = {ParametersFor(TYPE, 2, 4096, 32): (exact, *PARAMETERS[1:])}
    spec: dict[str, Any] = {"config": {"work_mem": value}}
    if external is not None and external.flavor.vcpus == 9:
        spec["flavor"] = {"vcpus": 9, "ramMB": 9, "diskGB": 9}
    observed = seen_datastore(spec, external, project=with_catalogue(limited=limited))
    assert told(observed) == (None if message is None else (Reason.INVALID_SPEC, message)), why
