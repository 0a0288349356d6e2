"""Every rule that is broken by `make mutants`, in the order of what is at stake."""

from typing import Final

from mutants.answer_rules import ANSWERS
from mutants.creation_rules import CREATION
from mutants.fairness_rules import FAIRNESS
from mutants.ownership_rules import DELETION, INLINE_ONLY, OWNERSHIP, PROOF
from mutants.password_rules import PASSWORDS
from mutants.pinned_rules import PINNED
from mutants.port_rules import PORTS
from mutants.process_rules import LEADERS, SNAPSHOTS
from mutants.standing_rules import STANDING
from mutants.tenancy_rules import TENANCY
from mutants.walk_rules import WALKS

MUTANTS: Final = (
    *CREATION,
    *PINNED,
    *OWNERSHIP,
    *PROOF,
    *INLINE_ONLY,
    *DELETION,
    *TENANCY,
    *PASSWORDS,
    *STANDING,
    *SNAPSHOTS,
    *LEADERS,
    *ANSWERS,
    *WALKS,
    *PORTS,
    *FAIRNESS,
)
