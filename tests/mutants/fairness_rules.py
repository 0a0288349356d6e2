"""No tenant holds up another, takes its names, or writes what nobody can see."""

from typing import Final

from mutants.mutant import Mutant

_STORMS = ("virtual/test_hostile_tenants.py",)
_TENANTS = ("virtual/test_two_tenants.py",)
_VISIBLE = ("test_visible.py", "virtual/test_nothing_is_hidden.py")
_LEFT_ALONE = ("virtual/test_lists_left_alone.py",)
_ROTATION = ("reconcile/scheduling/test_fair_queue.py",)

FAIRNESS: Final = (
    Mutant(
        "a namespace that has no place need not wait for one of another's",
        "reconcile/scheduling/places.py",
        "(self._total < self._most + self._spare and not self._taken[path[0]])",
        "False",
        ("reconcile/scheduling/test_places.py",),
    ),
    Mutant(
        "a namespace in a project has passes for certain",
        "reconcile/scheduling/work_queue.py",
        "return self._busy_units[path] < self._guaranteed[len(path) - 1]",
        "return len(path) == 1 and self._busy_units[path] < self._guaranteed[len(path) - 1]",
        _ROTATION,
    ),
    Mutant(
        "one tenant's failing calls do not make a project unreachable",
        "reconcile/project/circuit_breaker.py",
        "and self._own_failures > 0",
        "",
        ("reconcile/project/test_circuit_breaker.py",),
    ),
    Mutant(
        "calls of passes are told from the operator's own readings",
        "reconcile/project/project_client.py",
        "return await self._exchange(call, priority, is_own=account is None)",
        "return await self._exchange(call, priority, is_own=True)",
        _STORMS,
    ),
    Mutant(
        "a LIST that is refused to the background is not refused to a person",
        "reconcile/project/polling.py",
        "        if self._expected_by <= self._closed_for:\n",
        "        if True:\n",
        _LEFT_ALONE,
    ),
    Mutant(
        "a LIST that is refused to a person is left alone for as long as the API asks",
        "reconcile/project/polling.py",
        "        if self._expected_by <= self._closed_for:\n",
        "        if not self._expected_by:\n",
        _LEFT_ALONE,
    ),
    Mutant(
        "a view that stays old is looked at ever more seldom",
        "reconcile/reconciler.py",
        "return pause_after_kube_error(error, memory.old_views)",
        "return pause_after_kube_error(error, 1)",
        ("virtual/test_time.py",),
    ),
    Mutant(
        "looks at rest are no more than so many a second",
        "reconcile/scheduling/next_look.py",
        "return max(resync_seconds, resources / LOOKS_A_SECOND)",
        "return resync_seconds",
        ("virtual/test_very_many.py",),
    ),
    Mutant(
        "looks are no more than so many a second also where all begin at once",
        "reconcile/scheduling/looks.py",
        "            if self._taken[step] < self._room:",
        "            if True:",
        ("reconcile/scheduling/test_looks.py",),
    ),
    Mutant(
        "what is left of very many resources is looked at soon",
        "reconcile/controller.py",
        "            self._look_sooner()",
        "            pass",
        ("virtual/test_very_many.py",),
    ),
    Mutant(
        "a collection is listed for as long as looks at its resources take",
        "reconcile/project/polling.py",
        "_LOOKS_WITHOUT_NEED * self._look_seconds()",
        "_LOOKS_WITHOUT_NEED * self._settings.resync_seconds",
        ("virtual/test_very_many.py",),
    ),
    Mutant(
        "an invented project gives no turns",
        "reconcile/first_place.py",
        'return name if self._may_use(name, resource.key.namespace) else ""',
        "return name",
        ("virtual/test_invented_projects.py",),
    ),
    Mutant(
        "requested syncs of a namespace are bounded",
        "reconcile/project/collection_lists.py",
        "poller.request_by(self._syncs.moment((collection, namespace)))",
        "poller.request()",
        _STORMS,
    ),
    Mutant(
        "a new name begins as the project says",
        "kinds/names.py",
        "if not prefixes or effective_name(observed).startswith(prefixes):",
        "if True:",
        _TENANTS,
    ),
    Mutant(
        "whether a name is taken is told only of names that one may have",
        "reconcile/decide/without_object.py",
        "    if (refused := name_refusal(kind, observed)) and not (observed.same_key.namesakes and _may_adopt(observed)):",
        "    if False:",
        _TENANTS,
    ),
    Mutant(
        "a rename needs a name that one may have",
        "reconcile/decide/same_key.py",
        "    if is_wished and (refused := name_refusal(kind, observed)):",
        "    if False:",
        _TENANTS,
    ),
    Mutant(
        "ids of what nobody holds are for whoever may adopt",
        "reconcile/decide/same_key.py",
        "return is_inside or (observed.project is not None and observed.project.may_adopt)",
        "return True",
        _TENANTS,
    ),
    Mutant(
        "a project's trouble is told only where the project is",
        "reconcile/observe/project_access.py",
        "replace(problem, message=_why(name, problem))",
        "problem",
        _TENANTS,
    ),
    Mutant(
        "conditions show what nobody can see",
        "reconcile/statuses/conditions.py",
        "visible(text)",
        "text",
        _VISIBLE,
    ),
    Mutant(
        "a status shows what nobody can see",
        "reconcile/report/status.py",
        "truncated_to(kind.status)(all_visible(",
        "truncated_to(kind.status)(dict(",
        _VISIBLE,
    ),
    Mutant(
        "an Event shows what nobody can see",
        "kube/writing.py",
        "visible(message).encode()",
        "message.encode()",
        _VISIBLE,
    ),
    Mutant(
        "a log line shows what nobody can see",
        "logs.py",
        "ProcessorFormatter.remove_processors_meta, make_visible, renderer]",
        "ProcessorFormatter.remove_processors_meta, renderer]",
        _VISIBLE,
    ),
    Mutant(
        "a spec of hundreds of unknown parameters has few of them looked for",
        "kinds/datastore_configuration.py",
        "is_hinted=unknown <= max_hints",
        "is_hinted=True",
        ("kinds/test_datastore_configuration.py",),
    ),
    Mutant(
        "only so many letters are compared to find what was meant",
        "kinds/nearest.py",
        "        if room < 0:\n            break\n",
        "",
        ("kinds/test_nearest.py",),
    ),
    Mutant(
        "a stranger does not wake what he only refers to",
        "reconcile/observe/inside.py",
        "            and (key.namespace in may or child.told.datastore_id == id_)\n",
        "",
        ("virtual/test_who_keeps_a_datastore.py",),
    ),
    Mutant(
        "a project that does not answer holds up no other",
        "reconcile/project/project_client.py",
        "self.circuit = CircuitBreaker(clock, settings.circuit_threshold, settings.probe_seconds)",
        "self.circuit = vars(settings).setdefault(\n"
        "            '_', CircuitBreaker(clock, settings.circuit_threshold, settings.probe_seconds)\n"
        "        )",
        ("virtual/test_fair.py",),
    ),
)
