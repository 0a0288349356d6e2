"""The rules that tell what is ours and what is gone, each broken by `make mutants`."""

from typing import Final

from mutants.mutant import Mutant

_IDENTITY: Final = ("virtual/test_pinned_identity.py",)
_BELIEVED: Final = ("virtual/test_what_is_believed.py",)
_ODD_ROWS: Final = ("virtual/test_odd_rows.py",)
_NOT_TOLD: Final = ("virtual/test_what_is_not_told.py",)
_ELSEWHERE: Final = ("virtual/test_a_project_elsewhere.py",)
_ANSWERS: Final = ("api/test_answers.py",)

PINNED: Final = (
    Mutant(
        "an open attempt is looked for under the key that it was made with",
        "reconcile/observe/creation.py",
        "(observed.deleting or (status.id is None and status.intent is not None))",
        "observed.deleting",
        _IDENTITY,
    ),
    Mutant(
        "an attempt for what the spec does not say any more ends with its identity",
        "reconcile/decide/without_object.py",
        "Facts(intent=None, identity=None))",
        "Facts(intent=None))",
        ("reconcile/decide",),
    ),
    Mutant(
        "who claims a key first has it",
        "reconcile/observe/ownership_index.py",
        "return not is_pinned, entry.standing if is_pinned else entry.turn, entry.age",
        "return not is_pinned, entry.standing if is_pinned else 0, entry.age",
        ("reconcile/observe/test_ownership_index.py",),
    ),
    Mutant(
        "a name that is given up is free",
        "reconcile/observe/interests.py",
        "        owners.want(key, self.wanted_key)\n",
        "",
        ("virtual/test_guards.py",),
    ),
    Mutant(
        "an object keeps the prefix that it was made with",
        "kinds/observed.py",
        "if pinned is None:\n            return now",
        "if True:\n            return now",
        _IDENTITY,
    ),
    Mutant(
        "nothing follows a datastore's name to another datastore",
        "reconcile/decide/decide.py",
        "    if observed.moved is not None:\n        return observed.moved\n",
        "",
        _IDENTITY,
    ),
    Mutant(
        "what is in another project is not there for us",
        "reconcile/project/session.py",
        "return self.view is None or obj.project_id in (None, self.view.project_id)",
        "return True",
        _IDENTITY,
    ),
    Mutant(
        "a 404 names what is missing",
        "api/error_answers.py",
        "if isinstance(error, NotFound) and (error.is_from_the_way or not _MISSING.fullmatch(text.strip())):",
        "if False:",
        _ANSWERS,
    ),
    Mutant(
        "a 404 is about the object that was asked for",
        "reconcile/project/project_objects.py",
        "if not error.is_about(known.collection.words, id_):",
        "if False:",
        _BELIEVED,
    ),
    Mutant(
        "a refusal that is not the API's own proves nothing",
        "reconcile/decide/failures.py",
        " and not error.is_from_the_way",
        "",
        _BELIEVED,
    ),
    Mutant(
        "an id that comes back is taken back",
        "reconcile/decide/without_object.py",
        "    if observed.presence.returned and observed.status.intent is None:",
        "    if False:",
        _BELIEVED,
    ),
    Mutant(
        "what cannot be made again yet keeps its id",
        "reconcile/decide/without_object.py",
        "    if not kind.holds_data and (blocked := reference_problem(kind, observed)):",
        "    if False:",
        ("reconcile/decide",),
    ),
    Mutant(
        "after a change of the way a known object has to answer",
        "reconcile/project/connector.py",
        "if problem is None and not self._is_known_way(opening, resource, reached):",
        "if False:",
        _ELSEWHERE,
    ),
    Mutant(
        "a known object has to answer after a change of the Secret, too",
        "reconcile/project/connector.py",
        "return asdict(opening.reached or reached) == asdict(reached) == ToldProject(resource.status).reached",
        "told = ToldProject(resource.status).reached or {}\n        return told.get('endpoint') == reached.endpoint",
        _ELSEWHERE,
    ),
    Mutant(
        "one unreadable field hides no row",
        "api/answers.py",
        "    if isinstance(row, dict):\n        for drop",
        "    if False:\n        for drop",
        _ANSWERS,
    ),
    Mutant(
        "what an attempt has made may be what cannot be read",
        "reconcile/decide/without_object.py",
        "if not found and (unclear := unreadable_since(observed, intent)):",
        "if False:",
        _ODD_ROWS,
    ),
    Mutant(
        "nothing is decided about what cannot be read",
        "reconcile/observe/external.py",
        "is_unreadable = external is not None and not external.is_whole",
        "is_unreadable = False",
        _ODD_ROWS,
    ),
    Mutant(
        "what an answer does not tell stays as it was",
        "reconcile/project/collection_snapshot.py",
        "obj = self._completed(obj, old)",
        "pass",
        ("reconcile/project/test_collection_snapshot.py",),
    ),
    Mutant(
        "a Secret keeps what it says of where to connect",
        "reconcile/act/held_secret.py",
        ", *(() if current.observed.status.id is None else KEPT_KEYS)",
        "",
        _ODD_ROWS,
    ),
    Mutant(
        "a Secret without a host is of no use",
        "reconcile/report/status.py",
        "if view is not None and (lack := lacking(kind, observed)) is not None:",
        "if False:",
        _NOT_TOLD,
    ),
    Mutant(
        "a firewall that is not told is not set again",
        "kinds/datastore_changes.py",
        "return observed.status.guard != guard_of(wanted)",
        "return True",
        _NOT_TOLD,
    ),
    Mutant(
        "an attempt is looked for where it was begun, whatever the project is now",
        "reconcile/act/actor.py",
        "            endpoint=current.project.endpoint,\n",
        "",
        _ELSEWHERE,
    ),
)
