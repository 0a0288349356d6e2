"""Random walks: people, the cloud and bad luck act in any order; the promises hold at each step, and all is well in the end."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from managed_databases.reconcile.ports import ResourceKey
from virtual import plots
from virtual.faults import REQUEST_FAULTS
from virtual.odd_annotations import ANNOTATIONS
from virtual.other_hands import FIELDS
from virtual.rollouts import TARGETS, WORKLOAD_EDITS, WORKLOADS
from virtual.trouble import EDITS, PASSWORDS, UNLISTABLE
from virtual.virtual_time import VirtualLoop
from virtual.virtual_world import NAMESPACE
from virtual.walk import (
    CHANGES,
    ELSEWHERE,
    EVERY_KEY,
    HOLDS_AGAIN_SECONDS,
    KEYS,
    NAMES,
    ODD_ROWS,
    OTHER_TOKEN,
    SECOND,
    TOKEN_NAMES,
    Walk,
)

keys = st.sampled_from(EVERY_KEY)
adoption = st.sampled_from(["Never", "IfExists"])
policy = st.sampled_from(["Delete", "Delete", "Retain"])
prefix = st.sampled_from([None, "b-"])
users = st.sampled_from(["app", "other"])
PACES = st.sampled_from([5.0, 5.0, 400.0, 900.0, None])
"""Seconds that roll-outs take; None: they never end."""


class RandomWalk(RuleBasedStateMachine):
    """Every rule is followed by a moment in which the operator may get on with it, or may not."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._walk = Walk()

    @initialize(made=st.booleans())
    def begin(self, made: bool) -> None:
        self._run(self._walk.begin(made=made))

    @rule(key=keys, adoption=adoption, policy=policy, seconds=st.sampled_from([0, 1, 10]))
    def apply(self, key: ResourceKey, adoption: str, policy: str, seconds: float) -> None:
        told = {"adoption": adoption, "deletionPolicy": policy}
        if key.kind == "DatabaseUser":
            told["onUnknownPassword"] = "Reset"

        async def step() -> None:
            self._walk.apply(key, **told)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(key=keys, seconds=st.sampled_from([0, 1, 10]))
    def delete(self, key: ResourceKey, seconds: float) -> None:
        async def step() -> None:
            self._walk.delete(key)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(data=st.data(), key=st.sampled_from(tuple(CHANGES)))
    def change(self, data: st.DataObject, key: ResourceKey) -> None:
        spec: dict[str, Any] = data.draw(st.sampled_from(CHANGES[key]))

        async def step() -> None:
            self._walk.change(key, **spec)
            await asyncio.sleep(1)

        self._run(step())

    @rule(key=st.sampled_from([KEYS[0], SECOND]), name=st.sampled_from(NAMES), seconds=st.sampled_from([0, 1, 30]))
    def rename(self, key: ResourceKey, name: str, seconds: float) -> None:
        async def step() -> None:
            self._walk.rename(key, name)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(key=st.sampled_from([KEYS[-1], OTHER_TOKEN]), name=st.sampled_from(TOKEN_NAMES))
    def rename_token(self, key: ResourceKey, name: str) -> None:
        async def step() -> None:
            self._walk.rename(key, name)

        self._run(step())

    @rule(
        method=st.sampled_from(["reset", "502 after the effect", "404 of an ingress after the effect"]),
        key=st.sampled_from([KEYS[0], SECOND]),
        name=st.sampled_from(NAMES),
    )
    def correct_a_name_during_an_attempt(self, method: str, key: ResourceKey, name: str) -> None:
        self._run(plots.correct_a_name_during_an_attempt(self._walk, method, key, name))

    @rule(pause=st.sampled_from([0, 0.03, 1]), slow=st.booleans(), tokens=st.booleans(), is_there=st.booleans())
    def apply_two_of_one_key(self, pause: float, slow: bool, tokens: bool, is_there: bool) -> None:
        self._run(plots.apply_two_of_one_key(self._walk, pause, slow=slow, tokens=tokens, is_there=is_there))

    @rule(name=st.sampled_from(NAMES))
    def let_go_and_make_another(self, name: str) -> None:
        self._run(plots.let_go_and_make_another(self._walk, name))

    @rule(
        field=st.sampled_from(FIELDS),
        way=st.sampled_from(plots.WAYS),
        leaving=st.sampled_from(plots.LEAVINGS),
        first=st.sampled_from([None, *plots.LEAVINGS[1:]]),
    )
    def others_change_what_the_spec_names(
        self, field: str, way: str, leaving: dict[str, Any], first: dict[str, Any] | None
    ) -> None:
        self._run(plots.others_change_what_the_spec_names(self._walk, field, way, leaving, first=first))

    @rule(fields=st.sampled_from(ODD_ROWS), times=st.sampled_from([1, 10, 100]))
    def odd_rows(self, fields: dict[str, Any], times: int) -> None:
        self._run(self._walk.odd_rows(fields, times))

    @rule(where=st.sampled_from([*ELSEWHERE, None]), seconds=st.sampled_from([0, 30, 200]))
    def lead_elsewhere(self, where: dict[str, Any] | None, seconds: float) -> None:
        async def step() -> None:
            self._walk.lead_elsewhere(where)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(number=st.sampled_from([0, 0, 1]), seconds=st.sampled_from([0, 60]))
    def give_credentials(self, number: int, seconds: float) -> None:
        async def step() -> None:
            self._walk.give_credentials(number)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(prefix=prefix)
    def make_project_again(self, prefix: str | None) -> None:
        self._run(self._walk.make_project_again(prefix))

    @rule(where=st.sampled_from([ELSEWHERE[0], {"region": "region-2"}]), prefix=prefix, attempt=st.booleans())
    def make_project_again_elsewhere(self, where: dict[str, Any], prefix: str | None, attempt: bool) -> None:
        self._run(plots.make_project_again_elsewhere(self._walk, where, prefix, attempt=attempt))

    @rule(key=keys, policy=policy)
    def change_policy(self, key: ResourceKey, policy: str) -> None:
        async def step() -> None:
            self._walk.change(key, deletionPolicy=policy)

        self._run(step())

    @rule(key=keys, paused=st.sampled_from(["true", None]))
    def pause(self, key: ResourceKey, paused: str | None) -> None:
        async def step() -> None:
            if key in self._walk.world.cluster.objects:
                self._walk.world.cluster.annotate(key, paused=paused)

        self._run(step())

    @rule(user=users)
    def delete_secret(self, user: str) -> None:
        async def step() -> None:
            self._walk.delete_secret(user)

        self._run(step())

    @rule(kind=st.sampled_from(["ManagedDatastore", "ManagedDatabase", "DatabaseUser", "PrometheusMetricsToken"]))
    def vanish(self, kind: str) -> None:
        self._run(self._walk.vanish(kind))

    @rule(key=keys, seconds=st.sampled_from([1, 10, HOLDS_AGAIN_SECONDS + 10]), doomed=st.booleans())
    def replace(self, key: ResourceKey, seconds: float, doomed: bool) -> None:
        async def step() -> None:
            self._walk.replace(key)
            await asyncio.sleep(seconds)
            if doomed:
                self._walk.delete(key)

        self._run(step())

    @rule(user=users)
    def make_immutable(self, user: str) -> None:
        async def step() -> None:
            self._walk.trouble.make_immutable(user)

        self._run(step())

    @rule(refused=st.booleans())
    def quota(self, refused: bool) -> None:
        async def step() -> None:
            if refused:
                self._walk.trouble.refuse_secrets()
            else:
                self._walk.trouble.let_secrets_be_written()

        self._run(step())

    @rule(field=st.sampled_from(FIELDS))
    def others_change(self, field: str) -> None:
        self._run(self._walk.hands.change(field))

    @rule()
    def drift(self) -> None:
        self._run(self._walk.drift())

    @rule(
        name=st.sampled_from(sorted(REQUEST_FAULTS)),
        method=st.sampled_from([None, "POST", "PUT", "DELETE"]),
        times=st.sampled_from([1, 3, 30]),
    )
    def trouble(self, name: str, method: str | None, times: int) -> None:
        self._walk.trouble.everywhere = True
        self._run(self._walk.world.fault(**{"path": "^/v1/", "method": method, "times": times} | REQUEST_FAULTS[name]))

    @rule()
    def calm(self) -> None:
        self._walk.trouble.everywhere = False
        self._run(self._walk.world.clear_faults())

    @rule(seconds=st.sampled_from([30, 600, 3600]), times=st.sampled_from([1, 5, 50]))
    def throttle(self, seconds: int, times: int) -> None:
        self._run(self._walk.trouble.throttle(seconds, times))

    @rule(times=st.sampled_from([5, 50]))
    def fail_alone(self, times: int) -> None:
        self._run(self._walk.trouble.fail_alone(times))

    @rule()
    def others_work(self) -> None:
        self._run(self._walk.trouble.works_beside_it())

    @rule(collection=st.sampled_from(UNLISTABLE), status=st.sampled_from([403, 500]), restart=st.booleans())
    def unlistable(self, collection: str, status: int, restart: bool) -> None:
        self._run(self._walk.trouble.unlistable(collection, status))
        if restart:
            self._run(self._walk.restart(0))

    @rule(password=st.sampled_from([*PASSWORDS, None]), seconds=st.sampled_from([0, 0.05, 10]))
    def give(self, password: bytes | None, seconds: float) -> None:
        async def step() -> None:
            self._walk.trouble.give(password)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(user=users, seconds=st.sampled_from([0, 0.05, 10]))
    def ask_for_a_password(self, user: str, seconds: float) -> None:
        async def step() -> None:
            self._walk.ask_for_a_password(user)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(days=st.sampled_from([0.5, 1, 40]), seconds=st.sampled_from([0, 1000]))
    def dates_come(self, days: float, seconds: float) -> None:
        """The calendar goes on, and with it the dates at which passwords change."""

        async def step() -> None:
            self._walk.world.clock.ahead += timedelta(days=days)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(user=users, edit=st.sampled_from(EDITS), seconds=st.sampled_from([0, 0.05, 10]))
    def edit_secret(self, user: str, edit: tuple[str, bytes], seconds: float) -> None:
        async def step() -> None:
            self._walk.lost.add(user)
            self._walk.trouble.edit_secret(user, *edit)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(
        user=users,
        edit=st.sampled_from([*EDITS, "immutable", "quota", "given", "refused", "deleted", "set back"]),
        requests=st.integers(0, 15),
        asked=st.booleans(),
    )
    def meddle_in_a_pass(self, user: str, edit: tuple[str, bytes] | str, requests: int, asked: bool) -> None:
        """Something befalls a Secret at any point of what the operator does about it."""
        self._run(plots.meddle_in_a_pass(self._walk, user, edit, requests, asked=asked))

    @rule(key=keys, annotation=st.sampled_from(ANNOTATIONS), gone=st.booleans(), seconds=st.sampled_from([0, 1, 30]))
    def annotate(self, key: ResourceKey, annotation: tuple[str, str], gone: bool, seconds: float) -> None:
        async def step() -> None:
            self._walk.odd.annotate(key, annotation[0], None if gone else annotation[1])
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(key=keys)
    def clean_annotations(self, key: ResourceKey) -> None:
        async def step() -> None:
            self._walk.odd.clean(key)

        self._run(step())

    @rule()
    def approve(self) -> None:
        async def step() -> None:
            self._walk.odd.approve(KEYS[0])
            await asyncio.sleep(10)

        self._run(step())

    @rule(key=keys, annotation=st.sampled_from(ANNOTATIONS), what=st.sampled_from(plots.BESIDE))
    def mistype_and_correct(self, key: ResourceKey, annotation: tuple[str, str], what: str) -> None:
        self._run(plots.mistype_and_correct(self._walk, key, annotation, what))

    @rule(user=users, named=st.sampled_from(TARGETS), pace=PACES, refused=st.booleans())
    def want_restarts(self, user: str, named: list[dict[str, Any]] | None, pace: float | None, refused: bool) -> None:
        async def step() -> None:
            self._walk.rollouts.seconds, self._walk.rollouts.refused = pace, refused
            self._walk.change(ResourceKey("DatabaseUser", NAMESPACE, user), rolloutRestart=named)
            await asyncio.sleep(1)

        self._run(step())

    @rule(key=st.sampled_from(sorted(WORKLOADS)), how=st.sampled_from(WORKLOAD_EDITS), pace=PACES)
    def edit_workload(self, key: ResourceKey, how: str, pace: float | None) -> None:
        async def step() -> None:
            self._walk.rollouts.seconds = pace
            self._walk.rollouts.edit(key, how)
            await asyncio.sleep(1)

        self._run(step())

    @rule(
        user=users,
        named=st.sampled_from([each for each in TARGETS if each]),
        pace=PACES,
        meddling=st.sampled_from(plots.MEDDLINGS),
        seconds=st.sampled_from([5, 30, 700]),
    )
    def restart_for_a_new_login(
        self, user: str, named: list[dict[str, Any]], pace: float | None, meddling: str, seconds: float
    ) -> None:
        self._run(plots.restart_for_a_new_login(self._walk, user, named, pace, meddling, seconds))

    @rule(days=st.integers(8, 20))
    def wish_while_nothing_can_be_known(self, days: int) -> None:
        self._run(plots.wish_while_nothing_can_be_known(self._walk, days))

    @rule(hours=st.sampled_from([0, 2]))
    def stick(self, hours: float) -> None:
        async def step() -> None:
            await self._walk.trouble.stick()
            await asyncio.sleep(hours * 3600)

        self._run(step())

    @rule()
    def unstick(self) -> None:
        self._run(self._walk.trouble.unstick())

    @rule()
    def restore_with_other_uids(self) -> None:
        self._run(self._walk.restore_with_other_uids())

    @rule(away=st.booleans())
    def kubernetes(self, away: bool) -> None:
        self._walk.world.cluster.away = away

    @rule(seconds=st.sampled_from([0, 5, 120]))
    def restart(self, seconds: float) -> None:
        self._run(self._walk.restart(seconds))

    @rule()
    def back_up(self) -> None:
        self._walk.back_up()

    @rule()
    def restore(self) -> None:
        self._run(self._walk.restore())

    @rule(seconds=st.sampled_from([0.1, 2, 30, 400]))
    def time_passes(self, seconds: float) -> None:
        self._run(asyncio.sleep(seconds))

    @invariant()
    def holds(self) -> None:
        self._run(self._walk.check())

    def teardown(self) -> None:
        try:
            self._run(self._walk.all_agrees())
        finally:
            self._run(self._walk.world.__aexit__(None, None, None))
            self._runner.close()

    def _run(self, work: Any) -> None:
        self._runner.run(work)


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("number", range(1, 11))
def test_a_few_walks(number: int) -> None:
    """The same in each run, and not made shorter when they fail; the chaos tests take other ones each time."""

    @seed(number)
    class Numbered(RandomWalk):
        pass

    few = settings(  # the first example of each is the simplest there is
        max_examples=2,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=QUIET,
    )
    run_state_machine_as_test(Numbered, settings=few)


@pytest.mark.chaos
def test_many_walks() -> None:
    many = settings(
        max_examples=200, stateful_step_count=40, deadline=None, derandomize=False, suppress_health_check=QUIET
    )
    run_state_machine_as_test(RandomWalk, settings=many)
