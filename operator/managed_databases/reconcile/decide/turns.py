"""Decides what to do next where two users take turns, or are to.

A turn: the user that nobody uses gets a new password, the mounted Secret gets its login, and later the other one gets a password
that nobody has. Nothing is done to the user whose login the mounted Secret has.
"""

from collections.abc import Iterator

from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.turns_view import TurnsView
from managed_databases.kinds.two_users import OWN, TWIN, TWIN_KIND, lock_token, other
from managed_databases.kinds.verdicts import Arrange, Credentials, OwnedResource, PasswordStep, Reason, Verdict, Wait
from managed_databases.reconcile.annotations import ROTATE_PASSWORD
from managed_databases.reconcile.decide.owned_resources import owned_step


def mount_step(observed: Observed) -> Verdict | None:
    """Return the step by which the mounted Secret has the login that it shall have; None if it has it, or if that login is not
    known to open.
    """
    rotation, turns = _of(observed)
    if rotation is None or turns is None:
        return None
    if turns.problem is not None:
        return turns.problem
    if not turns.opens or (turns.is_mounted and turns.leads_to == rotation.active) or _is_unproven(observed):
        return None
    if turns.leads_to == rotation.active:
        return Credentials(PasswordStep.MOUNT, Reason.READY, "the credentials Secret is brought up to date")
    told = f"{_named(observed, turns.leads_to)} has its new password: the credentials Secret gets its login"
    return Credentials(PasswordStep.MOUNT, Reason.ROTATING, told)


def own_is_mounted(observed: Observed) -> Verdict | None:
    """Return the step by which the own user's Secret, which somebody has deleted, is made again of the mounted one."""
    rotation, turns = _of(observed)
    if rotation is None or rotation.active != OWN or turns is None or not turns.has_own:
        return None
    return Credentials(PasswordStep.PART, Reason.READY, "the Secret with the own user's password is made again")


def leads_to_twin(observed: Observed) -> bool:
    """Return whether the mounted Secret has, or gets, the second user's login: then it waits for nothing of the own user."""
    _, turns = _of(observed)
    return turns is not None and turns.leads_to == TWIN


def turn_step(kind: CloudKind, observed: Observed) -> Verdict | None:
    """Return the next step, once the own user's Secret is as it should be; None if there is none now."""
    view = observed.credential
    if kind.credential is None or view is None:
        return None
    wants_two = kind.credential.takes_turns(observed)
    rotation, turns = _of(observed)
    if rotation is None or turns is None:
        return None if observed.is_paired else _pairing(view, wants_two=wants_two)
    if rotation.active == TWIN and rotation.turning_to is None and _twin_is_lost(observed):
        return next(_begin(kind, observed, rotation, turns), None)
    if not (turns.opens and turns.is_mounted):
        return None
    return next(_steps(kind, observed, rotation, turns), None)


def turn_wait(kind: CloudKind, observed: Observed) -> Wait | None:
    """Return what a turn waits for, once there is nothing else to do; None if it waits for nothing but time."""
    rotation, turns = _of(observed)
    if kind.credential is None or rotation is None or turns is None:
        return None
    is_unfit = (
        rotation.active == TWIN
        and turns.leads_to == TWIN
        and (observed.pair.twin is None or not observed.pair.twin.is_ready)
    )
    if is_unfit or not turns.opens:
        told = f"{_named(observed, turns.leads_to)} is not usable, or its password is not known to open"
        return Wait(Reason.PENDING, told)
    if _is_unproven(observed):
        told = f"{_named(observed, turns.leads_to)} has a new password: the operator logs in with it before anybody else does"
        return Wait(Reason.PROBING, told)
    if rotation.turning_to is not None:
        return Wait(
            Reason.ROTATING, f"{_named(observed, rotation.turning_to)} gets a new password, which nobody uses yet"
        )
    if turns.is_lock_due and rotation.active is not None:
        return Wait(Reason.ROTATING, f"{_named(observed, other(rotation.active))} gets a password that nobody has")
    if turns.is_due is not None and turns.may_begin and (trouble := _trouble(kind, observed)) is not None:
        return Wait(Reason.ROTATING, f"{turns.is_due}; the users change places once both are well: {trouble}")
    return None


def _is_unproven(observed: Observed) -> bool:
    """Return whether a user gets its turn only after a login by the operator, which has not succeeded yet."""
    rotation, turns = _of(observed)
    is_next = rotation is not None and turns is not None and rotation.turning_to == turns.leads_to
    is_next = is_next and turns is not None and not turns.is_mounted
    return is_next and observed.kept.probe is not None and not observed.kept.probe.is_proven


def _of(observed: Observed) -> tuple[Rotated | None, TurnsView | None]:
    view = observed.credential
    turns = None if view is None else view.turns
    return (observed.status.rotation, turns) if observed.is_paired else (None, None)


