"""Makes the whole `.status` of a resource with a cloud object anew, from what was observed and decided."""

from dataclasses import replace
from datetime import datetime
from functools import cache

from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.kind import CloudKind, O, S, T, any_kind
from managed_databases.kinds.observed import Observed, Standing
from managed_databases.kinds.password_rotation import rotated
from managed_databases.kinds.shared_fields import MAX_KEY, BindingRef, CloudStatus, Intent, Rotated
from managed_databases.kinds.two_users import own_secret
from managed_databases.kinds.verdicts import ASKS_BESIDE, Create, Done, Reason, Record, Stall, Step, Verdict, Wait
from managed_databases.kinds.written import Written, written_as
from managed_databases.reconcile.annotations import rotation_request, sync_request
from managed_databases.reconcile.decide.decide import lacking
from managed_databases.reconcile.report.copied import copied, copies, refused
from managed_databases.reconcile.report.managed import managed
from managed_databases.reconcile.report.needed_objects import SERVES_NOT, broken_reference
from managed_databases.reconcile.report.odd_annotations import odd_annotation
from managed_databases.reconcile.report.paired import paired_ready, probes_next
from managed_databases.reconcile.report.probed import is_settled, probed
from managed_databases.reconcile.report.restarted import restarted, restarted_for
from managed_databases.reconcile.report.served import CONDITION as SERVICE_INCOMPLETE
from managed_databases.reconcile.report.served import served
from managed_databases.reconcile.statuses.conditions import Saying, conditions
from managed_databases.reconcile.statuses.reported import CloudReported
from managed_databases.reconcile.statuses.truncate import truncated_to
from managed_databases.reconcile.told import Told, ToldCondition, without_absent
from managed_databases.visible import all_visible

_REASONS = frozenset(Reason)
_phase = written_as(CloudStatus)
_binding = written_as(BindingRef)


def status(
    of_kind: CloudKind[S, O, T],
    observed: Observed[S, O, T],
    verdict: Verdict,
    old: Told,
    now: datetime,
    facts: Facts = NOTHING,
) -> Written:
    """Return the whole `.status`, as JSON.

    `old` is the status as it is, `facts` are the facts of the last step that it does not have yet, `now` is the time for
    conditions that change.
    """
    kind = any_kind(of_kind)
    found = facts.written()
    known = Told({**old.raw, **found}) if found else old
    reported: Observed = observed
    if known.intent is not None and observed.status.intent is None:  # from the intent on there may be an object to lose
        intent = Intent.model_validate(known.intent)
        reported = replace(observed, status=Facts(intent=intent).applied_to(observed.status))
    managed_values, applying = managed(kind, observed, known)
    has_binding = kind.credential is not None and kind.credential.applies(observed) and known.id
    shared = CloudReported(
        synced_generation=observed.generation if _is_carried_out(verdict) else known.synced_generation,
        managed=managed_values,
        applying=applying or None,
        observed_generation=observed.generation,
        last_handled_sync_request=sync_request(observed.annotations) or old.handled_sync_request,
        binding=_binding(name=secret_name(kind, observed)) if has_binding else None,
        conditions=_conditions(kind, observed, verdict, old, now),
    )
    told_by_cloud = _phase(phase=old.phase if observed.external is None else observed.external.status)
    return without_absent(
        {
            **_kept(kind, observed, old),
            **truncated_to(kind.status)(all_visible({**told_by_cloud, **reported_fields(kind, reported)})),
            **found,
            **shared.written(),
            "rotation": _rotation(kind, observed, known, now),
            "restartedFor": restarted_for(observed, known),
            "copies": copies(observed, known),
        }
    )


def _rotation(kind: CloudKind, observed: Observed, known: Told, now: datetime) -> Written | None:
    if not known.id:
        return known.raw.get("rotation")
    new = next_rotation(kind, observed, known.rotation, now)
    return None if new is None else new.model_dump(by_alias=True, exclude_none=True)


def next_rotation(
    kind: CloudKind, observed: Observed, before: Rotated | None, now: datetime, *, has_changed: bool = False
) -> Rotated | None:
    """Return what the status says of changes of the password; `has_changed` says that it has just been changed."""
    credential = kind.credential
    if credential is None or credential.set_password is None or not credential.applies(observed):
        return before
    asked, plan = rotation_request(observed.annotations), credential.rotation(observed.spec)
    return rotated(plan, before, asked=asked, has_changed=has_changed, now=now)


