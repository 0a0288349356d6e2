"""Tells whether a step is the remembered one, by what it would do and on what it is based."""

import orjson

from managed_databases.kinds.verdicts import Change, Credentials, Delete, LetGo, Reason, Record, Step
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.retry_memory import FailedStep
from managed_databases.reconcile.step_fingerprint import Fingerprint, SeenReference

_FEW_FAILURES = 2
"""A step that has failed more often than this is not tried at once when the API is back."""


def is_held(held: FailedStep, current: Pass, step: Step) -> bool:
    """Return whether `held` remembers this step, and everything that the step is based on is as it was then."""
    return held.step == fingerprint(held, current, step)


def is_same_step(held: FailedStep, step: Step) -> bool:
    """Return whether `held` remembers a step that would do the same, whatever the step is based on now."""
    return held.step is not None and held.step.what == _what(step)


def fingerprint(held: FailedStep, current: Pass, step: Step) -> Fingerprint:
    """Return what a step would do and on what it is based. When any of this changes, a failed step is worth another try.

    That the API is back counts only for a step that has failed rarely: a step that makes the API seem away would otherwise be
    tried anew after each LIST that works.
    """
    observed = current.observed
    # A step that Kubernetes refused is worth another try when a Secret is gone, or has another version.
    refused = held.verdict.reason is Reason.KUBERNETES_REFUSES
    secrets = observed.credential.versions if refused and observed.credential is not None else None
    given = (
        None if observed.credential is None or observed.credential.given is None else hash(observed.credential.given)
    )
    return Fingerprint(
        what=_what(step),
        generation=observed.generation,
        sync_request=sync_request(observed.annotations),
        given_password=given,
        secret_versions=secrets,
        catalogue_version=None
        if observed.project is None or isinstance(step, Delete)
        else observed.project.catalogue.version,
        times_closed=current.session.circuit.times_closed
        if isinstance(current, PassInProject) and held.failures <= _FEW_FAILURES
        else None,
        status=observed.external.status if observed.external is not None and held.statuses_count else None,
        references=tuple(
            SeenReference(
                field,
                referred.id,
                referred.object.status if referred.object is not None and held.statuses_count else None,
            )
            for field, referred in observed.refs.items()
        ),
        needed=tuple((other.id, other.status) for other in observed.needed.values()),
    )


def _what(step: Step) -> tuple[object, ...]:
    if isinstance(step, Change):
        body = None if step.call.body is None else step.call.body.model_dump(mode="json", exclude_unset=True)
        return step.call.operation, step.call.path, orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    if isinstance(step, Credentials):
        return (step.step,)
    if isinstance(step, Record | LetGo):  # a forced deletion is another step than the one that was refused before it
        return type(step).__name__, step.message
    return (type(step).__name__,)
