"""Restarts a part of a project's session after a defect of the operator, and reports the defect.

So an unforeseen answer of one API ends neither the other parts of the session nor the operator.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.failures import defect

PAUSE_SECONDS: Final = 60.0
TOLD_SECONDS: Final = 300.0
"""Seconds for which a defect is reported after it has last occurred."""

log = structlog.get_logger()


class Defects:
    """The defects of one project's session. `changed` is called when there is a new one."""

    def __init__(self, project: str, clock: Clock, changed: Callable[[], None]) -> None:
        self._project = project
        self._clock = clock
        self._changed = changed
        self._latest: dict[str, tuple[float, str]] = {}

    async def lasting(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run the work until it ends, and start it again after each defect."""
        while True:
            try:
                return await work()
            except Exception as error:
                incident, _ = defect(error, f"{self._project} {part}")
                log.exception("a part of a project failed", incident=incident, project=self._project, part=part)
                told = (
                    f"a defect of the operator ({type(error).__name__}) stops the reading of {part} for a minute. The operator's "
                    f"log has the details in the line with incident={incident}; please report it. It is tried again by itself"
                )
                self._latest[part] = self._clock.monotonic(), told
            self._changed()
            await self._clock.sleep(PAUSE_SECONDS)

    @property
    def troubles(self) -> tuple[tuple[Reason, str], ...]:
        """Return the messages about the defects of the last minutes, by part."""
        since = self._clock.monotonic() - TOLD_SECONDS
        return tuple((Reason.OPERATOR_DEFECT, told) for _, (at, told) in sorted(self._latest.items()) if at > since)
