"""Puts what the Secrets of a credential hold into a `PasswordView`: which password counts, and what is known of a pending one."""

from dataclasses import replace

from pydantic import SecretStr

from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.verdicts import Stall, Wait
from managed_databases.reconcile.act.desired_secret import PENDING_KEY, check, is_outdated, judge, misleads
from managed_databases.reconcile.act.given_passwords import usable
from managed_databases.reconcile.annotations import PASSWORD_CHECK, PASSWORD_GIVEN
from managed_databases.reconcile.memory import SecretsRead
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import SecretContent


def view_of(
    current: Pass,
    credential: Credential,
    secrets: SecretsRead,
    given: SecretStr | None,
    problem: Wait | Stall | None,
) -> PasswordView:
    mine, memory = secrets.credentials, current.memory.password
    password = None if mine is None else _trusted(current, mine, credential.key)
    pending = None if secrets.pending is None else usable(secrets.pending.data.get(PENDING_KEY))
    if current.observed.external is not None and current.observed.external.status == "ERROR":
        memory.work_has_failed()
    if pending is not None and not memory.may_have_sent and _says_that_nothing_is_in_doubt(current):
        memory.is_prepared(pending)
    return PasswordView(
        password=password,
        pending=pending,
        given=given,
        problem=problem,
        only_given_lacks=problem is not None,
        given_is_set=mine is None and given is not None and _is_set(current, given),
        pending_is_given=secrets.pending is not None and PASSWORD_GIVEN in secrets.pending.annotations,
        pending_sent=memory.has_sent(pending),
        pending_unclear=memory.is_unclear(pending),
        pending_refused=memory.has_refused(pending),
        pending_denied=memory.has_denied(pending),
        confirmed=memory.is_confirmed(password),
        is_unvouched=mine is not None and PASSWORD_CHECK not in mine.annotations,
        is_set_back=mine is not None and password is not None and _is_set_back(current, mine, password),
        outdated=mine is None or password is None or is_outdated(current, mine, password),
        misleads=password is None or misleads(current, mine, password),
        versions=versions_of(secrets),
    )


def after_a_call(current: Pass) -> PasswordView | None:
    """Return the view as it is after a call that may have sent the pending password, whatever its outcome."""
    view, memory = current.observed.credential, current.memory.password
    if view is None or view.pending is None:
        return view
    return replace(
        view,
        pending_sent=memory.has_sent(view.pending),
        pending_unclear=memory.is_unclear(view.pending),
        pending_refused=memory.has_refused(view.pending),
        pending_denied=memory.has_denied(view.pending),
    )


def versions_of(secrets: SecretsRead) -> tuple[str | None, str | None]:
    mine, pending = secrets.credentials, secrets.pending
    return None if mine is None else mine.resource_version, None if pending is None else pending.resource_version


def _trusted(current: Pass, mine: SecretContent, key: str) -> SecretStr | None:
    """Return the Secret's password; None if it is empty or somebody has edited it.

    If it cannot be told whether somebody has edited it, the password counts: to reset a password for nothing is an outage.
    """
    password = usable(mine.data.get(key))
    return None if password is None or judge(current, mine, password) is False else password


def _says_that_nothing_is_in_doubt(current: Pass) -> bool:
    """Return whether the status proves that the cloud has no pending password: before one is sent, the status says that the
    Secret's is in doubt, until the outcome is known. A status without a check may be of an earlier version, which did not say so.
    """
    status = current.observed.status
    return status.password_check is not None and not status.password_unconfirmed


def _is_set(current: Pass, password: SecretStr) -> bool:
    """Return whether the status proves that the cloud has this password."""
    is_newest = current.observed.status.password_check == check(current, password)
    return is_newest and not current.observed.status.password_unconfirmed


def _is_set_back(current: Pass, mine: SecretContent, password: SecretStr) -> bool:
    """Return whether the cloud got another password than this one last. A status of an earlier version does not tell."""
    newest = current.observed.status.password_check
    checks = (mine.annotations.get(PASSWORD_CHECK), check(current, password))
    return newest is not None and newest not in checks
