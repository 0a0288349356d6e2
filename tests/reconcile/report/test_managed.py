"""What was sent counts as set once the cloud shows it, and what others change under Report is theirs."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from kinds.builders import datastore, seen_datastore
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.reconcile.report.managed import managed
from managed_databases.reconcile.told import Told

WANTED = {"a": "1", "b": "1"}


class Valued:
    """A kind that wants WANTED, of a cloud that has `actual`."""

    def __init__(self, actual: Mapping[str, str]) -> None:
        self.actual = actual

    def wanted_values(self, _: Observed) -> Mapping[str, str]:
        return WANTED

    def actual_values(self, _: Observed) -> Mapping[str, str]:
        return self.actual


def seen(phase: str = "ACTIVE", *, is_there: bool = True, policy: str = "Correct", synced: int = 1) -> Observed:
    return cast(
        Observed,
        seen_datastore(
            {"driftPolicy": policy},
            external=datastore(status=phase) if is_there else None,
            status={"syncedGeneration": synced},
        ),
    )


@pytest.mark.parametrize(
    ("why", "observed", "actual", "before", "after"),
    [
        ("nothing was set", seen(), WANTED, {}, ([], {})),
        ("it worked", seen(), WANTED, {"applying": {"a": "1"}}, (["a"], {})),
        ("it is not there yet", seen("PENDING_UPDATE"), {}, {"applying": {"a": "1"}}, ([], {"a": "1"})),
        ("it may still come", seen(), {}, {"applying": {"a": "1"}}, ([], {"a": "1"})),
        ("something else is wanted by now", seen(), {}, {"applying": {"a": "0"}}, ([], {})),
        ("but the cloud is at work", seen("PENDING_UPDATE"), {}, {"applying": {"a": "0"}}, ([], {"a": "0"})),
        ("nothing is seen of it", seen(is_there=False), WANTED, {"applying": {"a": "1"}}, ([], {"a": "1"})),
        ("what is set stays", seen(), {"a": "2"}, {"managed": ["b", "a"]}, (["a", "b"], {})),
        ("others changed it, to be told only", seen(policy="Report"), {"a": "2"}, {"managed": ["a", "b"]}, (["b"], {})),
        ("the spec is another", seen(policy="Report", synced=0), {"a": "2"}, {"managed": ["a"]}, (["a"], {})),
        ("nulls are nothing", seen(), WANTED, {"managed": None, "applying": None}, ([], {})),
    ],
)
def test_managed(
    why: str,
    observed: Observed,
    actual: dict[str, str],
    before: dict[str, Any],
    after: tuple[list[str], dict[str, str]],
) -> None:
    assert managed(cast(CloudKind, Valued(actual)), observed, Told(before)) == after, why
