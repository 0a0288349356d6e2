"""Never a second object."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decide",)
_GUARDS = ("virtual/test_guards.py",)
_DEFERRED = ("virtual/test_deferred_writes.py",)

CREATION: Final = (
    Mutant(
        "that the object of a name is never gone is told after an hour",
        "reconcile/decide/without_object.py",
        "        if seconds == 0:\n",
        "        if False:\n",
        _DECIDE,
    ),
    Mutant(
        "the hour goes on when another process takes over",
        "reconcile/observe/dying_namesakes.py",
        "        if (begun := _waits_since(current, dying)) is None:\n",
        "        if True:\n",
        ("reconcile/observe/test_dying_namesakes.py", "virtual/test_time.py"),
    ),
    Mutant(
        "a rename waits for what does not tell its name",
        "reconcile/decide/same_key.py",
        'return may_be_taken(kind, observed, "renamed")',
        "return None",
        ("virtual/test_nameless_at_first.py",),
    ),
    Mutant(
        "a creation waits for a list begun after the wait of the attempt before",
        "reconcile/observe/creation.py",
        "if current.snapshot.last_list_begun is not None and current.snapshot.last_list_begun >= over:",
        "if True:",
        _GUARDS,
    ),
    Mutant(
        "a process that did not see an attempt end waits its whole time",
        "reconcile/memory.py",
        "            self._attempt, self._settle_from = attempt, now\n        return",
        "            self._attempt, self._settle_from = attempt, now - wait_seconds\n        return",
        _GUARDS,
    ),
    Mutant(
        "the wait begins again when a call ends",
        "reconcile/act/actor.py",
        "        finally:\n            memory.call_has_ended(self.clock.monotonic())",
        "        finally:\n            pass",
        _GUARDS,
    ),
    Mutant(
        "the finalizer is there before anything is made",
        "reconcile/act/actor.py",
        "        await self._add_finalizer(current)\n        await self.passwords.prove_first",
        "        await self.passwords.prove_first",
        _GUARDS,
    ),
    Mutant(
        "the intent is written before the POST",
        "reconcile/act/actor.py",
        "await self.writer.write(current, shown, facts)\n        memory = current.memory.creation\n        memory.attempt_is",
        "memory = current.memory.creation\n        memory.attempt_is",
        _GUARDS,
    ),
    Mutant(
        "a key is claimed before anything is written",
        "reconcile/reconciler.py",
        "if not self.actor.reserve_key(current, verdict):",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a list is looked at before a first creation",
        "reconcile/observe/creation.py",
        "return begun is not None and begun >= since",
        "return True",
        _GUARDS,
    ),
    Mutant(
        "nothing is created before the first list",
        "reconcile/decide/without_object.py",
        "    if not observed.creation.is_listed:\n        return looking(",
        "    if False:\n        return looking(",
        _DECIDE,
    ),
    Mutant(
        "ids that were known before an attempt are no candidates",
        "reconcile/decide/candidates.py",
        "namesake.id not in intent.others and not",
        "not",
        _DECIDE,
    ),
    Mutant(
        "a candidate equals the intent in all that never changes",
        "reconcile/decide/candidates.py",
        "and not fields_that_differ(intent.expected, kind.expected_of(namesake))",
        "",
        _DECIDE,
    ),
    Mutant(
        "of several candidates none is taken",
        "reconcile/decide/without_object.py",
        "    if len(found) == 1:\n        return _recorded(",
        "    if found:\n        return _recorded(",
        _DECIDE,
    ),
    Mutant(
        "a key that an older resource claims is not created again",
        "reconcile/decide/same_key.py",
        "    if observed.same_key.rival is not None:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not created again",
        "reconcile/decide/same_key.py",
        "for _, holder in sorted(observed.same_key.held.items()):",
        "for _, holder in ():",
        _DECIDE,
    ),
    Mutant(
        "the older resource holds what two want",
        "reconcile/observe/ownership_index.py",
        "return min(keys, key=lambda key: (self._entries[key].standing, self._entries[key].age), default=None)",
        "return max(keys, key=lambda key: (self._entries[key].standing, self._entries[key].age), default=None)",
        ("reconcile/observe/test_ownership_index.py",),
    ),
    Mutant(
        "what is gone with its data is not made again unasked",
        "reconcile/decide/without_object.py",
        "if kind.holds_data and observed.annotations.get(RECREATE) != id_:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a cloud object in ERROR is not made again",
        "reconcile/decide/decide.py",
        'if phase == "ERROR":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what our own POST answered is ours",
        "reconcile/decide/without_object.py",
        "    if observed.creation.created_id is not None:\n        return _recorded",
        "    if False:\n        return _recorded",
        _DECIDE,
    ),
    Mutant(
        "an id waits for the end of the cloud's work no longer than two polls",
        "reconcile/report/deferred_write.py",
        "return creation.write_from(self.seconds) - self.clock.monotonic() if may_be else 0.0",
        "return 1.0 if may_be else 0.0",
        _DEFERRED,
    ),
    Mutant(
        "what is known of a new object and not written is not forgotten between two passes",
        "reconcile/reconciler.py",
        "context = PassContext(memory=memory, woken_by=priority, facts=memory.creation.unwritten)",
        "context = PassContext(memory=memory, woken_by=priority)",
        _DEFERRED,
    ),
    Mutant(
        "a process that is asked to stop writes the ids that wait",
        "reconcile/controller.py",
        "if resource is None or resource.uid != memory.uid or not memory.creation.unwritten:",
        "if True:",
        _DEFERRED,
    ),
    Mutant(
        "a change of the spec does not wait for the id's deferred write",
        "reconcile/report/deferred_write.py",
        "            and told.observed_generation == current.resource.generation\n",
        "",
        _DEFERRED,
    ),
    Mutant(
        "a change of what never changes is refused once the creation is begun",
        "kinds/schema.py",
        "has({0}.status.id) || has({0}.status.intent)",
        "has({0}.status.id)",
        ("kinds/test_begun.py",),
    ),
    Mutant(
        "what was mistyped leaves the line of the project that it named by mistake",
        "reconcile/memory.py",
        "return before is not None and before != project",
        "return False",
        ("reconcile/test_memory.py",),
    ),
)
