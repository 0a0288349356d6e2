"""The operator as a whole: informers, controller, probes and metrics, started together and stopped together."""

import asyncio
import secrets
import signal
import socket
from typing import Any

import structlog
from prometheus_client import REGISTRY

from managed_databases.api.calls import Call
from managed_databases.api.client import CallRecord
from managed_databases.kinds.registry import kinds
from managed_databases.kube.cache import Store
from managed_databases.kube.call_log import call_ended
from managed_databases.kube.catalogues import KubeCatalogues
from managed_databases.kube.certificate import Certificate
from managed_databases.kube.connection import KubeConnection, NotConfigured
from managed_databases.kube.ending import FAILED, STOPPED, CannotStart, end_of
from managed_databases.kube.informers import Informers
from managed_databases.kube.leadership import Leadership
from managed_databases.kube.metrics import BudgetCollector, StateCollector, record_probe
from managed_databases.kube.metrics_server import MetricsServer
from managed_databases.kube.probes import Probes
from managed_databases.kube.reviews import Reviews
from managed_databases.kube.status_guard import StatusGuard
from managed_databases.kube.tracing import tracing
from managed_databases.kube.watchdog import END_SECONDS, Watchdog
from managed_databases.kube.work_metrics import WorkCollector
from managed_databases.kube.writing import KubeWriter
from managed_databases.logs import follow_signals
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller import Controller
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.settings import Settings

GRACE_SECONDS = 5.0
"""How long calls in flight may take to end after SIGTERM; with the two bounds that follow it (the parts', the lease's) a
stop takes less than 10 s, also when the API or Kubernetes hangs."""
PARTS_END_SECONDS = 1.5
"""The most seconds that a part may take to end once it is cancelled: a part that does not end must not keep the lease."""

log = structlog.get_logger()


async def run_operator(settings: Settings, watchdog: Watchdog) -> None:
    """Run until SIGTERM or SIGINT.

    Raises Ended if a part ends by itself: then the process should end, too. Raises CannotStart if there is no usable connection
    to Kubernetes, or if the certificate for the metrics cannot be used.
    """
    connection = (
        KubeConnection.from_kubeconfig(settings.kubeconfig, settings.context)
        if settings.kubeconfig
        else KubeConnection.in_cluster()
    )
    try:
        await connection.api()
        await _Operator(settings, connection, watchdog).run()
    except NotConfigured as error:
        raise CannotStart(str(error)) from error
    finally:
        await connection.close()


def _certificate(settings: Settings) -> Certificate | None:
    if settings.metrics_certificate is None or settings.metrics_key is None:
        return None
    return Certificate(settings.metrics_certificate, settings.metrics_key)


def controller_settings(settings: Settings) -> ControllerSettings:
    names = ControllerSettings.__dataclass_fields__.keys() & type(settings).model_fields.keys()
    return ControllerSettings(
        operator_namespace=settings.namespace, **{name: getattr(settings, name) for name in names}
    )


