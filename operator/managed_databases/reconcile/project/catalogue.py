"""What a project offers: read when the project is opened, and again now and then."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import structlog

from managed_databases.api.calls import Collection
from managed_databases.api.collections import (
    AVAILABLE_EXTENSIONS,
    CONFIGURATION_PARAMETERS,
    DATASTORE_TYPES,
    FLAVORS,
)
from managed_databases.api.errors import (
    ApiError,
    Forbidden,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TooLarge,
    Unauthorized,
)
from managed_databases.api.models import (
    Answer,
    AvailableExtension,
    ConfigurationParameter,
    DatastoreType,
    Flavor,
    Quota,
)
from managed_databases.kinds.project_view import Catalogue, ParametersFor
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.project.catalogue_details import DetailReader, require_few
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.project.rate_limiter import LONGEST_CLOSED_SECONDS
from managed_databases.reconcile.scheduling.backoff import retry_delay
from managed_databases.reconcile.settings import ControllerSettings

A = TypeVar("A", bound=Answer)

MAX_OFFERS: Final = 20_000
"""Rows of each part: some thousands are the parameters of all engines. They are compared, and looked through in each pass."""

log = structlog.get_logger()


@dataclass(frozen=True)
class News:
    """What a reading has changed: the `offer`, the `quotas`, the `limits` of these flavors, or what the status tells (`told`)."""

    offer: bool = False
    quotas: bool = False
    limits: frozenset[ParametersFor] = frozenset()
    told: bool = False


class CatalogueReader:
    """Keeps `catalogue` fresh; `changed` is told what differs when it does, or `trouble`.

    A part that fails keeps what was read before, and is tried again sooner. Without the right to read configuration
    parameters or extensions (403), or without that section (404), there are none.
    """

    def __init__(
        self,
        line: ProjectClient,
        clock: Clock,
        settings: ControllerSettings,
        draw: Callable[[], float],
        changed: Callable[[News], None],
    ) -> None:
        self._line = line
        self._clock = clock
        self._settings = settings
        self._draw = draw
        self._changed = changed
        self._asked = asyncio.Event()
        self._is_requested = True
        self._due = clock.monotonic()
        self._details = DetailReader(line)
        self._shown_quotas: tuple[Quota, ...] = ()
        self._types: tuple[DatastoreType, ...] | None = None
        self._flavors: tuple[Flavor, ...] | None = None
        self._parameters: tuple[ConfigurationParameter, ...] | None = None
        self._extensions: tuple[AvailableExtension, ...] | None = None
        self.catalogue = Catalogue()
        self._asked_to_wait = 0.0
        self._refusal: tuple[Reason, str] | None = None
        self.trouble: tuple[Reason, str] | None = None
        """The last part that the API refuses to show, and why."""
        self.was_read = False
        """Whether it was read once, well or not: what is not known of it by then is not known for a reason."""

    def refresh(self) -> None:
        """Read it again now."""
        self._is_requested = True
        self._asked.set()

    def need(self, wanted: ParametersFor) -> None:
        """Have `catalogue.limited` hold this flavor's configuration parameters, read once."""
        if self._details.need(wanted):
            self._asked.set()

    def holds(self, wanted: ParametersFor) -> bool:
        """Whether this flavor's limits were read, or will be."""
        return self._details.holds(wanted)

    def used(self, usage: Hashable) -> None:
        """Tell what the project's datastores take: when that changes, the quotas are read again."""
        if self._details.used(usage):
            self._asked.set()

    @property
    def shown_quotas(self) -> tuple[Quota, ...]:
        """The quotas as of the last whole reading: what is shown at rest must not move with every datastore."""
        return self._details.shown_quotas

    async def run(self) -> None:
        """Read until cancelled."""
        failures = 0
        while True:
            await self._line.wait_until_open()
            self._asked.clear()
            if self._is_requested or self._clock.monotonic() >= self._due:
                self._is_requested = False
                self._asked_to_wait = 0.0
                failures = 0 if await self._read() else failures + 1
                pause = self._settings.catalogue_seconds
                if failures:
                    pause = min(pause, retry_delay(failures, self._draw, self._settings.min_backoff_seconds))
                pause = max(pause, self._asked_to_wait)
                if self._line.circuit.is_open:
                    pause = min(pause, self._settings.probe_seconds)
                self._due = self._clock.monotonic() + pause
            await self._details.read_wanted()
            self._compare()
            if not self.was_read:
                self.was_read = True
                self._changed(News(offer=True))
            await self._clock.wait(self._asked, self._due)

    async def _read(self) -> bool:
        """Read each part; return whether all went well."""
        self._refusal = None
        types = await self._part(DATASTORE_TYPES)
        flavors = await self._part(FLAVORS)
        parameters = await self._part(CONFIGURATION_PARAMETERS, may_be_missing=True, before=self._parameters)
        extensions = await self._part(AVAILABLE_EXTENSIONS, may_be_missing=True, before=self._extensions)
        self._types = self._types if types is None else tuple(sorted(types, key=lambda row: row.id))
        self._flavors = self._flavors if flavors is None else tuple(sorted(flavors, key=lambda row: row.id))
        self._parameters = self._parameters if parameters is None else tuple(sorted(parameters, key=lambda row: row.id))
        self._extensions = self._extensions if extensions is None else tuple(sorted(extensions, key=lambda row: row.id))
        self._compare()  # what is needed most does not wait for the rest
        if None not in (types, flavors):
            await self._details.read_all()
        return None not in (types, flavors, parameters, extensions)

    async def _part(
        self, collection: Collection[A], *, may_be_missing: bool = False, before: tuple[A, ...] | None = None
    ) -> tuple[A, ...] | None:
        call = collection.list()
        try:
            reply = await self._line.send(
                call, self._line.reading_priority(is_awaited=not self.catalogue.known), probe=True
            )
            if reply.value is None:
                raise OutcomeUnknown(call.operation, "the answer is empty", status=reply.status)
            require_few(call.operation, reply.value, MAX_OFFERS)
        except ApiError as error:
            if may_be_missing and isinstance(error, Forbidden):
                return ()
            if may_be_missing and error.status == 404:  # the API has none, or something before it does not find the API
                return before or ()
            if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
                self._asked_to_wait = max(self._asked_to_wait, min(error.retry_after_seconds, LONGEST_CLOSED_SECONDS))
            if isinstance(error, Refused) and not isinstance(error, RateLimited | Unauthorized):
                self._refusal = Reason.REFUSED, f"the API refuses to list {collection.name}: {error.message}"
            if isinstance(error, TooLarge):
                self._refusal = (
                    Reason.SNAPSHOT_TOO_LARGE,
                    f"the list of {collection.name} is too large: {error.message}",
                )
            log.info(
                "part of the catalogue not read",
                project=self._line.name,
                part=collection.name,
                error=type(error).__name__,
                request_id=error.request_id,
            )
            return None
        return reply.value

    def _compare(self) -> None:
        old = self.catalogue
        new = Catalogue(
            self._types or (),
            self._flavors or (),
            _by_type(self._parameters or ()),
            extensions=self._extensions,
            limited=self._details.limited,
            limits=self._details.limits,
            quotas=self._details.quotas,
            capabilities=self._details.capabilities,
            known=None not in (self._types, self._flavors, self._parameters),
            version=old.version,
        )
        news = News(
            offer=new != replace(old, quotas=new.quotas, limited=new.limited),
            quotas=new.quotas != old.quotas,
            limits=frozenset(new.limited.keys() - old.limited.keys()),
            told=self.trouble != self._refusal or self._shown_quotas != self.shown_quotas,
        )
        if new != old:
            self.catalogue = replace(new, version=old.version + news.offer)
        if news != News():
            self.trouble = self._refusal
            self._shown_quotas = self.shown_quotas
            self._changed(news)


def _by_type(parameters: Iterable[ConfigurationParameter]) -> Mapping[str, tuple[ConfigurationParameter, ...]]:
    by_type: dict[str, list[ConfigurationParameter]] = {}
    for parameter in parameters:
        if parameter.datastore_type_id is not None:
            by_type.setdefault(parameter.datastore_type_id, []).append(parameter)
    return {type_id: tuple(own) for type_id, own in by_type.items()}