def _kept(kind: CloudKind, observed: Observed, old: Told) -> Written:
    """Return the fields that outlive a pass. The key is the one that the object shows now, because an object may be renamed."""
    if observed.external is None or not observed.external.is_whole:
        return old.kept
    return old.kept_with_key([part[:MAX_KEY] for part in kind.key_of(observed.external)])


def reported_fields(kind: CloudKind[S, O, T], observed: Observed[S, O, T]) -> Written:
    """Return the kind's own fields by their names in the status, without empty ones."""
    report = kind.report(observed)
    told = report.model_dump(mode="json", by_alias=True, exclude_none=True, include=_own_fields(kind.status))
    return {name: value for name, value in told.items() if value != [] and value != {}}


@cache
def _own_fields(model: type[CloudStatus]) -> set[str]:
    return set(model.model_fields) - set(CloudStatus.model_fields)


def is_synced(verdict: Verdict) -> bool:
    """Return whether the cloud matches this generation of the spec."""
    return isinstance(verdict, Done) and verdict.reason is not Reason.DRIFT


def _is_carried_out(verdict: Verdict) -> bool:
    """Return whether everything that this generation of the spec asks for is done, as far as that is possible."""
    return is_synced(verdict) or verdict.reason is Reason.NOT_REVERSIBLE


def secret_name(kind: CloudKind, observed: Observed) -> str:
    """Return the name of the credentials Secret: the one in the spec, or `<resource>-<suffix>`. The kind must have a
    credential.
    """
    credential = kind.existing_credential
    return credential.secret_name(observed.spec) or f"{observed.name}-{credential.suffix}"


def password_secret(kind: CloudKind, observed: Observed) -> str:
    """Return the name of the Secret with the password of the resource's own user: the credentials Secret, or, where two users
    take turns, one that nobody mounts.
    """
    mounted = secret_name(kind, observed)
    return own_secret(mounted) if observed.is_paired else mounted


def _conditions(kind: CloudKind, observed: Observed, verdict: Verdict, old: Told, now: datetime) -> list[Written]:
    why = (verdict.reason, verdict.message)
    ready = _ready(kind, observed, verdict, old.condition("Ready"))
    is_done = isinstance(verdict, Done) and not observed.deleting
    broken = is_done and (
        ready[1] in SERVES_NOT.values() or is_settled(ready, observed.kept.probe, old.condition("Stalled"))
    )
    of_copies, of_services = copied(observed, old), served(observed, old)
    beside = {**kind.conditions(observed), **restarted(observed, old), **of_services, **of_copies}
    beside |= odd_annotation(observed)
    asking = next((said for said in beside.values() if said[1] in ASKS_BESIDE), None)
    under_way = isinstance(verdict, Step | Wait)
    synced: Saying = (is_synced(verdict), *why)
    stalled: Saying = (isinstance(verdict, Stall), *why)
    waiting = refused(of_copies) or of_services.get(SERVICE_INCOMPLETE)
    if is_done and waiting is not None:  # what the spec asks of Kubernetes waits for a person
        synced, stalled = (False, *waiting[1:]) if synced[0] else synced, waiting
    if asking is not None and synced[0]:
        synced = (False, *asking[1:])
    says: dict[str, Saying] = {
        "Ready": ready,
        "Synced": synced,
        "Reconciling": (under_way, *why),
        "Stalled": (True, *ready[1:]) if broken else stalled,
    }
    if observed.external is not None and observed.external.status == "DEGRADED":
        says["Degraded"] = (True, Reason.DEGRADED, "the cloud says DEGRADED: it serves, with less than all its nodes")
    return conditions(old.conditions, observed.generation, says | beside, now)


def _known(reason: str | None) -> Reason:
    """Return a reason read from a condition; READY if this version of the operator does not know it."""
    return Reason(reason) if reason in _REASONS else Reason.READY


