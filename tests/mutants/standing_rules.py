"""What holds in every pass, and nobody's trouble that is another's."""

from typing import Final

from mutants.mutant import Mutant

_READY = ("reconcile/report/test_ready.py",)

_MISTAKES = ("virtual/test_mistakes_corrected.py",)

_ODD = ("virtual/test_odd_annotations.py",)

STANDING: Final = (
    Mutant(
        "what only asks a person to mend something is not in sync",
        "reconcile/report/status.py",
        "    if asking is not None and synced[0]:\n",
        "    if False:\n",
        _ODD,
    ),
    Mutant(
        "a condition tells of annotations without effect",
        "reconcile/report/status.py",
        "    beside |= odd_annotation(observed)\n",
        "",
        _ODD,
    ),
    Mutant(
        "an approval of nothing is told",
        "reconcile/report/odd_annotations.py",
        "before is not None or was_told",
        "was_told",
        _ODD,
    ),
    Mutant(
        "the value of an annotation is told only if it is no secret",
        "reconcile/report/odd_annotations.py",
        'return f"{APPROVE}: {value}" if _HASH.fullmatch(value) else APPROVE',
        'return f"{APPROVE}: {value}"',
        _ODD,
    ),
    Mutant(
        "only what has a name is told to choose another one",
        "kinds/kind.py",
        'return "name" in self.spec.model_fields',
        "return True",
        ("reconcile/decide/test_same_key.py",),
    ),
    Mutant(
        "nobody is told to create a project that was misspelt",
        "reconcile/observe/project_access.py",
        "if is_pinned or current.observed.spec.project_ref is None:",
        "if True:",
        _MISTAKES,
    ),
    Mutant(
        "whoever names a datastore that is not here learns how another namespace's is named",
        "reconcile/observe/resolved_references.py",
        'is named with {reference.field}.namespace" if reference.parent else ""',
        'is named with {reference.field}.namespace" if False else ""',
        _MISTAKES,
    ),
    Mutant(
        "what is in a datastore that the cloud deletes is not Ready",
        "reconcile/report/needed_objects.py",
        '    if phase == "PENDING_DELETE":\n',
        "    if False:\n",
        _READY,
    ),
    Mutant(
        "a user is not Ready without the database that its Secret leads to",
        "reconcile/report/needed_objects.py",
        "    if referred.object is None and referred.is_gone:\n",
        "    if False:\n",
        _READY,
    ),
    Mutant(
        "kubectl get shows a spec that is refused, also while the object serves",
        "reconcile/statuses/conditions.py",
        'bad = [by_type.get("Ready"), by_type.get("Stalled")]',
        'bad = [by_type.get("Ready")]',
        ("reconcile/statuses/test_conditions.py",),
    ),
    Mutant(
        "only a rename needs the new name",
        "reconcile/act/actor.py",
        "if isinstance(step, Change) and step.reason is Reason.RENAMING and not current.observed.deleting:",
        "if isinstance(step, Change) and not current.observed.deleting:",
        ("virtual/test_safety_first.py",),
    ),
    Mutant(
        "only what this operator has set is reset",
        "kinds/managed_fields.py",
        "return name in observed.status.managed or (sent is not None and actual.get(name) == sent)",
        "return name in observed.status.managed or sent is not None",
        ("virtual/test_managed_is_applied.py", "kinds/test_managed_datastore.py"),
    ),
    Mutant(
        "a lost finalizer is put back",
        "reconcile/act/standing_marks.py",
        "if not holds or resource.deleting_since is not None or FINALIZER in resource.finalizers:",
        "if True:",
        ("virtual/test_standing_conditions.py",),
    ),
    Mutant(
        "neither a Secret nor an ERROR holds up what guards",
        "reconcile/decide/decide.py",
        "    if found.guard is not None:\n",
        "    if False:\n",
        ("virtual/test_safety_first.py", "kinds/test_managed_datastore.py"),
    ),
    Mutant(
        "a refused change holds up none of the others",
        "reconcile/decide/differences.py",
        "            elif resting := rests(change):\n",
        "            elif (resting := rests(change)) and False:\n",
        ("virtual/test_safety_first.py",),
    ),
    Mutant(
        "what goes with its CustomResourceDefinition stays in the cloud",
        "reconcile/observe/definition_deletion.py",
        "if definition is None or definition.deleting_since is not None:",
        "if False:",
        ("reconcile/observe/test_definition_deletion.py",),
    ),
    Mutant(
        "whoever will read a Secret listens before",
        "reconcile/reconciler.py",
        "self.interest.depends_on(resource.key, current.dependencies | self.reader.dependencies(current))",
        "self.interest.depends_on(resource.key, current.dependencies)",
        ("virtual/test_wakes.py",),
    ),
    Mutant(
        "projects, namespaces and datastores take turns",
        "reconcile/scheduling/fair_queue.py",
        "            if branch:\n                self._units.move_to_end(unit)\n",
        "            if branch:\n                pass\n",
        ("reconcile/scheduling/test_fair_queue.py",),
    ),
    Mutant(
        "only an unclear outcome binds a pending password",
        "reconcile/password_memory.py",
        "return pending not in (None, self._sent, self._untried)",
        "return pending is not None",
        ("virtual/test_passwords.py",),
    ),
    Mutant(
        "a change that was accepted without an effect waits before it is sent again",
        "reconcile/act/effects.py",
        "        retry.was_accepted(held, before)\n",
        "",
        ("virtual/test_changes_without_effect.py",),
    ),
    Mutant(
        "changes without an effect take turns",
        "reconcile/act/effects.py",
        "            begin = max([begin, *(each.until for each in others if each.failures >= FIGHT_CORRECTIONS)])\n",
        "",
        ("virtual/test_changes_without_effect.py",),
    ),
    Mutant(
        "what shows is forgotten, and frees what waited beside it",
        "reconcile/act/effects.py",
        "        retry.had_effect(left)\n",
        "",
        ("virtual/test_changes_without_effect.py",),
    ),
    Mutant(
        "nothing but guards goes past a guard that waits",
        "reconcile/decide/differences.py",
        "if self.change is not None and not self.awaits_guard:",
        "if self.change is not None:",
        ("virtual/test_changes_without_effect.py",),
    ),
)
