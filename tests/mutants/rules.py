"""Every rule that is broken by `make mutants`, in the order of what is at stake."""

from typing import Final

from mutants.answer_rules import ANSWERS
from mutants.command_rules import COMMANDS
from mutants.copy_rules import COPIES
from mutants.creation_rules import CREATION
from mutants.deletion_rules import DELETION, INLINE_ONLY
from mutants.fairness_rules import FAIRNESS
from mutants.observing_rules import OBSERVING
from mutants.ownership_rules import OWNERSHIP
from mutants.password_rules import PASSWORDS
from mutants.pinned_rules import PINNED
from mutants.port_rules import PORTS
from mutants.probe_rules import PROBES
from mutants.process_rules import LEADERS, SNAPSHOTS
from mutants.proof_rules import PROOF
from mutants.restart_rules import RESTARTS
from mutants.secret_rules import SECRETS
from mutants.service_rules import SERVICES
from mutants.standing_rules import STANDING
from mutants.tenancy_rules import TENANCY
from mutants.turn_rules import TURNS
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
    *SECRETS,
    *PROBES,
    *TURNS,
    *RESTARTS,
    *SERVICES,
    *COPIES,
    *STANDING,
    *SNAPSHOTS,
    *LEADERS,
    *ANSWERS,
    *WALKS,
    *PORTS,
    *FAIRNESS,
    *COMMANDS,
    *OBSERVING,
)
