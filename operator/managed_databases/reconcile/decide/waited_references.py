"""What a resource refers to, as far as its object waits for that."""

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import (
    Stall,
    Wait,
)


def reference_problem(kind: CloudKind, observed: Observed, *, at_creation: bool = False) -> Wait | Stall | None:
    """The first reference that cannot be used yet, of those that are waited for; `at_creation`: all of these."""
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        counts = reference.waited and (at_creation or not reference.at_creation_only)
        if counts and referred is not None and referred.problem is not None:
            return referred.problem
    return None


def unknown_reference(kind: CloudKind, observed: Observed) -> Wait | Stall | None:
    """Without the object that a reference stands for nothing can be compared.

    One that is only at work is another matter: it holds up a step, but not the finding that there is none to take.
    """
    for reference in kind.references:
        referred = observed.refs.get(reference.field)
        counts = reference.waited and not reference.at_creation_only
        if counts and referred is not None and referred.problem is not None and referred.object is None:
            return referred.problem
    return None
