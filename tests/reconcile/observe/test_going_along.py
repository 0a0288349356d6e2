"""How long what is being deleted waits for its datastore."""

from kinds.builders import PROJECT
from managed_databases.kinds.observed import Referred
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.current_pass import Pass, PassContext
from managed_databases.reconcile.observe.going_along import PATIENCE_SECONDS, GoingAlong
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.fake_cache import resource
from reconcile.manual_clocks import StillClock
from reconcile.passes import KINDS, observed

GOES = {"datastoreRef": Referred("main", going=True)}
HELD_UP = {"datastoreRef": Referred("main", going=True, held_up=True)}
STAYS = {"datastoreRef": Referred("main", held_up=True)}
GOES_ALONE = {"datastoreRef": Referred("main", going=False, held_up=True)}


def test_patience() -> None:
    clock = StillClock()
    user = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}}, going=True)
    context = PassContext(memory=Memory(user.uid), woken_by=Priority.LOW)
    kind = KINDS[user.key.kind]
    current = Pass(
        resource=user, kind=kind, observed=observed(user, PROJECT), context=context, checks=PasswordChecks(Seals())
    )
    going_along = GoingAlong(clock)
    assert going_along.look(current, GOES) == (GOES, None)
    assert going_along.look(current, STAYS) == (STAYS, None)
    assert going_along.look(current, HELD_UP) == (HELD_UP, PATIENCE_SECONDS)
    clock.moment += PATIENCE_SECONDS - 1
    assert going_along.look(current, HELD_UP) == (HELD_UP, 1.0)
    clock.moment += 1
    assert going_along.look(current, HELD_UP) == (GOES_ALONE, None)
    assert going_along.look(current, GOES) == (GOES, None), "it goes on"
    assert going_along.look(current, HELD_UP) == (HELD_UP, PATIENCE_SECONDS), "and is held up anew"
