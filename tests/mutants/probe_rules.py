"""A login by the operator goes nowhere else, tells nobody a password, changes nothing, and holds up nobody."""

from typing import Final

from mutants.mutant import Mutant

_PROBES = ("virtual/test_probes.py",)
_ATTEMPT = ("probe/test_attempt.py",)

PROBES: Final = (
    Mutant(
        "a probe goes only where the API says, not where a Secret does",
        "kinds/database_user.py",
        "endpoints(datastore_of(observed).object, engine, ports),  # only",
        "endpoints(datastore_of(observed).object, engine, ports, observed.held_secret.told),  # only",
        _PROBES,
    ),
    Mutant(
        "a probe sends only a password that a pass has found right",
        "reconcile/keepers/prober.py",
        "if secret is None or secret.resource_version != wish.version:",
        "if secret is None:",
        _PROBES,
    ),
    Mutant(
        "a process that does not lead logs in nowhere",
        "reconcile/keepers/prober.py",
        "        await self._may_probe()\n",
        "",
        _PROBES,
    ),
    Mutant(
        "one probe at a time in a datastore",
        "reconcile/keepers/prober.py",
        "WorkQueue(clock, 1, places=AT_A_TIME)",
        "WorkQueue(clock, AT_A_TIME, places=AT_A_TIME)",
        _PROBES,
    ),
    Mutant(
        "what was usable stays so until failures have settled",
        "reconcile/report/probed.py",
        "before.is_true and not view.is_settled",
        "before.is_true and view.answer is None",
        _PROBES,
    ),
    Mutant(
        "without TLS no password is sent to a MySQL",
        "probe/mysql.py",
        "if not self.server_capabilities & _OFFERS_TLS:",
        "if False:",
        _ATTEMPT,
    ),
    Mutant(
        "a login by SCRAM is not worth endless work",
        "probe/scram.py",
        "if rounds > MAX_ROUNDS:",
        "if False:",
        _ATTEMPT,
    ),
    Mutant(
        "no probe goes to link-local addresses",
        "probe/addresses.py",
        "address.is_link_local or ",
        "",
        _ATTEMPT,
    ),
    Mutant(
        "the server must prove its name",
        "probe/tls.py",
        "context.check_hostname = checks_name",
        "context.check_hostname = False",
        _ATTEMPT,
    ),
)
