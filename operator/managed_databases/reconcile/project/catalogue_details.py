"""Reads a project's quotas, limits and features, and the limits of configuration parameters for the flavors in use.

These details only let the operator refuse a spec before the API does. A detail that cannot be read is left out, and the API
decides.
"""

from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

import structlog

from managed_databases.api.calls import Call
from managed_databases.api.collections import CAPABILITIES, CONFIGURATION_PARAMETERS, LIMITS, QUOTAS
from managed_databases.api.errors import ApiError, TooLarge
from managed_databases.api.models import Capability, ConfigurationParameter, Limit, Quota
from managed_databases.kinds.project_view import ParametersFor
from managed_databases.reconcile.project.project_client import ProjectClient

T = TypeVar("T")
B = TypeVar("B")

MAX_DETAILS: Final = 2_000
"""The most rows of each answer: an engine has some hundreds of parameters, and a project some dozens of other details."""
LIMITS_KEPT: Final = 200
"""The most flavors whose limits are kept; few projects use more."""

log = structlog.get_logger()


class DetailReader:
    """Reads the details. Only `read_all` changes `limits`, `capabilities` and `shown_quotas`; `quotas` also change when the
    project's datastores change.
    """

    def __init__(self, client: ProjectClient) -> None:
        self._client = client
        self._wanted: set[ParametersFor] = set()
        self._failed: set[ParametersFor] = set()
        self._usage: Hashable = None
        self._quotas_are_wanted = False
        self.limited: dict[ParametersFor, tuple[ConfigurationParameter, ...]] = {}
        self.limits: tuple[Limit, ...] = ()
        self.capabilities: tuple[Capability, ...] = ()
        self.quotas: tuple[Quota, ...] = ()
        self.shown_quotas: tuple[Quota, ...] = ()

    def need(self, wanted: ParametersFor) -> bool:
        """Note that this flavor's limits are needed; return whether they have to be read."""
        if self.holds(wanted):
            return False
        self._wanted.add(wanted)
        return True

    def holds(self, wanted: ParametersFor) -> bool:
        """Return whether this flavor's limits were read, or will be read."""
        return wanted in self.limited or wanted in self._wanted

    def used(self, usage: Hashable) -> bool:
        """Note what the project's datastores use; return whether the quotas have to be read again."""
        is_other = self._usage is not None and usage != self._usage
        self._usage = usage
        self._quotas_are_wanted = self._quotas_are_wanted or is_other
        return is_other

    async def read_all(self) -> None:
        """Read the details that every project has, and read again those that failed."""
        self._failed.clear()
        self._quotas_are_wanted = False
        self.limits = await self._part(LIMITS, self.limits)
        self.capabilities = await self._part(CAPABILITIES, self.capabilities)
        self.quotas = self.shown_quotas = await self._part(QUOTAS, self.quotas)

    async def read_wanted(self) -> None:
        """Read the details that are needed and were not read yet."""
        if self._quotas_are_wanted:
            self._quotas_are_wanted = False
            self.quotas = await self._part(QUOTAS, self.quotas)
        for wanted in sorted(self._wanted - self._failed, key=str):
            numbers = {"vcpus": wanted.vcpus, "ram": wanted.ram, "disk": wanted.disk}
            filters = {name: str(number) for name, number in numbers.items() if number is not None}
            call = CONFIGURATION_PARAMETERS.list(datastore_type_id=wanted.type_id, **filters)
            rows = await self._part(call, None, is_awaited=True)
            if rows is None:
                self._failed.add(wanted)
                continue
            self._wanted.discard(wanted)
            same = self._of_another_flavor(wanted.type_id)
            own = (row for row in rows if row.datastore_type_id in (None, wanted.type_id))
            own = (same[row.id] if same.get(row.id) == row else row for row in own)
            kept = list(self.limited.items())[-LIMITS_KEPT + 1 :]
            self.limited = {**dict(kept), wanted: tuple(sorted(own, key=lambda row: row.id))}

    def _of_another_flavor(self, type_id: str) -> dict[str, ConfigurationParameter]:
        """Return the parameters of the type for any flavor, by id: most are the same for all, and need not be kept again."""
        rows = next((rows for wanted, rows in self.limited.items() if wanted.type_id == type_id), ())
        return {row.id: row for row in rows}

    async def _part(self, call: Call[tuple[T, ...]], before: B, *, is_awaited: bool = False) -> tuple[T, ...] | B:
        """Return the answer of a call, or `before` if the call fails."""
        try:
            reply = await self._client.send(call, self._client.reading_priority(is_awaited=is_awaited))
            require_few(call.operation, reply.value or (), MAX_DETAILS)
        except ApiError as error:
            log.info(
                "part of the catalogue not read",
                project=self._client.name,
                part=call.operation,
                error=type(error).__name__,
                request_id=error.request_id,
            )
            return before
        return before if reply.value is None else reply.value


def require_few(operation: str, rows: Sequence[object], most: int) -> None:
    """Raise TooLarge if an answer has more than `most` rows."""
    if len(rows) > most:
        raise TooLarge(operation, f"the answer has {len(rows)} rows, at most {most} are read")
