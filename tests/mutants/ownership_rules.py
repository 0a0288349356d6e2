"""Never another's object."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decide",)
_GUARDS = ("virtual/test_guards.py",)
_REFERENCES = (
    "reconcile/observe/test_resolved_references.py",
    "reconcile/observe/test_references_of_guests.py",
    "reconcile/observe/test_references_depend.py",
)

OWNERSHIP: Final = (
    Mutant(
        "nothing is adopted unless the spec says so",
        "reconcile/decide/without_object.py",
        'if observed.spec.adoption == "Never":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "nothing is adopted without the power to",
        "reconcile/decide/without_object.py",
        "if observed.project is None or not observed.project.may_adopt:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what differs in what can never change is not adopted",
        "reconcile/decide/without_object.py",
        "if differing := fields_that_differ(expected, actual):",
        "if differing := []:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not changed",
        "reconcile/decide/decide.py",
        "    if presence.holder is not None:\n        return Stall(Reason.CONFLICT",
        "    if False:\n        return Stall(Reason.CONFLICT",
        _DECIDE,
    ),
    Mutant(
        "a pinned identity is compared with the project in each pass",
        "reconcile/observe/project_access.py",
        "if pinned is not None and (pinned.project_id, pinned.region) != (view.project_id, view.region):",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a namespace that the project does not allow does nothing",
        "reconcile/observe/project_access.py",
        "if powers is None:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a deletion in a namespace that the project does not allow makes no call",
        "reconcile/observe/project_access.py",
        "if powers is None:",
        "if powers is None and not current.observed.deleting:",
        ("virtual/test_ownership_is_proven.py",),
    ),
    Mutant(
        "another namespace's datastore needs its permission",
        "reconcile/observe/resolved_references.py",
        "return self._is_in(asker, holder) if spec is None else asker.key.namespace in allowed_namespaces(spec)",
        "return True",
        _GUARDS,
    ),
    Mutant(
        "who refers to a resource whose spec cannot be read waits for it, and does not fail",
        "reconcile/observe/resolved_references.py",
        "        except UnreadableSpec:\n            return None\n",
        "        except UnreadableSpec:\n            raise\n",
        _REFERENCES,
    ),
    Mutant(
        "a spec that cannot be read lets in nobody whose object is not proven to be there",
        "reconcile/observe/resolved_references.py",
        "return told.id is not None and told.datastore_id == holder.told.id and self.owners.counts(asker.key)",
        "return True",
        _REFERENCES,
    ),
    Mutant(
        "no step is taken in a datastore whose spec cannot be read",
        "reconcile/observe/resolved_references.py",
        "if problem is None and spec is None:",
        "if False:",
        _REFERENCES,
    ),
    Mutant(
        "what is in a datastore whose spec cannot be read does not count as going with it",
        "reconcile/observe/resolved_references.py",
        "    if spec is None:\n        return False\n",
        "    if spec is None:\n        return holder.deleting_since is not None\n",
        _REFERENCES,
    ),
    Mutant(
        "a datastore that nobody holds needs the power to adopt",
        "reconcile/observe/resolved_references.py",
        "if not lookup.project.may_adopt:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "whose an object is does not differ by the DatabaseProject that leads there",
        "reconcile/told.py",
        'return place(self.raw["projectID"], self.raw["region"])',
        'return place(self.raw["project"], self.raw["region"])',
        ("virtual/test_two_projects_of_one.py",),
    ),
    Mutant(
        "nobody gets into another DatabaseProject's datastore by its id",
        "reconcile/observe/resolved_references.py",
        "        if _project_of(holder, lookup.project) != lookup.project.name:\n",
        "        if False:\n",
        ("virtual/test_two_projects_of_one.py",),
    ),
    Mutant(
        "a disruptive change of an adopted object is approved by a person",
        "reconcile/decide/differences.py",
        "    return change.risk >= Risk.RESTART and is_asked\n",
        "    return False\n",
        _DECIDE,
    ),
    Mutant(
        "what is being deleted is not adopted",
        "reconcile/decide/without_object.py",
        "    if dying:\n",
        "    if False:\n",
        ("virtual/test_status_tells_the_truth.py",),
    ),
)