class _Operator:
    def __init__(self, settings: Settings, connection: KubeConnection, watchdog: Watchdog) -> None:
        self._settings = settings
        self._watchdog = watchdog
        self._tracing = tracing(is_wanted=settings.tracing)
        all_kinds = kinds()
        store = Store(all_kinds)
        self._leadership = (
            Leadership(
                connection,
                settings.namespace,
                f"{socket.gethostname()}-{secrets.token_hex(4)}",
                lease_seconds=settings.lease_seconds,
                renew_seconds=settings.lease_seconds / 5,
            )
            if settings.leader_election
            else None
        )
        self._controller = Controller(
            store,
            KubeWriter(
                connection,
                store,
                all_kinds.values(),
                before_write=self._leadership.require if self._leadership else None,
                observer=self._tracing.requested,
            ),
            Clock(settings.clock_speed),
            controller_settings(settings),
            all_kinds,
            before_send=self._may_send,
            observer=self._call_ended,
            around_pass=self._tracing.around,
            unguarded=lambda: self._guard.missing,
            may_probe=self._must_lead,
            probed=record_probe,
            catalogues=KubeCatalogues(connection, before_write=self._leadership.require if self._leadership else None)
            if settings.catalogues
            else None,
            watched=settings.watched,
        )
        self._guard = StatusGuard(connection, self._controller.project_told_changed, settings.clock_speed)
        REGISTRY.register(BudgetCollector(self._controller.projects.sessions))
        REGISTRY.register(WorkCollector(self._controller.passes, self._controller.queues()))
        REGISTRY.register(
            StateCollector(
                self._leads,
                self._controller.everything,
                self._controller.projects.list_ages,
                lambda: len(self._controller.queues()["resources"]),
                self._controller.projects.odd_rows,
                lambda: self._guard.missing is None,
            )
        )
        self._watching = Informers(
            connection,
            store,
            all_kinds.values(),
            namespaces=settings.watched,
            operator_namespace=settings.namespace,
            on_resource=self._controller.resource_changed,
            on_secret=self._controller.secret_changed,
            on_namespace=self._controller.namespace_changed,
            on_service=self._controller.service_changed,
            on_end=lambda reason: watchdog.end_within(END_SECONDS, f"watching has ended: {reason}", FAILED),
            speed=settings.clock_speed,
        )
        self._probes = Probes(
            live=self._watching.healthy, ready=self._not_ready, host=settings.probe_host, port=settings.probe_port
        )
        self._metrics = MetricsServer(
            host=settings.metrics_host,
            port=settings.metrics_port,
            certificate=_certificate(settings),
            reviews=Reviews(connection) if settings.metrics_authentication else None,
        )

    async def run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        follow_signals(loop, self._settings.log_level)
        parts = [
            asyncio.create_task(self._watching.run(), name="watching"),
            asyncio.create_task(self._probes.run(), name="probes"),
            asyncio.create_task(self._metrics.run(), name="metrics"),
            asyncio.create_task(self._watchdog.beats(), name="heartbeat"),
            asyncio.create_task(self._guard.run(), name="status guard"),
            asyncio.create_task(self._controller_when_synced(), name="controller"),
            asyncio.create_task(stop.wait(), name="stop"),
        ]
        if self._leadership:
            parts.append(asyncio.create_task(self._leadership.run(), name="leadership"))
        try:
            ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            failed = [part for part in ended if part.get_name() != "stop"]
            reason = str(end_of(failed)) if failed else "it is to stop"
            self._watchdog.end_within(END_SECONDS, reason, FAILED if failed else STOPPED)
        finally:
            await self._controller.drain(GRACE_SECONDS)
            for part in parts:
                part.cancel()
            _, hanging = await asyncio.wait(parts, timeout=PARTS_END_SECONDS)
            if hanging:
                log.error("parts did not end in time", parts=sorted(part.get_name() for part in hanging))
            if self._leadership:
                await self._leadership.release()
            self._tracing.close()
        if failed:
            raise end_of(failed)
        log.info("stopping as asked")

    async def _controller_when_synced(self) -> None:
        await self._watching.synced.wait()
        log.info("caches are filled", resources=len(self._controller.everything()))
        if self._leadership:
            await self._leadership.acquired.wait()
        await self._controller.run()

    async def _may_send(self, call: Call[Any]) -> None:
        """Refuse mutating calls to the API in a process that does not lead. Raises KubeUnreachable, because the API is not the
        cause.
        """
        if call.mutates:
            await self._must_lead()

    async def _must_lead(self) -> None:
        """Raises KubeUnreachable in a process that does not lead."""
        if self._leadership:
            await self._leadership.require()

    def _call_ended(self, project: str, call: CallRecord) -> None:
        call_ended(project, call)
        self._tracing.call_ended(project, call)

    def _leads(self) -> bool:
        return self._leadership is None or self._leadership.acquired.is_set()

    def _not_ready(self) -> str | None:
        return None if self._watching.synced.is_set() else "the caches are not filled yet"
