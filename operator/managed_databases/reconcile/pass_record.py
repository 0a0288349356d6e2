"""What is noted of the pass that runs in this task, for log lines, metrics and traces. Nothing is decided by it."""

from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from managed_databases.reconcile.scheduling.durations import Durations


class Result(StrEnum):
    """How a pass ended, in controller-runtime's words."""

    SUCCESS = "success"
    """It waits to be woken."""
    REQUEUE = "requeue"
    """It goes on at once."""
    REQUEUE_AFTER = "requeue_after"
    """It wants another pass later."""
    ERROR = "error"


class Failure(StrEnum):
    """What a pass failed at."""

    API = "api"
    KUBERNETES = "kubernetes"
    SPEC = "spec"
    DEFECT = "defect"


@dataclass(slots=True)
class PassRecord:
    """One pass over one resource; `with` it, it is the record of this task.

    `changed_by` is the field manager of the newest change of the spec. `step` and `reason` are those of the last step that was
    begun, `request_id` is the API's id of the last call in it, `trace_id` that of the pass's trace, if there is one.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    generation: int
    changed_by: str = ""
    step: str = ""
    reason: str = ""
    request_id: str | None = None
    trace_id: str | None = None
    failure: Failure | None = None
    again_seconds: float | None = None
    has_ended: bool = False
    _token: "Token[PassRecord | None] | None" = field(default=None, repr=False)

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.has_ended = True  # tasks that the pass has begun have it still
        if self._token is not None:
            _current.reset(self._token)

    @property
    def result(self) -> Result:
        if self.failure is not None:
            return Result.ERROR
        if self.again_seconds is None:
            return Result.SUCCESS
        return Result.REQUEUE_AFTER if self.again_seconds > 0 else Result.REQUEUE


_current: ContextVar[PassRecord | None] = ContextVar("pass_record", default=None)


def current_record() -> PassRecord | None:
    """Return the record of the pass that runs in this task; None outside of a pass, and in tasks that a pass has left behind."""
    record = _current.get()
    return None if record is None or record.has_ended else record


def failed(failure: Failure) -> None:
    """Note that the pass of this task has failed."""
    if (record := current_record()) is not None:
        record.failure = failure


def begins(step: str, reason: str) -> None:
    """Note the step that the pass of this task begins."""
    if (record := current_record()) is not None:
        record.step, record.reason, record.request_id = step, reason, None


class PassStats:
    """Counts passes. The kinds, results and failures are few; each kind is there from the beginning."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.results: Counter[tuple[str, Result]] = Counter()
        """By kind."""
        self.failures: Counter[tuple[str, Failure]] = Counter()
        """By kind."""
        self.durations = {kind: Durations() for kind in kinds}
        """By kind."""

    def ended(self, record: PassRecord, seconds: float) -> None:
        self.results[record.kind, record.result] += 1
        self.durations[record.kind].observe(seconds)
        if record.failure is not None:
            self.failures[record.kind, record.failure] += 1
