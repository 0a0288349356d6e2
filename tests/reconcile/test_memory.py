"""What is remembered between two passes stays right, whatever is told first."""

from pydantic import SecretStr

from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.memory import (
    MAX_MISSING,
    CreationMemory,
    LookMemory,
    Memory,
)
from managed_databases.reconcile.password_memory import PasswordMemory
from managed_databases.reconcile.retry_memory import FailedStep, RetryMemory
from managed_databases.reconcile.step_fingerprint import Fingerprint

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


def failed_step(until: float = 10, *, refused: bool = False) -> FailedStep:
    return FailedStep(None, until, Stall(Reason.REFUSED, "no") if refused else Wait(Reason.PENDING, "waits"), 1)


def test_what_was_refused_or_still_rests_is_kept_beside_another_step() -> None:
    refused, resting, over = failed_step(5, refused=True), failed_step(20), failed_step(5)
    memory = RetryMemory()
    for step in (refused, resting, over):
        memory.has_failed(step)
        assert memory.held is step
        memory.set_aside(10, lambda held: False)
        assert memory.held is None
    assert [id(each) for each in memory.aside] == [id(refused), id(resting)]
    memory.set_aside(10, lambda held: held is refused)
    assert [id(each) for each in memory.aside] == [id(resting)], "nothing of the step itself is kept"


def test_only_so_many_steps_are_kept_aside_and_the_oldest_go() -> None:
    memory, steps = RetryMemory(), [failed_step(until, refused=True) for until in range(20)]
    for step in steps:
        memory.has_failed(step)
        memory.set_aside(100, lambda held: False)
    assert [each.until for each in memory.aside] == [*range(4, 20)]


def test_all_that_rests_is_remembered() -> None:
    held, aside, accepted = failed_step(1), failed_step(2), failed_step(3)
    assert RetryMemory().remembered == []
    assert [each.until for each in RetryMemory(held, [aside], [accepted]).remembered] == [1, 2, 3]


def test_an_accepted_change_is_remembered_once_until_it_shows_or_is_old() -> None:
    memory, first, again, other = RetryMemory(), failed_step(10), failed_step(20), failed_step(30)
    memory.was_accepted(first, None)
    memory.was_accepted(other, None)
    memory.was_accepted(again, first)
    assert [each.until for each in memory.accepted] == [30, 20]
    memory.forget_accepted(now=69, seconds=50)
    assert len(memory.accepted) == 2
    memory.forget_accepted(now=70, seconds=50)
    assert [each.until for each in memory.accepted] == [30]
    memory.had_effect([])
    assert memory.accepted == []


def test_a_failed_step_is_let_go_earlier_and_never_later() -> None:
    step = failed_step(10)
    step.may_be_tried(20)
    assert step.until == 10
    step.may_be_tried(5)
    assert step.until == 5
    fingerprint = Fingerprint(("Create",), 3, None, None, None, None, None, None, ())
    step.stands_on(fingerprint, 3)
    assert (step.step, step.generation) == (fingerprint, 3)
    assert not step.has_woken
    step.has_asked_for_a_pass()
    assert step.has_woken


def test_only_what_was_refused_for_a_reason_of_its_own_was_refused() -> None:
    assert failed_step(refused=True).was_refused
    assert not failed_step().was_refused


def test_corrections_are_counted_by_aim_and_generation_for_a_while() -> None:
    memory = RetryMemory()
    for aim, generation, now in (("size", 1, 10), ("size", 1, 20), ("size", 2, 20), ("name", 1, 20)):
        memory.was_corrected(aim, generation, now)
    assert memory.corrections_since(10, "size", 1) == 2
    assert memory.corrections_since(11, "size", 1) == 1
    assert memory.corrections_since(0, "size", 1) == 1, "what is older is forgotten"
    assert memory.corrections_since(0, "size", 2) == 1


def test_what_is_made_again_is_counted_by_generation_for_a_while() -> None:
    memory = RetryMemory()
    for generation, now in ((1, 10), (1, 20), (2, 20)):
        memory.was_made_again(generation, now)
    assert memory.made_again_since(10, 1) == 2
    assert memory.made_again_since(11, 1) == 1
    assert memory.made_again_since(0, 1) == 1, "what is older is forgotten"


def test_repairs_of_a_secret_are_counted_by_content_for_a_while() -> None:
    memory = PasswordMemory()
    for content, now in ((7, 10), (7, 20), (8, 20)):
        memory.was_put_right(content, now)
    assert memory.repairs_since(10, 7) == 2
    assert memory.repairs_since(11, 7) == 1
    assert memory.repairs_since(0, 7) == 1, "what is older is forgotten"
    assert memory.repairs_since(0, 8) == 1


def test_a_secret_that_was_found_right_is_so_until_it_is_to_be_read() -> None:
    memory = PasswordMemory()
    memory.was_found_right(("version",), HeldSecret())
    assert memory.fine == ("version",)
    memory.is_to_be_read()
    assert memory.fine is None


