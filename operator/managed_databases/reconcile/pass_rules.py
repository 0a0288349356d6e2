"""Questions about one pass, between its look and its end: whether it has news, what it waits for, and what it has to read."""

from managed_databases.api.errors import ApiError
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.verdicts import Create, Credentials, Done, LetGo, PasswordStep, Stall, Step, Verdict, Wait
from managed_databases.reconcile.act.retry_policy import is_look_before_creation
from managed_databases.reconcile.decide.failures import is_refusal
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.scheduling.work_queue import Priority


def knows_less_than_the_status(current: Pass, verdict: Verdict) -> bool:
    """Return whether the status, of this generation, is worth more than the verdict, because this process has only started.

    What such a process waits for at first is no news for people. A verdict on a resource without an object is news if this
    process has already reported one.
    """
    if isinstance(verdict, LetGo) or current.resource.told.observed_generation != current.resource.generation:
        return False
    if current.memory.has_spoken and current.observed.status.id is None:
        return False
    ready = current.resource.told.condition("Ready")
    if current.observed.status.password_unconfirmed and ready is not None and ready.is_true:
        return False  # the process that wrote this has ended while it sent a password
    waits_at_first = (
        isinstance(verdict, Wait) and isinstance(current, PassInProject) and not current.session.was_catalogue_read
    )
    return waits_at_first or not current.is_oriented


def taken_back(current: Pass, step: Step, error: ApiError) -> Facts:
    """Return the facts that take back what the step has written before its call, if the cloud has surely not made that."""
    if isinstance(step, Create) and is_refusal(error):
        return Facts(intent=None)
    view, was_in_doubt = current.observed.credential, current.observed.status.password_unconfirmed
    is_sent = isinstance(step, Credentials) and step.step is PasswordStep.SEND
    if is_sent and not was_in_doubt and view is not None and not view.pending_unclear:
        return Facts(password_unconfirmed=None)
    return NOTHING


def leaves_secret_in_doubt(current: Pass, step: Step, undone: Facts) -> bool:
    """Return whether the step was a pending password that was refused, and it is not certain that the credentials Secret opens:
    the pass goes on with that Secret. `undone` are the facts that were taken back.
    """
    view, is_sent = current.observed.credential, isinstance(step, Credentials) and step.step is PasswordStep.SEND
    is_in_doubt = not undone or current.observed.is_password_in_doubt
    return is_sent and is_in_doubt and view is not None and view.pending_denied


def expect_lists(current: Pass, verdict: Verdict) -> None:
    """While a person's change is not carried out, have the collections that it depends on listed even if calls of priority LOW
    have to wait.
    """
    if isinstance(current, PassInProject):
        is_awaited = current.priority is Priority.HIGH and not isinstance(verdict, Stall | Done)
        current.session.lists.expect(current.resource.key, current.collections if is_awaited else ())


def look_before_creation(current: Pass, verdict: Verdict) -> None:
    """Ask for the list that a creation waits for. After a stall the wish for an object ends: until a person has acted much time
    may pass, and then a new list is needed.
    """
    if isinstance(verdict, Stall):
        current.memory.creation.want_no_more()
    elif isinstance(current, PassInProject) and is_look_before_creation(current, verdict):
        current.session.lists.request(current.kind.collection.name)


def needs_secrets(current: Pass) -> bool:
    """Return whether the pass reads Secrets: only a pass that may create an object, or that sees its object, does."""
    observed = current.observed
    if not isinstance(current, PassInProject) or observed.deleting:
        return False
    if observed.status.id is not None:
        return observed.external is not None
    waits = any(
        reference.waited
        and not reference.at_creation_only
        and (referred := observed.refs.get(reference.field)) is not None
        and referred.problem is not None
        for reference in current.kind.references
    )
    return observed.creation.is_listed and observed.creation.settle_seconds is None and not waits
