"""Decides what to do next about a password and its Secrets."""

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, PasswordView
from managed_databases.kinds.verdicts import Credentials, PasswordStep, Reason, Stall, Verdict, Wait


def password_step(kind: CloudKind, observed: Observed) -> Verdict | None:
    """Return the next step of a change of password; None if the credentials Secret is as it should be.

    A change that cannot begin, because something else has the name of the pending Secret, holds up no other step.
    """
    view = observed.credential
    if kind.credential is None or view is None or not kind.credential.applies(observed):
        return None
    step = _next_step(kind, observed, view)
    begins = isinstance(step, Credentials) and step.step is PasswordStep.PREPARE
    return view.no_change if begins and view.no_change is not None else step


def _next_step(kind: CloudKind, observed: Observed, view: PasswordView) -> Verdict | None:
    if view.problem is not None:
        return view.problem
    if kind.credential is not None and kind.credential.value_of is not None:
        return _told_step(view)
    if view.pending is not None:
        if view.pending_sent:
            return Credentials(
                PasswordStep.SWITCH, Reason.ROTATING, "the cloud has the new password: the Secret gets it"
            )
        if instead := _instead_of_pending(view):
            return instead
        if view.pending_denied and view.password is not None and (repair := _repair(observed, view)):
            return repair
        return Credentials(PasswordStep.SEND, Reason.ROTATING, "the new password is sent to the cloud")
    if view.password is None:
        if (
            observed.status.adopted
            and observed.status.password_unconfirmed
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
    return _repair(observed, view)


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
    if view.given is None and view.password is not None:
        return Credentials(
            PasswordStep.ABANDON, Reason.ROTATING, "passwordSecretRef has left the spec: the Secret's password stays"
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
