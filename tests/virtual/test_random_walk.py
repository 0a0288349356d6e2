"""Random walks: people, the cloud and bad luck in any order; the invariants at each step, agreement in the end."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from managed_databases.reconcile.ports import ResourceKey
from virtual.faults import REQUEST_FAULTS
from virtual.trouble import EDITS, PASSWORDS, UNLISTABLE
from virtual.virtual_time import VirtualLoop
from virtual.walk import (
    CHANGES,
    ELSEWHERE,
    EVERY_KEY,
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
        """The answer to the creation is lost, and somebody finds a better name."""

        async def step() -> None:
            fault = REQUEST_FAULTS[method] | {"when": "after"}
            await self._walk.world.fault(**{"path": "^/v1/datastores$", "method": "POST", "times": 1} | fault)
            self._walk.apply(key)
            await asyncio.sleep(3)
            self._walk.rename(key, name)

        self._run(step())

    @rule(pause=st.sampled_from([0, 0.03, 1]), slow=st.booleans(), tokens=st.booleans())
    def apply_two_of_one_key(self, pause: float, slow: bool, tokens: bool) -> None:
        async def step() -> None:
            self._walk.world.cluster.answer_seconds = 0.05 if slow else 0.002
            for key in (KEYS[-1], OTHER_TOKEN) if tokens else (KEYS[0], SECOND):
                self._walk.apply(key)
                await asyncio.sleep(pause)
            await asyncio.sleep(5)
            self._walk.world.cluster.answer_seconds = 0.002

        self._run(step())

    @rule(name=st.sampled_from(NAMES))
    def let_go_and_make_another(self, name: str) -> None:
        """The datastore stays in the cloud, and another one gets its resource's name."""

        async def step() -> None:
            self._walk.let_datastore_go()
            await asyncio.sleep(30)
            self._walk.apply(KEYS[0], name=name)
            await asyncio.sleep(30)

        self._run(step())

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

    @rule(prefix=st.sampled_from([None, "b-"]))
    def make_project_again(self, prefix: str | None) -> None:
        self._run(self._walk.make_project_again(prefix))

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

    @rule(user=st.sampled_from(["app", "other"]))
    def delete_secret(self, user: str) -> None:
        async def step() -> None:
            self._walk.delete_secret(user)

        self._run(step())

    @rule(kind=st.sampled_from(["ManagedDatastore", "ManagedDatabase", "DatabaseUser", "PrometheusMetricsToken"]))
    def vanish(self, kind: str) -> None:
        self._run(self._walk.vanish(kind))

    @rule(key=keys, seconds=st.sampled_from([1, 10]))
    def replace(self, key: ResourceKey, seconds: float) -> None:
        async def step() -> None:
            self._walk.replace(key)
            await asyncio.sleep(seconds)

        self._run(step())

    @rule(user=st.sampled_from(["app", "other"]))
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

    @rule()
    def others_close(self) -> None:
        self._run(self._walk.trouble.close())

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

    @rule(user=st.sampled_from(["app", "other"]), edit=st.sampled_from(EDITS), seconds=st.sampled_from([0, 0.05, 10]))
    def edit_secret(self, user: str, edit: tuple[str, bytes], seconds: float) -> None:
        async def step() -> None:
            self._walk.lost.add(user)
            self._walk.trouble.edit_secret(user, *edit)
            await asyncio.sleep(seconds)

        self._run(step())

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
