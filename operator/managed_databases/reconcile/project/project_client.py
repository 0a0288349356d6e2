"""The client of one project's API: the connection in use, and the three things that can hold a call back.

A *problem* (credentials, identity) holds back all calls. An open *circuit* holds back all calls but a probe from time to time.
The *budget* decides when a call is sent: background work waits for its turn, and a pass ends and runs again when it has one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from managed_databases.api.calls import Call
from managed_databases.api.client import Client, Reply
from managed_databases.api.errors import ApiError, NeverSent, OutcomeUnknown, RateLimited, Refused, Unauthorized
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.project.circuit_breaker import CircuitBreaker
from managed_databases.reconcile.project.rate_limiter import PriorityClosed, RateLimiter
from managed_databases.reconcile.scheduling.fair_queue import Share
from managed_databases.reconcile.scheduling.places import Places
from managed_databases.reconcile.scheduling.work_queue import Priority

T = TypeVar("T")


class Connection:
    """A client that is closed once it is retired and its last call has ended, so that changing clients cuts no call off."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._calls = 0
        self._retired = False

    async def send(self, call: Call[T]) -> Reply[T]:
        """Send a call as `Client.send` does."""
        self._calls += 1
        try:
            return await self.client.send(call)
        finally:
            self._calls -= 1
            if self._retired and not self._calls:
                await self.client.close()

    async def retire(self) -> None:
        """Close the client, at once or after its last call."""
        self._retired = True
        if not self._calls:
            await self.client.close()