def _ready(kind: CloudKind, observed: Observed, verdict: Verdict, before: ToldCondition | None) -> Saying:
    """Return the condition Ready: whether the object is usable now, by the API's status (docs/architecture.md, Status).

    If that is not known, Ready stays as it was.
    """
    was_ready = before is not None and before.is_true
    if observed.deleting:
        return False, verdict.reason, verdict.message
    if observed.standing is Standing.UNPROVEN and was_ready:  # nothing is known of its object
        return True, Reason.READY, "usable"
    if observed.external is None:
        is_unseen = not isinstance(verdict, Stall) or observed.problem is not None  # the problem is not the object's
        is_unseen = is_unseen and not observed.presence.is_gone and observed.status.id is not None
        # An earlier process may have sent another password, and have ended before it knew more.
        is_unseen = is_unseen and not observed.status.password_unconfirmed
        if before is not None and was_ready and is_unseen:
            return True, _known(before.reason), before.message
        return False, verdict.reason, verdict.message
    broken = broken_reference(kind, observed, before)
    if broken is None and (said := paired_ready(observed, verdict, was_ready=was_ready)) is not None:
        if said[0] and (lack := lacking(kind, observed)) is not None:
            return False, lack.reason, lack.message
        if not said[0] or observed.kept.probe is None or probes_next(observed):
            return said
        return probed(observed, before, secret_name(kind, observed))
    match observed.external.status:
        case "ACTIVE" | "DEGRADED" | None:  # an object without a status is there, and there is no more to know
            if broken is not None:
                return broken
            said = _credentials_ready(kind, observed, verdict, was_ready=was_ready)
            if not said[0] or observed.kept.probe is None:
                return said
            return probed(observed, before, secret_name(kind, observed) if kind.credential is not None else None)
        case "PENDING_UPDATE" | "RESIZING":
            if observed.credential is not None and (
                observed.credential.pending_sent or observed.credential.pending_unclear
            ):
                told = "the cloud is at work on a new password, which the Secret gets then"
                return False, Reason.ROTATING, told
            if broken is not None:
                return broken
            if observed.credential is not None and observed.credential.is_set_back:
                told = (
                    "the Secret was set back to an earlier version: its password opens nothing until it is sent again"
                )
                return False, Reason.ROTATING, told
            if observed.credential is not None and observed.credential.password is None and was_ready:
                was_ready = observed.credential.problem is not None  # unread, or it is missing for certain
            return (True, Reason.READY, "usable") if was_ready else (False, verdict.reason, verdict.message)
        case "PENDING_CREATE" | "PENDING_DELETE":
            return False, verdict.reason, verdict.message
        case "DISK_FULL":
            return False, Reason.DISK_FULL, "the disk is full: delete data, or raise the disk's size"
        case "DOWN":
            return False, Reason.DOWN, "the cloud says DOWN: look in the cloud's console what happened"
        case "ERROR":
            return False, Reason.ERROR, verdict.message
        case _ if was_ready:
            return True, Reason.READY, "usable"
        case _:
            return False, verdict.reason, verdict.message


def _credentials_ready(kind: CloudKind, observed: Observed, verdict: Verdict, *, was_ready: bool) -> Saying:
    """Return the condition Ready of an object that the cloud says is usable: it is False if another resource holds the object,
    or if the Secret does not open it.
    """
    view = observed.credential
    only_no_change = view is not None and view.no_change is not None and verdict is view.no_change
    if observed.presence.holder is not None or (
        isinstance(verdict, Stall)
        and verdict.reason in (Reason.SECRET_CONFLICT, Reason.PASSWORD_UNKNOWN)
        and not only_no_change
    ):
        return False, verdict.reason, verdict.message
    if isinstance(verdict, Create | Record):
        return False, verdict.reason, verdict.message
    if view is not None and view.problem is not None and view.problem.reason is Reason.KUBERNETES_REFUSES:
        # The Secret cannot be read: Ready stays as it was.
        return (True, Reason.READY, "usable") if was_ready else (False, verdict.reason, verdict.message)
    if view is not None and view.password is None:
        return False, verdict.reason, verdict.message
    if view is not None and view.pending_unclear:
        return False, verdict.reason, verdict.message
    if view is not None and view.misleads and verdict.reason is Reason.DRIFT_FIGHT:
        return False, verdict.reason, verdict.message
    if view is not None and isinstance(verdict, Wait | Stall) and not _opens(view, was_ready=was_ready):
        return False, verdict.reason, verdict.message
    if observed.is_password_in_doubt and not (view is not None and view.confirmed):
        return False, verdict.reason, verdict.message
    if view is not None and (lack := lacking(kind, observed)) is not None:
        return False, lack.reason, lack.message
    return True, Reason.READY, "usable"


def _opens(view: PasswordView, *, was_ready: bool) -> bool:
    """Return whether the credentials Secret opens the object while no step is under way.

    The cloud may already have a pending password that is not in the credentials Secret yet; once that password was sent, the
    cloud has it.
    """
    if view.pending is not None:
        return not view.pending_sent and (was_ready or not view.misleads)
    return not view.misleads
