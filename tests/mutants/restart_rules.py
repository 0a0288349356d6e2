"""A restart of workloads happens once for each change of the login, one at a time, and only where somebody wants it."""

from typing import Final

from mutants.mutant import Mutant

_FILE = "reconcile/keepers/restarter.py"
_LOGINS = "reconcile/keepers/logins_of_workloads.py"
_VIRTUAL = ("virtual/test_restarts.py",)
_TABLES = ("reconcile/keepers/test_logins_of_workloads.py",)

RESTARTS: Final = (
    Mutant(
        "a late roll-out ends what was told of it",
        _FILE,
        "_Outcome(REST_SECONDS if troubles else None, _incomplete(troubles), digest)",
        "_Outcome(None, _incomplete(troubles), digest)",
        ("virtual/test_two_users.py",),
    ),
    Mutant(
        "a workload that nobody may change holds up no other",
        _FILE,
        "                        refused.append(error)\n                        continue\n",
        "                        raise error\n",
        _VIRTUAL,
    ),
    Mutant(
        "the first Secret restarts nothing",
        _LOGINS,
        "return since is not None and since != digest and",
        "return since != digest and since is None or since != digest and",
        _TABLES,
    ),
    Mutant(
        "a hash of another key is no change of the login",
        _LOGINS,
        ' and since.partition(".")[0] == digest.partition(".")[0]',
        "",
        _TABLES,
    ),
    Mutant(
        "a workload that has the login is not restarted again",
        _LOGINS,
        "return workload.annotations.get(mark(secret)) != digest and",
        "return",
        _TABLES,
    ),
    Mutant(
        "a tool that takes the annotation away makes no loop",
        _LOGINS,
        " and (workload.kind, workload.name) not in restarted",
        "",
        _TABLES,
    ),
    Mutant(
        "one workload after the other",
        "kube/workloads.py",
        "is_rolled_out=_is_rolled_out(kind, raw),",
        "is_rolled_out=True,",
        ("kube/test_workloads.py",),
    ),
    Mutant(
        "what another process has restarted is waited for",
        _FILE,
        "elif not workload.is_rolled_out and self._seconds_left(known, workload) > 0:",
        "elif False:",
        _VIRTUAL,
    ),
    Mutant(
        "only what uses the Secret is restarted",
        _FILE,
        "if wish.secret.name not in workload.secrets:",
        "if False:",
        _VIRTUAL,
    ),
    Mutant(
        "paused means no restart",
        _FILE,
        'observed.annotations.get(PAUSED) == "true" or not serves(current)',
        "not serves(current)",
        _VIRTUAL,
    ),
    Mutant(
        "without the right nothing is tried in a loop",
        _FILE,
        "return _Outcome(REST_SECONDS, (Reason.RESTART_INCOMPLETE, ",
        "return _Outcome(LOOK_SECONDS, (Reason.RESTART_INCOMPLETE, ",
        _VIRTUAL,
    ),
    Mutant(
        "the login of the Pods is noted without the right, too",
        _FILE,
        "return (await self._look_ahead(key, known, wish, digest))._replace(settled=digest)",
        "return await self._look_ahead(key, known, wish, digest)",
        _VIRTUAL,
    ),
    Mutant(
        "a new process still says what is not rolled out",
        _FILE,
        "now + ROLLOUT_SECONDS - seconds_since_restart(workload, self._clock.now())",
        "now + ROLLOUT_SECONDS",
        _VIRTUAL,
    ),
)