def test_what_many_secrets_say_is_in_memory_once() -> None:
    one, other = PasswordMemory(), PasswordMemory()
    for memory in (one, other):
        memory.was_found_right(("version",), HeldSecret({"host": "a.example"}, frozenset({"theirs"}), ("left out",)))
    assert one.held is other.held
    assert one.held == HeldSecret({"host": "a.example"}, frozenset({"theirs"}), ("left out",))


def test_a_confirmation_ends_with_the_pending_password_or_once_it_is_written() -> None:
    memory = PasswordMemory()
    for end in (memory.confirmation_counts_no_more, memory.forget_pending):
        memory.was_confirmed(ONE)
        assert memory.is_confirmed(ONE)
        assert not memory.is_confirmed(OTHER)
        end()
        assert not memory.is_confirmed(ONE)


def test_a_taken_name_stays_taken() -> None:
    memory = PasswordMemory()
    memory.name_is_taken()
    memory.forget_pending()
    assert memory.is_name_taken


def test_what_was_made_is_known_until_it_is_gone() -> None:
    memory = CreationMemory()
    memory.was_made("id", now=1)
    assert memory.created_id == "id"
    memory.is_gone()
    assert memory.created_id is None


def test_looks_in_vain_are_counted_until_one_is_of_use() -> None:
    memory = LookMemory()
    memory.was_in_vain(10, 2)
    memory.was_in_vain(20, 4)
    assert (memory.times, memory.again_at) == (2, 24)
    memory.was_of_use()
    assert memory == LookMemory()


def test_work_is_as_old_as_its_status() -> None:
    memory = Memory("uid")
    assert memory.work_since("id", "UPDATING", 1) == 1
    assert memory.work_since("id", "UPDATING", 2) == 1
    assert memory.work_since("id", "RESIZING", 3) == 3
    assert memory.work_since("other", "RESIZING", 4) == 4
    memory.work_has_ended()
    assert memory.work_since("other", "RESIZING", 5) == 5


def test_old_views_are_counted_in_a_row() -> None:
    memory = Memory("uid")
    memory.pass_ended(by_old_view=True)
    memory.pass_ended(by_old_view=True)
    assert memory.old_views == 2
    memory.pass_ended(by_old_view=False)
    assert memory.old_views == 0


def test_a_sync_is_requested_once_and_begins_anew() -> None:
    memory = Memory("uid")
    assert not memory.is_sync_requested(None, None)
    assert not memory.is_sync_requested("one", "one"), "it was handled"
    memory.retry.has_failed(failed_step())
    memory.password.was_found_right(("version",), HeldSecret())
    assert memory.is_sync_requested("two", "one")
    assert memory.retry.held is None
    assert memory.password.fine is None
    assert not memory.is_sync_requested("two", "one"), "it is begun"


def test_a_process_that_has_said_something() -> None:
    memory = Memory("uid")
    assert not memory.has_spoken
    memory.has_said_something()
    assert memory.has_spoken


def test_only_the_last_stall_is_remembered() -> None:
    memory, stall = RetryMemory(), Stall(Reason.REFUSED, "no")
    memory.was_told(2, stall)
    assert memory.stalled == (2, stall)
    memory.was_told(2, Wait(Reason.PENDING, "waits"))
    assert memory.stalled is None


def test_a_resource_leaves_the_project_that_it_named_by_mistake() -> None:
    memory = Memory("uid")
    assert not memory.left_project("first")
    assert not memory.left_project("first")
    assert memory.left_project("second")
    assert not memory.left_project("second")
    assert memory.left_project(None)
    assert not memory.left_project("third"), "it had left before"


def test_what_is_empty_takes_no_memory_and_what_is_remembered_stays() -> None:
    memory = Memory("uid")
    for part in (memory.creation, memory.password, memory.retry, memory.look):
        assert part is not None
    memory.drop_empty_parts()
    assert memory == Memory("uid"), "no part was needed"

    memory.creation.was_made("id", 1.0)
    memory.password.name_is_taken()
    memory.retry.was_made_again(1, 1.0)
    memory.look.was_in_vain(1.0, 2.0)
    memory.drop_empty_parts()
    assert (memory.creation.created_id, memory.password.is_name_taken, memory.look.times) == ("id", True, 1)
    assert memory.retry.made_again_since(0.0, 1) == 1


def test_the_missing_things_that_are_remembered_are_few_and_the_newest() -> None:
    """Each edit of a reference can name another one."""
    memory = Memory("uid")
    for number in range(100):
        assert memory.missed_since("ParentMissing", str(number), float(number)) == number
    assert memory.missed_since("ParentMissing", "99", 200.0) == 99, "it is missing since then"
    assert memory.missed_since("ParentMissing", "0", 201.0) == 201, "it was forgotten"
    asked = list[str]()

    def is_missing(_: str, message: str) -> bool:
        asked.append(message)
        return True

    memory.misses_only(is_missing)
    assert len(asked) == MAX_MISSING