class ProjectClient:
    """Sends the calls of one project.

    `changed` is called when `problem` changes, and when the circuit opens or closes; it must be quick and not raise. `problem`
    holds all calls back until the first `connect`. `answered` is whether the API has ever answered. `doubted` is called when a
    reading would show whether the API answers. `used` counts the calls that the budget let through, by section of the API and
    priority.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        settings: ControllerSettings,
        changed: Callable[[], None],
        problem: Wait | Stall,
        granted: Callable[[Any, Priority], None] = lambda who, priority: None,
        doubted: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._changed = changed
        self._doubted = doubted
        self._connection: Connection | None = None
        self._open = asyncio.Event()
        self.problem: Wait | Stall | None = problem
        self.answered = False
        self.circuit = CircuitBreaker(clock, settings.circuit_threshold, settings.probe_seconds)
        self.used: Counter[tuple[str, Priority]] = Counter()
        self.budget = RateLimiter(clock, settings.calls_per_second, settings.call_burst, granted=granted)
        self._places = Places(settings.max_connections, settings.spare_connections)
        self._reading_places = Places(settings.max_readings, 1)
        self._own_places = asyncio.Semaphore(settings.own_connections)
        self._longest_wait = settings.call_limit_seconds

    @property
    def endpoint(self) -> str | None:
        """The address of the API that calls go to; None while it is not known."""
        return None if self._connection is None else self._connection.client.endpoint

    async def connect(self, client: Client) -> None:
        """Use this client, whose identity was checked, from now on. This ends the problem."""
        old, self._connection = self._connection, Connection(client)
        had_problem, self.problem = self.problem is not None, None
        self._open.set()
        if had_problem or old is None:
            self._changed()
        if old is not None:
            await old.retire()

    def block(self, problem: Wait | Stall) -> None:
        """Send nothing until `connect`."""
        self._open.clear()
        if problem != self.problem:
            self.problem = problem
            self._changed()

    async def close(self) -> None:
        """Send nothing any more; calls under way may end."""
        self._open.clear()
        old, self._connection = self._connection, None
        if old is not None:
            await old.retire()

    async def wait_until_open(self) -> None:
        """Wait for a connection without a problem, however long that takes."""
        await self._open.wait()

    async def send(self, call: Call[T], priority: Priority, *, probe: bool = False) -> Reply[T]:
        """Wait for the call's turn and send it. Raises ApiError; NeverSent if the call is held back."""
        await self.admit(call.operation, priority, probe=probe)
        return await self.exchange(call, priority)

    # --- for passes, which never wait for their turn ---

    def take_turn(self, who: Hashable, priority: Priority, share: Share) -> bool:
        """Return whether `who` may make one call now (`send_in_turn`); if not, `who` stands in line and is told when it may."""
        return self.budget.take_turn(who, priority, share)

    async def send_in_turn(self, call: Call[T], priority: Priority, who: Hashable, account: Hashable) -> Reply[T]:
        """Send the call that was reserved for `who`, on this account. Raises ApiError; KeyError if none was reserved."""
        self.enter_claimed(call.operation, priority, who)
        return await self.exchange(call, priority, account)

    def enter_claimed(self, operation: str, priority: Priority, who: Hashable) -> None:
        """Do the same as `admit` for a call that was reserved. Raises NeverSent; KeyError if none was reserved."""
        self._refuse(operation, unless_open_circuit=False)
        self.budget.spend(who)
        self.used[operation.partition(".")[0], priority] += 1

    # --- for what has time to wait ---

    def reading_priority(self, *, is_awaited: bool) -> Priority:
        """Return the priority of a reading: HIGH while LOW is closed and a person's change waits for this reading, else LOW."""
        is_closed = self.budget.closed_until(Priority.LOW) is not None
        return Priority.HIGH if is_closed and is_awaited else Priority.LOW

    async def admit(self, operation: str, priority: Priority, *, probe: bool = False) -> None:
        """Wait for a call's turn; `exchange` must follow. A `probe` may pass an open circuit, once in each interval.

        Raises NeverSent if the call is held back, and RateLimited while its priority is closed.
        """
        self._refuse(operation, unless_open_circuit=probe)
        try:
            await self.budget.admit(priority)
        except PriorityClosed as closed:
            text = "not sent: the API asks to call less often"
            raise RateLimited(operation, text, retry_after_seconds=closed.seconds) from None
        self.used[operation.partition(".")[0], priority] += 1
        self._refuse(operation, unless_open_circuit=probe and self.circuit.may_probe())

    async def exchange(self, call: Call[T], priority: Priority, account: Hashable = None) -> Reply[T]:
        """Send a call that was admitted or reserved, on this account (None: the operator's own). Raises ApiError."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._longest_wait):
                    if account is None:
                        await stack.enter_async_context(self._own_places)
                    else:
                        places = self._places if call.mutates else self._reading_places
                        await stack.enter_async_context(places.of(account))
            except TimeoutError:
                raise NeverSent(call.operation, "not sent: too many calls were under way all the time") from None
            return await self._exchange(call, priority, is_own=account is None)

    async def _exchange(self, call: Call[T], priority: Priority, *, is_own: bool) -> Reply[T]:
        connection = self._connection
        if connection is None or not self._open.is_set():
            raise NeverSent(call.operation, "not sent: the project is not ready")
        try:
            reply = await connection.send(call)
        except ApiError as error:
            self._learn(error, priority, is_current=connection is self._connection, is_own=is_own)
            raise
        self._record(ok=True, is_own=is_own)
        return reply

    def _refuse(self, operation: str, *, unless_open_circuit: bool) -> None:
        if not self._open.is_set():
            raise NeverSent(operation, "not sent: the project is not ready")
        if self.circuit.is_open and not unless_open_circuit:
            raise NeverSent(operation, "not sent: the API does not answer; it is asked again now and then")

    def _learn(self, error: ApiError, priority: Priority, *, is_current: bool, is_own: bool) -> None:
        if isinstance(error, NeverSent | OutcomeUnknown):
            if error.status != 404:  # whoever said it: it tells nothing of whether the API answers
                self._record(ok=False, is_own=is_own)
        elif not isinstance(error, Refused) or error.status is not None:  # what we refused ourselves tells nothing
            self._record(ok=True, is_own=is_own)
        if isinstance(error, RateLimited):
            self.budget.refused(priority, error.retry_after_seconds)
        if isinstance(error, Unauthorized) and is_current:
            self.block(credentials_refused(self.name, error))

    def _record(self, *, ok: bool, is_own: bool) -> None:
        is_first = ok and not self.answered
        self.answered = self.answered or ok
        if self.circuit.record(ok, is_own=is_own) or is_first:
            self._changed()
        if self.circuit.needs_a_look():
            self._doubted()


def credentials_refused(name: str, error: ApiError) -> Wait:
    """Return the verdict for all resources of a project whose credentials are refused."""
    return Wait(
        Reason.CREDENTIALS_INVALID,
        f"the credentials of the DatabaseProject {name} are refused: {error.message}; "
        "put valid ones into its credentials Secret",
    )
