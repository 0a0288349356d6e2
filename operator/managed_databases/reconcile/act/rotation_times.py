"""When the password of a resource is to be changed: by a date of its spec, or because somebody asks for it; and, where two users
take turns, which of them gets a new one.
"""

from datetime import datetime
from typing import NamedTuple

from managed_databases.kinds.kind import Credential
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.password_rotation import begins_at, due_at, lock_date, written
from managed_databases.kinds.turns_view import TurnsView
from managed_databases.kinds.two_users import OWN, TWIN, lock_token, wanted_token
from managed_databases.reconcile.annotations import ROTATE_PASSWORD, rotation_request
from managed_databases.reconcile.observe.current_pass import Pass

_SOONEST_SECONDS = 1.0


class Due(NamedTuple):
    """`why` the password is to be changed, None if it is not; and whether the change may begin now."""

    why: str | None = None
    may_begin: bool = False


def due(current: Pass, credential: Credential, now: datetime, turns: TurnsView | None = None) -> Due:
    """Return whether a change of the password is due: of the own user's, where two take turns. Nothing is due where a person
    gives the password, or the cloud makes it.
    """
    observed = current.observed
    if turns is not None:
        return _own_due(observed, credential, turns) if _can_change(current, credential) else Due()
    rotation = credential.rotation(observed.spec)
    if not _applies(current, credential) or (rotation is not None and rotation.takes_turns):
        return Due()  # with two users to be, a second one has to be there first
    return _due_in_spec(current, credential, now)


def turn_due(current: Pass, credential: Credential, now: datetime) -> Due:
    """Return whether the users change places: as dates and requests say, and also if only one user is to be left, or if the
    second one, whose login is in use, goes away.
    """
    observed = current.observed
    rotation, twin = observed.status.rotation, observed.pair.twin
    if rotation is not None and rotation.active == TWIN:
        if twin is None or twin.is_going:
            return Due("the second user is not there any more", may_begin=True)
        if not credential.takes_turns(observed):
            return Due("only one user is asked for", may_begin=True)
    return _due_in_spec(current, credential, now) if _applies(current, credential) else Due()


def _due_in_spec(current: Pass, credential: Credential, now: datetime) -> Due:
    observed = current.observed
    told, asked = observed.status.rotation, rotation_request(observed.annotations)
    if asked is not None and asked != (None if told is None else told.handled_request):
        return Due(f"{ROTATE_PASSWORD} asks for a change", may_begin=True)
    date = due_at(credential.rotation(observed.spec), told)
    if date is None or now < date:
        return Due()
    memory = current.memory.password
    if begins_at(date, now, observed.uid) <= now:
        memory.begins_rotation(written(date))
    return Due(f"the password is due since {written(date)}", may_begin=memory.rotation_began == written(date))


def _own_due(observed: Observed, credential: Credential, turns: TurnsView) -> Due:
    """Return whether the own user gets a new password: because it is its turn, or because its password before is over. The latter
    only once the mounted Secret opens with the second user's login, for certain.
    """
    rotation = observed.status.rotation
    token = None if rotation is None else wanted_token(rotation, OWN)
    if rotation is None or token is None or rotation.own_changed_for == token:
        return Due()
    if token != lock_token(rotation):
        return Due("it is the turn of the own user", may_begin=True)
    is_safe = turns.leads_to == TWIN and turns.opens and turns.is_mounted and credential.takes_turns(observed)
    if not is_safe or not turns.is_lock_due:
        return Due()
    return Due("the time of the own user's password is over", may_begin=True)


def begins_in_seconds(current: Pass, now: datetime) -> float | None:
    """Return the seconds until the next change by a date may begin, or until a password is over; None if there is none, or if
    nothing but time holds it up no more.
    """
    credential, told, known = current.kind.credential, current.resource.told.rotation, current.observed.status.rotation
    if credential is None or not _can_change(current, credential):
        return None
    plan, moments = credential.rotation(current.observed.spec), []
    # What the pass has learned counts: the status may not have it yet.
    if known is not None and (lock := lock_date(plan, known)) is not None:
        moments.append(lock)
    if _applies(current, credential) and (date := due_at(plan, told)) is not None:
        moments.append(begins_at(date, now, current.observed.uid))
    left = [moment - now for moment in moments if moment > now]
    return max(min(left).total_seconds(), _SOONEST_SECONDS) if left else None


def is_lock_due(current: Pass, credential: Credential, now: datetime) -> bool:
    """Return whether the time is over for which the login before stays valid."""
    told = current.observed.status.rotation
    lock = None if told is None else lock_date(credential.rotation(current.observed.spec), told)
    return lock is not None and lock <= now


def _can_change(current: Pass, credential: Credential) -> bool:
    observed = current.observed
    return (
        credential.set_password is not None
        and credential.applies(observed)
        and observed.status.id is not None
        and not observed.deleting
    )


def _applies(current: Pass, credential: Credential) -> bool:
    return _can_change(current, credential) and credential.given(current.observed.spec) is None
