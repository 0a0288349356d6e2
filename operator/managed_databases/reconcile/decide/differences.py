"""What differs between an object and its spec: which change is to be made now, and what is to be told of the others."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, Refused
from managed_databases.kinds.verdicts import Change, Done, Reason, Risk, Stall, Verdict, Wait
from managed_databases.reconcile.annotations import APPROVE

Rests = Callable[[Change], Stall | Wait | None]
"""What to say of a change that was refused, or has had no effect, and is not tried again yet; None of one that may be tried."""


def never_rests(_: Change) -> None:
    return None


@dataclass
class Differences:
    """`guard` and `change` are the first changes that may be made now, `resting` those that were refused or had no effect
    (`awaits_guard`: a guard is among them and is soon asked for again, so that nothing but guards goes before it),
    `unapproved` those that wait for a person's word, `reported` those that are only told, `refusal` what cannot be made at
    all.
    """

    guard: Change | None = None
    change: Change | None = None
    resting: list[Stall | Wait] = field(default_factory=list)
    awaits_guard: bool = False
    unapproved: list[Stall] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    refusal: Stall | Wait | None = None

    def verdict(self) -> Verdict | None:
        """The first change that may be made now; or else all that is not in order, under the reason of what counts most.

        None when there is nothing to do and nothing to tell.
        """
        if self.guard is not None:
            return self.guard
        if self.change is not None and not self.awaits_guard:
            return self.change
        if self.reported:
            return Done(Reason.DRIFT, self._told())
        all_ = [each for each in (*self.resting, *self.unapproved, self.refusal) if each is not None]
        first = next((each for each in all_ if isinstance(each, Stall)), next(iter(all_), None))
        return None if first is None else replace(first, message=self._told())

    def beside(self, reason: Reason, message: str) -> Stall:
        """The stall for this reason, with what else is to be told."""
        told = self._told()
        return Stall(reason, f"{message}; {told}" if told else message)

    def _told(self) -> str:
        told = [stall.message for stall in (*self.resting, *self.unapproved)]
        if self.refusal is not None:
            told.append(self.refusal.message)
        if self.reported:
            left = "; ".join(self.reported)
            told.insert(0, f"left as it is, as driftPolicy is Report; to match the spec it takes: {left}")
        return "; ".join(told)


def differences(kind: CloudKind, observed: Observed, rests: Rests, collision: Stall | Wait | None) -> Differences:
    """Sort what differs. `collision` is why the object may not get its new name: nothing else minds it."""
    found = Differences(refusal=collision)
    only_reported = reports_only(observed)
    try:
        for change in kind.changes(
            observed
            if collision is None
            else replace(observed, same_key=replace(observed.same_key, namesakes=(), held={}))
        ):
            if change.reason is Reason.RENAMING and collision is not None:
                continue
            if only_reported:
                found.reported.append(change.message)
                continue
            verdict = approved(observed, change)
            if isinstance(verdict, Stall):
                found.unapproved.append(verdict)
            elif resting := rests(change):
                found.resting.append(resting)
                found.awaits_guard |= change.guards and isinstance(resting, Wait)
            elif change.guards:
                found.guard = change
                break
            elif found.change is None:
                found.change = change
    except Refused as refused:
        found.refusal = refused.verdict if collision is None else _both(collision, refused.verdict)
    return found


def _both(collision: Stall | Wait, refusal: Stall | Wait) -> Stall | Wait:
    return replace(collision, message=f"{collision.message}; {refusal.message}")


def reports_only(observed: Observed) -> bool:
    """Whether a difference is the cloud's: the spec is the one that the cloud matched before."""
    return observed.spec.drift_policy == "Report" and observed.status.synced_generation == observed.generation


def approved(observed: Observed, change: Change) -> Change | Stall:
    """Return the change, or the stall until it is approved: a disruptive one on an adopted object, or by policy."""
    by_policy = getattr(observed.spec, "change_policy", "Auto") == "Approve"
    if change.risk < Risk.RESTART or not (observed.status.adopted or by_policy):
        return change
    hash_ = approval_hash(observed, change)
    if observed.annotations.get(APPROVE) == hash_:
        return change
    why = "as changePolicy is Approve" if by_policy else "on this adopted object"
    return Stall(
        Reason.APPROVAL_NEEDED,
        f"{why}: {change.message} ({change.risk.name.lower()}). Annotate {APPROVE}: {hash_} to let it happen",
    )


def approval_hash(observed: Observed, change: Change) -> str:
    """Name a change by what it would do for which generation of the spec: the same one has the same hash, in any
    process, and an approval that is left behind approves nothing that is asked for later.
    """
    body = None if change.call.body is None else change.call.body.model_dump(mode="json", exclude_unset=True)
    whole = [observed.generation, change.call.operation, change.call.path, body]
    text = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:12]
