"""Tells whether a step is the one that is remembered: what it would do, and on what that is based."""

import orjson

from managed_databases.kinds.verdicts import Change, Credentials, Delete, Reason, Record, Release, Step
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.memory import Held
from managed_databases.reconcile.observe import InProject, Observation

_FEW_FAILURES = 2
"""So often a step may have failed to be tried at once when the API is back."""


def is_held(held: Held, found: Observation, step: Step) -> bool:
    """Whether this is the step that is held, on the same ground."""
    return held.step == fingerprint(held, found, step)


def is_same_step(held: Held, step: Step) -> bool:
    """Whether this is the step that is held, on whatever ground."""
    return isinstance(held.step, tuple) and held.step[0] == _what(step)


def fingerprint(held: Held, found: Observation, step: Step) -> object:
    """What a step would do and on what it is based: when any of it changes, a failed step is worth another try.

    That the API is back is no ground for what has failed often: steps that make it seem away would be let go again and
    again by a LIST that works.
    """
    seen = found.seen
    # A Secret that is there no more, or another one, is worth another try of what Kubernetes refused to write.
    refused = held.verdict.reason is Reason.KUBERNETES_REFUSES
    secrets = seen.credential.versions if refused and seen.credential is not None else None
    given = None if seen.credential is None or seen.credential.given is None else hash(seen.credential.given)
    return (
        _what(step),
        seen.generation,
        sync_request(seen.annotations),
        given,
        secrets,
        None if seen.project is None or isinstance(step, Delete) else seen.project.catalogue.version,
        found.session.circuit.times_closed if isinstance(found, InProject) and held.failures <= _FEW_FAILURES else None,
        seen.mine.status if seen.mine is not None and held.statuses_count else None,
        tuple(
            (
                field,
                referred.id,
                referred.object.status if referred.object is not None and held.statuses_count else None,
            )
            for field, referred in seen.refs.items()
        ),
    )


def _what(step: Step) -> tuple[object, ...]:
    if isinstance(step, Change):
        body = None if step.call.body is None else step.call.body.model_dump(mode="json", exclude_unset=True)
        return step.call.operation, step.call.path, orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    if isinstance(step, Credentials):
        return (step.step,)
    if isinstance(step, Record | Release):  # a forced deletion is not the one that was refused before it
        return type(step).__name__, step.message
    return (type(step).__name__,)
