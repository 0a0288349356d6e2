"""What holds in every pass, and nobody's trouble that is another's."""

from typing import Final

from mutants.mutant import Mutant

STANDING: Final = (
    Mutant(
        "only a rename needs the new name",
        "reconcile/act.py",
        "if isinstance(step, Change) and step.reason is Reason.RENAMING and not found.seen.deleting:",
        "if isinstance(step, Change) and not found.seen.deleting:",
        ("virtual/test_safety_first.py",),
    ),
    Mutant(
        "only what this operator has set is reset",
        "kinds/datastore_managed.py",
        "return name in seen.status.managed or (sent is not None and actual_values(seen).get(name) == sent)",
        "return name in seen.status.managed or sent is not None",
        ("virtual/test_managed_is_applied.py", "kinds/test_managed_datastore.py"),
    ),
    Mutant(
        "a lost finalizer is put back",
        "reconcile/reconciler.py",
        "if not holds or resource.deleting_since is not None or FINALIZER in resource.finalizers:",
        "if True:",
        ("virtual/test_standing_conditions.py",),
    ),
    Mutant(
        "neither a Secret nor an ERROR holds up what guards",
        "reconcile/decision/decide.py",
        "    if found.guard is not None:\n",
        "    if False:\n",
        ("virtual/test_safety_first.py", "kinds/test_managed_datastore.py"),
    ),
    Mutant(
        "a refused change holds up none of the others",
        "reconcile/decision/differences.py",
        "            elif resting := rests(change):\n",
        "            elif (resting := rests(change)) and False:\n",
        ("virtual/test_safety_first.py",),
    ),
    Mutant(
        "what goes with its CustomResourceDefinition stays in the cloud",
        "reconcile/letting_go.py",
        "if definition is None or definition.deleting_since is not None:",
        "if False:",
        ("reconcile/test_letting_go.py",),
    ),
    Mutant(
        "whoever will read a Secret listens before",
        "reconcile/reconciler.py",
        "self.interest.depends_on(resource.key, found.topics | self.reader.topics(found))",
        "self.interest.depends_on(resource.key, found.topics)",
        ("virtual/test_wakes.py",),
    ),
    Mutant(
        "projects, namespaces and datastores take turns",
        "reconcile/rotation.py",
        "            if branch:\n                self._units.move_to_end(unit)\n",
        "            if branch:\n                pass\n",
        ("reconcile/test_rotation.py",),
    ),
    Mutant(
        "only an unclear outcome binds a pending password",
        "reconcile/memory.py",
        "return pending not in (None, self._sent, self._untried)",
        "return pending is not None",
        ("virtual/test_passwords.py",),
    ),
    Mutant(
        "a change that was accepted without an effect waits before it is sent again",
        "reconcile/effects.py",
        "        memory.retry.accepted.append(held)\n",
        "",
        ("virtual/test_changes_without_effect.py",),
    ),
    Mutant(
        "changes without an effect take turns",
        "reconcile/effects.py",
        "            begin = max([begin, *(each.until for each in memory.retry.accepted "
        "if each.failures >= FIGHT_CORRECTIONS)])\n",
        "",
        ("virtual/test_changes_without_effect.py",),
    ),
    Mutant(
        "what shows is forgotten, and frees what waited beside it",
        "reconcile/effects.py",
        "        memory.retry.accepted = left\n",
        "",
        ("virtual/test_changes_without_effect.py",),
    ),
    Mutant(
        "nothing but guards goes past a guard that waits",
        "reconcile/decision/differences.py",
        "if self.change is not None and not self.awaits_guard:",
        "if self.change is not None:",
        ("virtual/test_changes_without_effect.py",),
    ),
)