def _pairing(view: PasswordView, *, wants_two: bool) -> Verdict | None:
    if wants_two:
        told = "two users take turns from now on: the own user's password gets a Secret of its own"
        return Credentials(PasswordStep.PART, Reason.READY, told)
    if view.has_leftover:
        return Credentials(PasswordStep.TIDY, Reason.READY, "a Secret of two users that took turns is deleted")
    return None


def _steps(kind: CloudKind, observed: Observed, rotation: Rotated, turns: TurnsView) -> Iterator[Verdict]:
    """Yield the steps, in their order, while the mounted Secret opens with the active user's login."""
    wants_two = kind.credential is not None and kind.credential.takes_turns(observed)
    if rotation.turning_to == TWIN and not wants_two:
        yield Credentials(PasswordStep.BEGIN, Reason.ROTATING, "the turn is given up: only one user is asked for")
    elif rotation.turning_to == TWIN and observed.pair.twin is not None and observed.pair.twin.is_going:
        yield Credentials(PasswordStep.BEGIN, Reason.ROTATING, "the turn is given up: the second user is being deleted")
    elif rotation.turning_to == TWIN:
        yield from _asked(observed, rotation.turn)
    elif rotation.turning_to == OWN:
        return  # the own user's password changes as any other does
    elif rotation.lock_at is not None:
        if turns.is_lock_due:
            yield from _lock(kind, observed, rotation, turns, wants_two=wants_two)
    elif not wants_two and rotation.active == OWN:
        told = "only one user is asked for: the credentials Secret is the own user's again"
        yield Credentials(PasswordStep.UNITE, Reason.READY, told)
    else:
        yield from _begin(kind, observed, rotation, turns)


def _begin(kind: CloudKind, observed: Observed, rotation: Rotated, turns: TurnsView) -> Iterator[Verdict]:
    if turns.is_due is None or not turns.may_begin or rotation.active is None:
        return
    if _twin_is_lost(observed) and rotation.active == OWN:
        return
    if _trouble(kind, observed) is None or _twin_is_lost(observed):
        told = f"{turns.is_due}: {_named(observed, other(rotation.active))} gets a new password, then its turn"
        yield Credentials(PasswordStep.BEGIN, Reason.ROTATING, told)


def _lock(
    kind: CloudKind, observed: Observed, rotation: Rotated, turns: TurnsView, *, wants_two: bool
) -> Iterator[Verdict]:
    """Yield the steps by which the login before opens nothing any more."""
    token, twin = lock_token(rotation), observed.pair.twin
    told = f"the login before opens nothing any more; the credentials Secret has that of {turns.user}"
    locked = Credentials(PasswordStep.LOCKED, Reason.ROTATING, told)
    if rotation.active == TWIN and not wants_two:  # the own user's new password is the end of the one before
        yield from _begin(kind, observed, rotation, turns)
    elif rotation.active == TWIN:
        if rotation.own_changed_for == token:
            yield locked
    elif twin is None or (not wants_two and _ends_with_its_resource(observed)):  # it is deleted as a whole
        yield locked
    elif twin.handled != token:
        yield from _asked(observed, token)
    elif twin.password_check is not None:
        yield locked


def _ends_with_its_resource(observed: Observed) -> bool:
    """Return whether the second user is deleted in the cloud, for certain, once its resource is."""
    of_twin = [owned for owned in observed.owned if owned.kind == TWIN_KIND and owned.is_ours]
    return all(owned.spec.get("deletionPolicy") == "Delete" for owned in of_twin)


def _asked(observed: Observed, token: str | None) -> Iterator[Verdict]:
    """Yield the step that asks the second user's resource for another password."""
    twin = observed.pair.twin
    if twin is not None and not twin.is_going and token is not None and twin.requested != token:
        owned = OwnedResource(TWIN_KIND, twin.name, {}, {ROTATE_PASSWORD: token})
        yield Arrange(Reason.ROTATING, f"{TWIN_KIND} {twin.name} is asked for a new password", owned, if_there=True)


def _twin_is_lost(observed: Observed) -> bool:
    return observed.pair.twin is None or observed.pair.twin.is_going


def _trouble(kind: CloudKind, observed: Observed) -> str | None:
    """Return why the users cannot change places: the second one, or a right of it, is not as it should be. None if they can."""
    if observed.pair.twin is None:
        return "the second user is not there yet"
    step = owned_step(kind, observed)
    return None if step is None else step.message


def _named(observed: Observed, side: str) -> str:
    if side == OWN:
        return f"the own user of {observed.name}"
    return "the second user" if observed.pair.twin is None else f"{TWIN_KIND} {observed.pair.twin.name}"
