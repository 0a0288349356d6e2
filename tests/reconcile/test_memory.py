"""What is remembered between two passes stays right, whatever is told first."""

from pydantic import SecretStr

from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.memory import CreationMemory, FailedStep, PasswordMemory, RetryMemory

ONE, OTHER = SecretStr("one"), SecretStr("other")


def test_an_attempt_that_nobody_saw_is_waited_for_from_now() -> None:
    memory = CreationMemory()
    assert memory.settles_at(3, 60, now=100) == 160
    assert memory.settles_at(3, 60, now=130) == 160, "the wait does not begin again with each look"
    assert memory.settles_at(4, 60, now=130) == 190, "another attempt has a wait of its own"


def test_an_attempt_of_our_own() -> None:
    memory = CreationMemory()
    memory.attempt_is_written(1, now=100, wait_seconds=60)
    assert memory.settles_at(1, 60, now=101) <= 101, "nothing was sent yet"
    memory.attempt_is_sent(1, now=102)
    assert memory.settles_at(1, 60, now=103) == 162
    memory.call_has_ended(now=110)
    assert memory.settles_at(1, 60, now=111) == 170, "the call may have had its effect until it ended"


def test_a_wish_is_as_old_as_its_key() -> None:
    memory = CreationMemory()
    assert memory.want(("main",), now=1) == 1
    assert memory.want(("main",), now=2) == 1
    assert memory.want(("other",), now=3) == 3
    memory.want_no_more()
    assert memory.wanted_since is None
    assert memory.want(("other",), now=4) == 4


def test_a_pending_password_is_unclear_until_this_process_knows() -> None:
    memory = PasswordMemory()
    assert not memory.is_unclear(None)
    assert memory.is_unclear(ONE), "another process may have sent it"
    memory.is_prepared(ONE)
    assert not memory.is_unclear(ONE)
    assert memory.is_sending(ONE), "it was surely not sent before"
    assert memory.is_unclear(ONE), "from the send on the cloud may have it"
    memory.was_sent(ONE)
    assert memory.has_sent(ONE)
    assert not memory.is_unclear(ONE)
    assert memory.is_unclear(OTHER)
    memory.forget_pending()
    assert not memory.has_sent(ONE)


def test_a_refused_password_is_bound_only_if_it_may_have_been_sent() -> None:
    memory = PasswordMemory()
    memory.is_prepared(ONE)
    if memory.is_sending(ONE):
        memory.was_not_taken(ONE)
    memory.was_refused(ONE)
    assert not memory.is_unclear(ONE)
    assert memory.has_refused(ONE)
    assert not memory.has_refused(OTHER)
    assert not memory.is_sending(OTHER), "another process may have sent this one"


def test_a_requested_sync_holds_nothing_back_and_forgets_no_fight() -> None:
    held = FailedStep(None, 10, Wait(Reason.PENDING, "waits"), 2, busy_tries=1)
    memory = RetryMemory(held, [held], [held], [(1, "aim", 1)], [(1, 1)])
    assert memory.busy_tries == 1
    memory.begin_anew()
    assert memory == RetryMemory(corrections=[(1, "aim", 1)])
    assert memory.busy_tries == 0


def test_only_the_last_stall_is_remembered() -> None:
    memory, stall = RetryMemory(), Stall(Reason.REFUSED, "no")
    memory.was_told(2, stall)
    assert memory.stalled == (2, stall)
    memory.was_told(2, Wait(Reason.PENDING, "waits"))
    assert memory.stalled is None
