"""Says for the status which fields the operator has set, and which it is about to set: only such fields are ever reset."""

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.phases import PENDING
from managed_databases.reconcile.decide.differences import reports_only
from managed_databases.reconcile.told import Told


def managed(kind: CloudKind, observed: Observed, before: Told) -> tuple[list[str], dict[str, str]]:
    """Return `status.managed` and `status.applying`: a value that was sent counts as set once the cloud shows it.

    `before` is the last known status; if a step has written it, it is newer than what was observed. A field that others have
    changed under driftPolicy Report is theirs from then on.
    """
    known, sent = set(before.managed), dict(before.applying)
    if observed.external is not None and (known or sent):
        wanted, actual = kind.wanted_values(observed), kind.actual_values(observed)
        worked = {name for name, digest in sent.items() if actual.get(name) == digest}
        known |= worked
        is_settled = observed.external.status not in PENDING and not observed.presence.is_unsure
        sent = {
            name: digest
            for name, digest in sent.items()
            if name not in worked and not (is_settled and wanted.get(name) != digest)
        }
        if is_settled and reports_only(observed):
            known -= {name for name in known & wanted.keys() & actual.keys() if actual[name] != wanted[name]}
    return sorted(known), dict(sorted(sent.items()))
