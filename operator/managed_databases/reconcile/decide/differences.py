"""Sorts the differences between an object and its spec: which change is made now, and what is reported of the others."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.phases import PENDING
from managed_databases.kinds.verdicts import Change, Done, Reason, Risk, Stall, Verdict, Wait
from managed_databases.reconcile.annotations import APPROVE
from managed_databases.reconcile.decide.waited_references import unknown_reference

Rests = Callable[[Change], Stall | Wait | None]
"""A function that returns why a change is not tried again yet, because it was refused or had no effect; None if it may be."""


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
        """Return the first change that may be made now; else one stall or wait that tells all differences, with the reason of
        the most important one. None if there is nothing to do and nothing to tell.
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
        """Return the stall with this reason and message, and with the other differences added to the message."""
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
    """Return the differences of an object, sorted. `collision` is why the object may not get its new name; it holds up only the
    rename.
    """
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
    except SpecRefused as refused:
        found.refusal = refused.verdict if collision is None else _both(collision, refused.verdict)
    return found


def _both(collision: Stall | Wait, refusal: Stall | Wait) -> Stall | Wait:
    return replace(collision, message=f"{collision.message}; {refusal.message}")


def reports_only(observed: Observed) -> bool:
    """Return whether differences are only reported: `driftPolicy` is Report, and the cloud has matched this spec before."""
    return observed.spec.drift_policy == "Report" and observed.status.synced_generation == observed.generation


def approved(observed: Observed, change: Change) -> Change | Stall:
    """Return the change, or the stall until it is approved. A disruptive change needs an approval on an adopted object, and where
    `changePolicy` is Approve.
    """
    if not _needs_approval(observed, change):
        return change
    hash_ = approval_hash(observed, change)
    if observed.annotations.get(APPROVE) == hash_:
        return change
    given = "" if APPROVE not in observed.annotations else "; the annotation that is there approves something else"
    why = "as changePolicy is Approve" if observed.spec.asks_for_approval else "on this adopted object"
    return Stall(
        Reason.APPROVAL_NEEDED,
        f"{why}: {change.message} ({change.risk.name.lower()}). Annotate {APPROVE}: {hash_} to let it happen{given}",
    )


def _needs_approval(observed: Observed, change: Change) -> bool:
    is_asked = bool(observed.status.adopted) or observed.spec.asks_for_approval
    return change.risk >= Risk.RESTART and is_asked


def awaited_approvals(kind: CloudKind, observed: Observed) -> frozenset[str] | None:
    """Return the hashes that would approve a change now; None while it is not known what differs."""
    external = observed.external
    if observed.problem is not None or external is None or external.status in PENDING or observed.presence.is_unsure:
        return None
    if unknown_reference(kind, observed) is not None:
        return None
    found = set()
    try:
        for change in () if reports_only(observed) else kind.changes(observed):
            if _needs_approval(observed, change):
                found.add(approval_hash(observed, change))
    except SpecRefused as refused:
        if isinstance(refused.verdict, Wait):
            return None
    return frozenset(found)


def approval_hash(observed: Observed, change: Change) -> str:
    """Return a hash of a change and of the generation of the spec that asks for it.

    The hash is the same in any process, and an old annotation approves no later change.
    """
    body = None if change.call.body is None else change.call.body.model_dump(mode="json", exclude_unset=True)
    whole = [observed.generation, change.call.operation, change.call.path, body]
    text = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:12]
