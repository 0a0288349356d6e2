"""Never another's object, and none deleted that nobody asked for."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decision",)
_GUARDS = ("virtual/test_guards.py",)

OWNERSHIP: Final = (
    Mutant(
        "nothing is adopted unless the spec says so",
        "reconcile/decision/decide.py",
        'if seen.cloud_spec.adoption == "Never":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "nothing is adopted without the power to",
        "reconcile/decision/decide.py",
        'if seen.project is None or "adopt" not in seen.project.powers:',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what differs in what can never change is not adopted",
        "reconcile/decision/decide.py",
        "if differing := fields_that_differ(expected, actual):",
        "if differing := []:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not changed",
        "reconcile/decision/decide.py",
        "    if seen.holder is not None:\n        return Stall(Reason.CONFLICT",
        "    if False:\n        return Stall(Reason.CONFLICT",
        _DECIDE,
    ),
    Mutant(
        "a pinned identity is compared with the project in each pass",
        "reconcile/observe.py",
        "if pinned is not None and (pinned.project_id, pinned.region) != actual:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a namespace that the project does not allow does nothing",
        "reconcile/observe.py",
        "if powers is None and not (found.seen.deleting and status.identity is not None):",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "another namespace's datastore needs its permission",
        "reconcile/references.py",
        'return asker.key.namespace in (getattr(self.spec_of(kind, holder), "allowed_namespaces", None) or ())',
        "return True",
        _GUARDS,
    ),
    Mutant(
        "a datastore that nobody holds needs the power to adopt",
        "reconcile/references.py",
        '"adopt" in project.powers if holder is None',
        "True if holder is None",
        _GUARDS,
    ),
    Mutant(
        "a disruptive change of an adopted object is approved by a person",
        "reconcile/decision/differences.py",
        "if change.risk < Risk.RESTART or not (seen.status.adopted or by_policy):",
        "if True:",
        _DECIDE,
    ),
    Mutant(
        "what is being deleted is not adopted",
        "reconcile/decision/decide.py",
        "    if dying:\n",
        "    if False:\n",
        ("virtual/test_status_tells_the_truth.py",),
    ),
)

DELETION: Final = (
    Mutant(
        "what is protected is not deleted",
        "reconcile/decision/deletion.py",
        "if cloud.protected(seen) and not (parent is not None and parent.going):",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not deleted",
        "reconcile/decision/deletion.py",
        "    if seen.holder is not None:\n        return Release(",
        "    if False:\n        return Release(",
        _DECIDE,
    ),
    Mutant(
        "Retain keeps the cloud object",
        "reconcile/decision/deletion.py",
        'if seen.status.id is not None and seen.cloud_spec.deletion_policy == "Retain":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a datastore waits for what is in it",
        "reconcile/decision/deletion.py",
        "    if seen.children:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "an attempt of unknown outcome is looked for before a resource is let go",
        "reconcile/decision/deletion.py",
        "if seen.settle_seconds is not None or not seen.listed:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "the finalizer stays until the cloud object is gone",
        "reconcile/decision/deletion.py",
        "    if seen.mine is None or seen.mine_unsure:\n        return Wait(",
        "    if seen.mine is None or seen.mine_unsure:\n        return Release(",
        _DECIDE,
    ),
)
