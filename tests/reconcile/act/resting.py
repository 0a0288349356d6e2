"""A topic whose steps fail, and how long that keeps them back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from kinds.builders import MAIN, parent, uuid
from managed_databases.api.collections import TOPICS
from managed_databases.api.errors import ApiError, Invalid, OutcomeUnknown
from managed_databases.api.models import CloudObject, Topic, TopicChange
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.verdicts import Change, Create, Reason, Stall, Step, Verdict, Wait
from managed_databases.reconcile.act.looks_by_id import NotSeen
from managed_databases.reconcile.act.retry_policy import RetryPolicy
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.ports import Resource
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource
from reconcile.manual_clocks import StillClock

THERE = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="ACTIVE", partitions=1)
GIVEN = PasswordView(given=SecretStr("a"), versions=("1", None))
CREATE = Create(Reason.ABSENT, "no such topic yet")
UNCLEAR = OutcomeUnknown("topics.update", "timeout")
INVALID = Invalid("topics.update", "Validation failure: no")


def grow(partitions: int) -> Change:
    return Change(Reason.DRIFT, "more", TOPICS.update(THERE.id, TopicChange(partitions=partitions)))


GROW, ALSO = grow(3), grow(4)


def topic(id_: str | None = THERE.id, status: Mapping[str, Any] | None = None) -> Resource:
    return resource("KafkaTopic", "t", spec={"datastoreRef": {"name": "main"}}, id_=id_, inside=MAIN, status=status)


class Resting:
    """The policy for one resource. Nothing is drawn: each pause is the shortest of its kind."""

    def __init__(
        self,
        of: Resource | None = None,
        *,
        min_backoff_seconds: float = 2.0,
        external: CloudObject | None = THERE,
        **observed: Any,
    ) -> None:
        fields: dict[str, Any] = {"credential": GIVEN, "refs": {"datastoreRef": parent("kafka 3")}} | observed
        self.stage = Stage(topic() if of is None else of, external=external, **fields)
        self.current, self.clock = self.stage.current, StillClock()
        settings = ControllerSettings(min_backoff_seconds=min_backoff_seconds)
        self.policy = RetryPolicy(self.clock, settings, lambda: 0.0)

    def fails(self, step: Step, error: ApiError, busy: CloudObject | NotSeen | None = None) -> Wait | Stall:
        return self.policy.failed(self.current, step, error, busy)

    def works(self, step: Step) -> None:
        self.policy.succeeded(self.current, step)

    def verdict(self, decided: Verdict) -> Verdict:
        return self.policy.hold_back(self.current, decided)

    def rest(self, step: Step) -> float:
        """Let time pass until the step may be tried again; return the seconds."""
        begin = self.clock.moment
        while self.verdict(step) != step:
            assert self.clock.moment < begin + 86400.0, "it rests for ever"
            self.clock.moment += 1.0
        return self.clock.moment - begin

    def sees(self, **observed: Any) -> None:
        self.current.observed = replace(self.current.observed, **observed)
