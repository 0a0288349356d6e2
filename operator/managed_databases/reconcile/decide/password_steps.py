"""Decides what to do next about a password and its Secrets."""

from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Credentials, PasswordStep, Reason, Stall, Verdict, Wait
from managed_databases.reconcile.decide.turns import leads_to_twin, mount_step, own_is_mounted, turn_step
from managed_databases.reconcile.decide.waited_references import calls_wait_for_work

_SEND = Credentials(PasswordStep.SEND, Reason.ROTATING, "the new password is sent to the cloud")
_SWITCH = Credentials(PasswordStep.SWITCH, Reason.ROTATING, "the cloud has the new password: the Secret gets it")


def password_step(kind: CloudKind, observed: Observed) -> Verdict | None:
    """Return the next step of a change of password; None if the credentials Secret is as it should be.

    A change that cannot begin, because something else has the name of the pending Secret, holds up no other step.
    """
    view = observed.credential
    if kind.credential is None or view is None or not kind.credential.applies(observed):
        return None
    step = _any_step(kind, observed, view)
    return (kind.credential.awaits(observed) or step) if isinstance(step, Credentials) else step


def _any_step(kind: CloudKind, observed: Observed, view: PasswordView) -> Verdict | None:
    if leads_to_twin(observed) and (mount := mount_step(observed)) is not None:
        return mount
    if (missing := own_is_mounted(observed)) is not None:
        return missing
    return _own_step(kind, observed, view) or mount_step(observed) or turn_step(kind, observed)


def _own_step(kind: CloudKind, observed: Observed, view: PasswordView) -> Verdict | None:
    """Return the next step for the password of the resource's own user."""
    step = _next_step(kind, observed, view)
    begins = isinstance(step, Credentials) and step.step is PasswordStep.PREPARE
    return view.no_change if begins and view.no_change is not None else step


def _next_step(kind: CloudKind, observed: Observed, view: PasswordView) -> Verdict | None:
    if view.problem is not None:
        return (_without_given(observed, view) if view.only_given_lacks else None) or view.problem
    if kind.credential is not None and kind.credential.value_of is not None:
        return _told_step(view)
    if view.given_is_set and calls_wait_for_work(kind, observed):
        return Credentials(PasswordStep.WRITE, Reason.READY, "the Secret gets the password that the cloud has")
    if view.pending is not None:
        if view.pending_sent:
            return _SWITCH
        if instead := _instead_of_pending(view):
            return instead
        if view.pending_denied and view.password is not None and (repair := _repair(observed, view)):
            return repair
        return _SEND
    if view.password is None:
        if (
            observed.status.adopted
            and observed.status.password_unconfirmed
            and observed.status.password_check is None  # the operator never knew one
            and observed.status.password_changed_at is None
            and (refused := password_refusal(kind, observed))
        ):
            return refused
        return Credentials(
            PasswordStep.PREPARE,
            Reason.PASSWORD_RESET,
            "the Secret has no usable password: the operator sets a new one",
        )
    if view.given is not None and view.given.get_secret_value() != view.password.get_secret_value():
        return Credentials(
            PasswordStep.PREPARE,
            Reason.ROTATING,
            "the password of passwordSecretRef differs from the Secret's: the operator sets it",
        )
    return _repair(observed, view) or _rotation(observed, view)


def _without_given(observed: Observed, view: PasswordView) -> Credentials | None:
    """Return the step that goes on while the password of passwordSecretRef is missing: what the cloud has, or may have, gets into
    the Secret, and the Secret is kept right. No change begins.
    """
    if view.pending is not None and view.pending_sent:
        return _SWITCH
    if view.pending is not None and view.pending_unclear and not view.pending_refused:
        return _SEND
    return None if view.password is None else _repair(observed, view)


def _rotation(observed: Observed, view: PasswordView) -> Credentials | None:
    """Return the step by which a change that is due begins. It begins only where the Secret opens, for certain: else a change
    that was cut short would be followed by another one.
    """
    if view.is_due is None or not view.may_begin or observed.is_password_in_doubt:
        return None
    return Credentials(PasswordStep.PREPARE, Reason.ROTATING, f"{view.is_due}: the operator sets a new password")


def _repair(observed: Observed, view: PasswordView) -> Credentials | None:
    """Return the step by which the credentials Secret opens with the password that it has, or is brought up to date; None if it
    is as it should be.
    """
    if observed.is_password_in_doubt and not view.confirmed:
        found = "the Secret was set back to an earlier version: its" if view.is_set_back else "the Secret's"
        return Credentials(PasswordStep.CONFIRM, Reason.ROTATING, f"{found} password is sent to the cloud again")
    if observed.is_password_in_doubt and not view.is_unvouched:
        return Credentials(PasswordStep.CONFIRMED, Reason.READY, "the cloud has the Secret's password")
    if view.outdated:
        return Credentials(PasswordStep.WRITE, Reason.READY, "the credentials Secret is brought up to date")
    return None


def _instead_of_pending(view: PasswordView) -> Verdict | None:
    """Return what to do about a pending password that is no longer wanted. A password that the cloud may have is still sent,
    until the answer is clear.
    """
    if view.pending_unclear and not view.pending_refused:
        return None
    if view.given is not None and view.given != view.pending:
        return Credentials(
            PasswordStep.PREPARE,
            Reason.ROTATING,
            "passwordSecretRef has another password meanwhile: the operator sets that one",
        )
    if view.given is None and view.password is not None and view.is_due is not None and view.pending_is_given:
        told = "the password of passwordSecretRef is withdrawn, and another one is due: the operator sets a new one"
        return Credentials(PasswordStep.PREPARE, Reason.ROTATING, told)
    if view.given is None and view.password is not None and view.is_due is None:
        return Credentials(
            PasswordStep.ABANDON, Reason.ROTATING, "nothing asks for a new password any more: the Secret's stays"
        )
    return None


def _told_step(view: PasswordView) -> Verdict | None:
    """Return the step for a value that the cloud makes and tells, such as a metrics token: the Secret follows the cloud."""
    if view.given is None:
        return Wait(
            Reason.NOT_TOLD,
            "the API does not tell the value, and no Secret proves to hold it: if that lasts, delete this resource and make it "
            "again",
        )
    if view.outdated:
        return Credentials(PasswordStep.WRITE, Reason.READY, "the Secret gets the value that the cloud tells")
    return None


def password_refusal(kind: CloudKind, observed: Observed) -> Stall | Wait | None:
    """Return why an object whose password nobody knows is not taken over; None if it may be taken over."""
    if kind.credential is None or not kind.credential.applies(observed) or observed.credential is None:
        return None
    view = observed.credential
    if view.problem is not None:
        return view.problem
    if kind.credential.value_of is not None:
        return None
    resets = observed.spec.resets_unknown_password
    if view.given is None and view.password is None and view.pending is None and not resets:
        return Stall(
            Reason.PASSWORD_UNKNOWN,
            "the API never tells a password: give it with passwordSecretRef, or set onUnknownPassword to Reset to "
            "have a new one set",
        )
    return None
