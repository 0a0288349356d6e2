"""Checks the references that a resource's object waits for."""

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.phases import AT_WORK
from managed_databases.kinds.verdicts import (
    Stall,
    Wait,
)


def reference_problem(kind: CloudKind, observed: Observed, *, at_creation: bool = False) -> Wait | Stall | None:
    """Return why the first waited-for reference cannot be used yet; None if all can. With `at_creation` the references that
    only the creation reads count, too.
    """
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        counts = reference.waited and (at_creation or not reference.at_creation_only)
        if counts and referred is not None and referred.problem is not None:
            return referred.problem
    return None


def calls_wait_for_work(kind: CloudKind, observed: Observed) -> bool:
    """Return whether the API takes no change for now, because the cloud is at work on the object or on one it refers to."""
    if observed.external is not None and observed.external.status in AT_WORK:
        return True
    return reference_problem(kind, observed) is not None and is_only_work(kind, observed)


def is_only_work(kind: CloudKind, observed: Observed) -> bool:
    """Return whether nothing but the cloud's work on the objects that are referred to holds this resource up."""
    waited = [observed.refs.get(reference.field) for reference in kind.references if reference.waited]
    return all(each is None or each.problem is None or each.is_at_work for each in waited)


def unknown_reference(kind: CloudKind, observed: Observed) -> Wait | Stall | None:
    """Return why nothing can be compared: the cloud object of a reference is not known. None if all are known.

    An object that is known but still at work holds up a step, but not the comparison.
    """
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        counts = reference.waited and not reference.at_creation_only
        if counts and referred is not None and referred.problem is not None and referred.object is None:
            return referred.problem
    return None
