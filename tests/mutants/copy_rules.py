"""A copy of a credentials Secret is only where both sides allow it, and nobody else's Secret is touched for one."""

from typing import Final

from mutants.mutant import Mutant

_RUN = "reconcile/keepers/copy_run.py"
_KEEPER = "reconcile/keepers/copy_keeper.py"
_COPY = "reconcile/act/secret_copy.py"
_LETTING_GO = "reconcile/act/letting_go.py"
_ALLOWED = ("virtual/test_secret_copies_allowed.py",)
_VIRTUAL = ("virtual/test_secret_copies.py",)
_BROKEN = ("virtual/test_secret_copies_broken.py",)

COPIES: Final = (
    Mutant(
        "a namespace without the label lets no copy in",
        _COPY,
        "labels is not None and lets_in(labels, resource.key.namespace)",
        "labels is not None",
        _ALLOWED,
    ),
    Mutant(
        "only the label for this very namespace, with its value, lets copies in",
        "kinds/secret_copies.py",
        'return labels.get(f"{COPIES_FROM}/{source}") == ALLOWED',
        "return any(COPIES_FROM in name for name in labels)",
        ("kinds/test_secret_copies.py",),
    ),
    Mutant(
        "a namespace whose labels are not known lets no copy in",
        _COPY,
        "labels is not None and lets_in(labels, resource.key.namespace)",
        "(labels is None or lets_in(labels, resource.key.namespace))",
        _ALLOWED,
    ),
    Mutant(
        "a withdrawn word takes the copy away",
        _RUN,
        "                await self._remove(place)\n            return self._not_let_in(place)",
        "                pass\n            return self._not_let_in(place)",
        _ALLOWED,
    ),
    Mutant(
        "what a run finds out for a former wish says nothing of the new one",
        _KEEPER,
        "known = self._known[key] = _Known(wish, known)",
        "known = self._known.setdefault(key, _Known(wish, None)); known.right = {}; known.wish = wish",
        _BROKEN,
    ),
    Mutant(
        "what is refused again and again is asked for seldom",
        _RUN,
        "retry_delay(self.memory.refusals, lambda: 0.0, AWAY_SECONDS)",
        "AWAY_SECONDS",
        _BROKEN,
    ),
    Mutant(
        "what was refused before does not count for another password",
        _KEEPER,
        "self.is_known, self.told, self.fights = before.is_known, before.told, before.fights",
        "self.is_known, self.told, self.fights, self.refusals = before.is_known, before.told, before.fights, 9",
        _BROKEN,
    ),
    Mutant(
        "a copy that another namespace has left behind is not taken over",
        _COPY,
        "return main is not None and main.namespace == resource.key.namespace",
        "return main is not None",
        _BROKEN,
    ),
    Mutant(
        "a word that is withdrawn counts also while a resource is paused",
        _KEEPER,
        "if is_asked_for or is_new:",
        "if not wish.is_paused and (is_asked_for or is_new):",
        _BROKEN,
    ),
    Mutant(
        "who goes with Retain leaves no copy where none is let in",
        _LETTING_GO,
        "stays = retain and (is_unknown or is_let_in(self.cache, place, resource))",
        "stays = retain",
        _BROKEN,
    ),
    Mutant(
        "copies go also when the status has lost their names",
        _LETTING_GO,
        "map(place_of, resource.told.copies)), *let_in]",
        "map(place_of, resource.told.copies))]",
        _BROKEN,
    ),
    Mutant(
        "one namespace in trouble does not hold up the other copies",
        _RUN,
        "        except KubeError:  # the other copies do not wait for this one\n",
        "        except ZeroDivisionError:\n",
        _BROKEN,
    ),
    Mutant(
        "no status tells of another namespace's quotas and policies",
        _RUN,
        'if place.namespace == self.resource.key.namespace:\n            return _refused(place, f"{error}.',
        'if True:\n            return _refused(place, f"{error}.',
        _BROKEN,
    ),
    Mutant(
        "a copy that was never let in holds up no deletion",
        _KEEPER,
        "for place, _ in wish.wanted if is_let_in(self._cache, place, resource)]",
        "for place, _ in wish.wanted]",
        _ALLOWED,
    ),
    Mutant(
        "a Secret of others is never written over",
        _RUN,
        "if there is not None and not may_be_written(self.ownership, source, there):",
        "if False:",
        _ALLOWED,
    ),
    Mutant(
        "a Secret of others is never deleted, whatever a status says",
        _RUN,
        "if there is not None and is_copy(self.ownership, self.resource, there):",
        "if there is not None:",
        _ALLOWED,
    ),
    Mutant(
        "another Secret of the resource is no copy",
        _COPY,
        "return _is_of_namespace(resource, secret) and ownership.is_ours(resource, secret)",
        "return ownership.is_ours(resource, secret)",
        ("reconcile/act/test_secret_copy.py",),
    ),
    Mutant(
        "a Secret that was left behind and was no copy is taken over as none",
        _COPY,
        "if not _is_of_namespace(source.resource, secret):",
        "if False:",
        _ALLOWED,
    ),
    Mutant(
        "no copy has the name of another Secret of the resource",
        _RUN,
        'return is_here and is_reserved(self.wish.mounted, place.name, pending_name(""))',
        "return False",
        _ALLOWED,
    ),
    Mutant(
        "a copy in another namespace has no ownerReference",
        _COPY,
        "keeps = place.namespace != self.resource.key.namespace or observed",
        "keeps = observed",
        _VIRTUAL,
    ),
    Mutant(
        "a copy is made only of the Secret that a pass has found right",
        _RUN,
        "self._main = main if main is not None and main.resource_version == source.version else None",
        "self._main = main",
        _BROKEN,
    ),
    Mutant(
        "the status names a copy before it is made",
        _RUN,
        "if not {*may_be} <= {*told} and not self.wish.is_paused:",
        "if False:",
        _VIRTUAL,
    ),
    Mutant(
        "paused means that no copy is written",
        _KEEPER,
        "if is_there and not is_paused else None",
        "if is_there else None",
        _VIRTUAL,
    ),
    Mutant(
        "a fight about a copy has an end",
        _RUN,
        "if right is not None and not self.memory.fights.may_correct(place, self.clock.monotonic()):",
        "if False:",
        _VIRTUAL,
    ),
    Mutant(
        "copies go before their resource",
        _LETTING_GO,
        "await self._copies(current.resource, id_, asked, retain=step.retain)",
        "pass",
        _ALLOWED,
    ),
    Mutant(
        "a resource goes only once no copy of it is being written",
        _LETTING_GO,
        "if self.writes_copies(resource.key):",
        "if False:",
        _ALLOWED,
    ),
)
