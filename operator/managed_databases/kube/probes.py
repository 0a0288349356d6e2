"""Serves the kubelet's probes, /healthz and /readyz. Anybody who reaches the Pod may ask, so the answers tell nothing else."""

from collections.abc import Callable
from http import HTTPStatus

import structlog

from managed_databases.kube.asked import AskedServer, PlainAnswer, Question

Check = Callable[[], str | None]
"""A function that returns None if all is well, else a sentence for the log that says what is not; it may name namespaces."""

log = structlog.get_logger()


class Probes:
    """Serves the probes until cancelled. `port` 0 takes any free port; `bound` tells which one.

    /healthz answers by `live`, /readyz by `ready`: 200 and `ok`, or 503. The log says why, once until the reason changes.
    """

    def __init__(self, *, live: Check, ready: Check, host: str = "0.0.0.0", port: int = 8080) -> None:
        self._checks = {"/healthz": live, "/readyz": ready}
        self._told: dict[str, str | None] = {}
        self._server = AskedServer(host, port, self._answer, setting="MANAGED_DATABASES_PROBE_PORT")
        self.bound = self._server.bound

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError if the port is taken."""
        await self._server.run()

    async def _answer(self, question: Question) -> PlainAnswer:
        check = self._checks.get(question.path)
        if check is None:
            return PlainAnswer.text(HTTPStatus.NOT_FOUND, "here are /healthz and /readyz; /metrics is on its own port")
        trouble = check()
        if trouble != self._told.get(question.path):
            self._told[question.path] = trouble
            if trouble:
                log.warning("a probe fails", path=question.path, reason=trouble)
        if trouble:
            return PlainAnswer.text(HTTPStatus.SERVICE_UNAVAILABLE, "not yet, or no more; the log says why")
        return PlainAnswer.text(HTTPStatus.OK, "ok")
