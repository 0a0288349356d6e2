"""What the walks notice, and each of their plots alone: for each promise that they look at, a rule that keeps it."""

from typing import Final

from mutants.mutant import Mutant

_WALKS: Final = ("virtual/test_plots.py", "virtual/test_random_walk.py")
_BESIDE: Final = ("virtual/test_plots_beside.py",)

WALKS: Final = (
    Mutant(
        "in a walk: a lost answer is waited for before another try",
        "reconcile/memory.py",
        "return self._settle_from + wait_seconds",
        "return self._settle_from - 1e6",
        _WALKS,
    ),
    Mutant(
        "in a walk: an edited password is not believed",
        "reconcile/act/password_view.py",
        "return None if password is None or judge(current, mine, password) is False else password",
        "return password",
        _WALKS,
    ),
    Mutant(
        "in a walk: whoever takes over claims first",
        "reconcile/act/actor.py",
        " or (isinstance(step, Record) and step.changes.adopted is True)",
        "",
        _WALKS,
    ),
    Mutant(
        "in a walk: nothing is Ready that is not there",
        "reconcile/report/status.py",
        "if before is not None and was_ready and is_unseen:",
        "if before is not None and was_ready:",
        _WALKS,
    ),
    Mutant(
        "in a walk: what waits for a person does not work",
        "reconcile/report/status.py",
        '"Reconciling": (under_way, *why),',
        '"Reconciling": (True, *why),',
        _WALKS,
    ),
    Mutant(
        "in a walk: a new spec is news for a process that has only started",
        "reconcile/pass_rules.py",
        "if isinstance(verdict, LetGo) or current.resource.told.observed_generation != current.resource.generation:",
        "if isinstance(verdict, LetGo):",
        _WALKS,
    ),
    Mutant(
        "in a walk: a project stays where what it holds answers",
        "reconcile/project/connector.py",
        "if problem is None and not self._is_known_way(opening, resource, reached):",
        "if False:",
        _WALKS,
    ),
    Mutant(
        "in a walk: an attempt is looked for where it was begun",
        "reconcile/project/reaching.py",
        "        return _begun_elsewhere(name, endpoint, known.attempts, before)",
        "        return None",
        _WALKS,
    ),
    Mutant(
        "in a walk: an object keeps the prefix that it was made with",
        "kinds/observed.py",
        "if pinned is None:\n            return now",
        "if True:\n            return now",
        _WALKS,
    ),
    Mutant(
        "in a walk: the intent is written before the POST",
        "reconcile/act/actor.py",
        "await self.writer.write(current, shown, facts)\n        memory = current.memory.creation\n        memory.attempt_is",
        "memory = current.memory.creation\n        memory.attempt_is",
        _WALKS,
    ),
    Mutant(
        "in a walk: the finalizer stays until the cloud object is gone",
        "reconcile/decide/deletion.py",
        "    if observed.external is None or observed.presence.is_unsure:\n        return Wait(",
        "    if observed.external is None or observed.presence.is_unsure:\n        return LetGo(",
        _WALKS,
    ),
    Mutant(
        "in a walk: a lost finalizer is put back",
        "reconcile/act/standing_marks.py",
        "        if not holds or resource.deleting_since",
        "        if True or resource.deleting_since",
        _WALKS,
    ),
    Mutant(
        "in a walk: what was refused is told while it rests",
        "reconcile/decide/differences.py",
        "first = next((each for each in all_ if isinstance(each, Stall)), next(iter(all_), None))",
        "first = None",
        _WALKS,
    ),
    Mutant(
        "in a walk: what is in a datastore is looked for where it was made",
        "reconcile/observe/observer.py",
        "if reference.parent and pinned is not None and referred.id not in (None, pinned.datastore_id):",
        "if False:",
        _WALKS,
    ),
    Mutant(
        "in a walk: nothing follows a datastore's name to another datastore",
        "reconcile/decide/decide.py",
        "    if observed.moved is not None:\n        return observed.moved\n",
        "",
        _WALKS,
    ),
    Mutant(
        "in a walk: a pending password is sent before the Secret is switched",
        "reconcile/decide/password_steps.py",
        "        if view.pending_sent:",
        "        if True:",
        _WALKS,
    ),
    Mutant(
        "in a walk: what the spec only names is not set",
        "reconcile/report/managed.py",
        "known, sent = set(before.managed), dict(before.applying)",
        "known, sent = set(before.managed) | {*kind.wanted_values(observed)}, dict(before.applying)",
        _WALKS,
    ),
    Mutant(
        "in a walk: what was sent and refused is not set",
        "reconcile/report/managed.py",
        "        known |= worked\n",
        "        known |= set(sent)\n",
        _WALKS,
    ),
    Mutant(
        "in a walk: what others have changed under Report is theirs",
        "reconcile/report/managed.py",
        "        if is_settled and reports_only(observed):\n",
        "        if False:\n",
        _WALKS,
    ),
    Mutant(
        "in a walk: an annotation without effect is told",
        "reconcile/report/status.py",
        "    beside |= odd_annotation(observed)\n",
        "",
        _BESIDE,
    ),
    Mutant(
        "in a walk: a request for a password of what has none is told",
        "reconcile/report/odd_annotations.py",
        "    if (unasked := _changes_no_password(kind, observed)) is not None:",
        "    if (unasked := None) is not None:",
        _BESIDE,
    ),
    Mutant(
        "in a walk: a late roll-out ends what is told of it",
        "reconcile/keepers/restarter.py",
        "_Outcome(REST_SECONDS if missing or restarted else None, _incomplete([*missing, *late]))",
        "_Outcome(None, _incomplete([*missing, *late]))",
        _BESIDE,
    ),
    Mutant(
        "in a walk: a workload that has the login is not restarted again",
        "reconcile/keepers/logins_of_workloads.py",
        "return workload.annotations.get(mark(secret)) != digest and",
        "return",
        _BESIDE,
    ),
)
