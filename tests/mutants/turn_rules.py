"""Two users take turns: the mounted Secret opens at every instant, and the login before ends."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = "reconcile/decide/turns.py"
_READ = "reconcile/act/mounted_secret.py"
_DUE = "reconcile/act/rotation_times.py"
_TABLE = ("reconcile/decide/test_turns.py",)
_STORY = ("virtual/test_two_users.py",)
_DISTURBED = ("virtual/test_two_users_disturbed.py",)
_KIND = ("kinds/test_two_users.py",)

TURNS: Final = (
    Mutant(
        "a login is mounted only if it is known to open",
        _DECIDE,
        "if not turns.opens or (turns.is_mounted",
        "if (turns.is_mounted",
        _TABLE,
    ),
    Mutant(
        "nothing is changed while the mounted Secret is not right",
        _DECIDE,
        "if not (turns.opens and turns.is_mounted):",
        "if False:",
        _TABLE,
    ),
    Mutant(
        "users that lack something do not change places",
        _DECIDE,
        "if _trouble(kind, observed) is None or _twin_is_lost(observed):",
        "if True:",
        _TABLE,
    ),
    Mutant(
        "no turn begins while the login before is valid",
        _DECIDE,
        "elif rotation.lock_at is not None:",
        "elif rotation.lock_at is not None and turns.is_due is None:",
        _TABLE,
    ),
    Mutant(
        "the login before ends only when its time is over",
        _DECIDE,
        "        if turns.is_lock_due:\n            yield from _lock",
        "        if True:\n            yield from _lock",
        _TABLE,
    ),
    Mutant(
        "the login before has ended only once the cloud has another password",
        _DECIDE,
        "elif twin.handled != token:",
        "elif False:",
        _TABLE,
    ),
    Mutant(
        "where a login is asked for, it comes before the turn",
        _DECIDE,
        "return is_next and observed.kept.probe is not None and not observed.kept.probe.is_proven",
        "return False",
        _TABLE,
    ),
    Mutant(
        "the own user's password ends only while the second user's login is mounted",
        _DUE,
        "if not is_safe or not turns.is_lock_due:",
        "if not turns.is_lock_due and not is_safe:",
        _STORY,
    ),
    Mutant(
        "the own user's password is not changed twice for one turn",
        _DUE,
        "token is None or rotation.own_changed_for == token:",
        "token is None:",
        _STORY,
    ),
    Mutant(
        "the second user has its turn only with the password that was made for it",
        _READ,
        "has_it = twin.handled == told.turn and twin.requested == told.turn and twin.password_check is not None",
        "has_it = twin.password_check is not None",
        _STORY,
    ),
    Mutant(
        "a Secret counts only with the password that the cloud has",
        _READ,
        "if password is None or told != twin.password_check:",
        "if password is None:",
        ("reconcile/act/test_mounted_secret.py",),
    ),
    Mutant(
        "the own user's Secret that somebody deletes is made of the mounted one",
        _READ,
        "return _has_own_password(current, credential, mounted)",
        "return False",
        _DISTURBED,
    ),
    Mutant(
        "at rest no Secret is read",
        _READ,
        "if view.opens and ground is not None and ground == current.memory.password.mounted:",
        "if False:",
        _DISTURBED,
    ),
    Mutant(
        "the own user's Secret is there before the status says so",
        "reconcile/act/turn_change.py",
        "await self._put(reading, own_secret(mounted), password)",
        "pass",
        _STORY,
    ),
    Mutant(
        "only the user that nobody uses is changed",
        "kinds/two_users.py",
        "is_before = rotation.active is not None and rotation.active != side",
        "is_before = rotation.active is not None",
        _KIND,
    ),
    Mutant(
        "the second user stays as long as its login is valid",
        "kinds/two_users.py",
        "return rotation.active == TWIN or rotation.lock_at is not None",
        "return rotation.active == TWIN",
        _KIND,
    ),
    Mutant(
        "rights from elsewhere are given to the second user, too",
        "kinds/two_users.py",
        "    yield from _mirrored(observed, name)\n",
        "",
        _KIND,
    ),
    Mutant(
        "an adopted user has no second one",
        "kinds/two_users.py",
        "if observed.status.adopted:",
        "if False:",
        _KIND,
    ),
    Mutant(
        "a grant that somebody makes later is noticed",
        "reconcile/enqueuer.py",
        "self.waker.wake(dependency.naming(*each))",
        "pass",
        _DISTURBED,
    ),
    Mutant(
        "the login before ends also where the second user stays in the cloud",
        _DECIDE,
        "(not wants_two and _ends_with_its_resource(observed))",
        "not wants_two",
        _TABLE,
    ),
    Mutant(
        "a second user whose login is in use is not deleted",
        "reconcile/decide/deletion.py",
        "if isinstance(verdict, Delete) and observed.pair.used_by is not None:",
        "if False:",
        _DISTURBED,
    ),
    Mutant(
        "a second user is paused with the first one",
        "reconcile/observe/twin.py",
        'if owner.annotations.get(PAUSED) == "true":',
        "if False:",
        _DISTURBED,
    ),
)
