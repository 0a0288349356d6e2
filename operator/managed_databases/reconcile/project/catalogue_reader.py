"""Reads the catalogue of a project (types, flavors, parameters, extensions): when the project is opened, and periodically."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import structlog

from managed_databases.api.calls import Collection
from managed_databases.api.collections import (
    AVAILABLE_EXTENSIONS,
    CONFIGURATION_PARAMETERS,
    DATASTORE_TYPES,
    FLAVORS,
    ROLES,
    USER_SETTING_PARAMETERS,
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
    AnswerModel,
    AvailableExtension,
    ConfigurationParameter,
    DatastoreType,
    Flavor,
    Quota,
    Role,
    UserSettingParameter,
)
from managed_databases.api.rows_before import RowsBefore
from managed_databases.kinds.project_view import Catalogue, ParametersFor
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.project.catalogue_details import DetailReader, require_few
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.project.rate_limiter import MAX_CLOSED_SECONDS
from managed_databases.reconcile.scheduling.backoff import retry_delay

A = TypeVar("A", bound=AnswerModel)
Offer = TypeVar("Offer", DatastoreType, Flavor, ConfigurationParameter, AvailableExtension, Role, UserSettingParameter)

MAX_OFFERS: Final = 20_000
"""The most rows of each part. The parameters of all engines are some thousands; each pass looks through them."""

log = structlog.get_logger()


@dataclass(frozen=True)
class News:
    """What a reading has changed: the `offer`, the `quotas`, the `limits` of these flavors, or what the status shows (`told`)."""

    offer: bool = False
    quotas: bool = False
    limits: frozenset[ParametersFor] = frozenset()
    told: bool = False


_OFFERS: Final = WeakValueDictionary[tuple[str | None, str], RowsBefore]()
"""By the API's address and the collection, for all projects: all are offered the same there. Its models take 7 MiB or more."""


class CatalogueReader:
    """Keeps `catalogue` fresh; calls `changed` with the differences when the catalogue or `trouble` changes.

    If the reading of a part fails, the part stays as it was, and is read again sooner. Without the right to read configuration
    parameters or extensions (403), or if the API lacks that section (404), the catalogue has none.
    """

    def __init__(
        self,
        client: ProjectClient,
        clock: Clock,
        settings: ControllerSettings,
        draw: Callable[[], float],
        changed: Callable[[News], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._settings = settings
        self._draw = draw
        self._changed = changed
        self._asked = asyncio.Event()
        self._is_requested = True
        self._due = clock.monotonic()
        self._details = DetailReader(client)
        self._shown_quotas: tuple[Quota, ...] = ()
        self._types: tuple[DatastoreType, ...] | None = None
        self._flavors: tuple[Flavor, ...] | None = None
        self._parameters: tuple[ConfigurationParameter, ...] | None = None
        self._extensions: tuple[AvailableExtension, ...] | None = None
        self._user_offers_are_needed = False
        self._offers: dict[str, RowsBefore] = {}
        self._roles: tuple[Role, ...] | None = None
        self._user_settings: tuple[UserSettingParameter, ...] | None = None
        self.catalogue = Catalogue()
        self._asked_to_wait = 0.0
        self._refusal: tuple[Reason, str] | None = None
        self._failure: tuple[Reason, str] | None = None
        self.trouble: tuple[Reason, str] | None = None
        """Why the last part that could not be read was not read; None if all parts could be read."""
        self.was_read = False
        """Whether the catalogue was read once, with or without failures: what is then not known of it cannot be read."""

    def refresh(self) -> None:
        """Read the catalogue again now."""
        self._is_requested = True
        self._asked.set()

    def need(self, wanted: ParametersFor) -> None:
        """Have `catalogue.limited` hold this flavor's configuration parameters, read once."""
        if self._details.need(wanted):
            self._asked.set()

    def need_user_offers(self) -> None:
        """Have the catalogue hold the roles and settings that users can have, from now on: many projects never need them."""
        if not self._user_offers_are_needed:
            self._user_offers_are_needed = True
            self.refresh()

    def holds(self, wanted: ParametersFor) -> bool:
        """Return whether this flavor's limits were read, or will be read."""
        return self._details.holds(wanted)

    def used(self, usage: Hashable) -> None:
        """Tell the reader what the project's datastores use: when that changes, it reads the quotas again."""
        if self._details.used(usage):
            self._asked.set()

    @property
    def shown_quotas(self) -> tuple[Quota, ...]:
        """The quotas of the last whole reading, for the status: they do not change with every datastore."""
        return self._details.shown_quotas

    async def run(self) -> None:
        """Read until cancelled."""
        failures = 0
        while True:
            await self._client.wait_until_open()
            self._asked.clear()
            if self._is_requested or self._clock.monotonic() >= self._due:
                self._is_requested = False
                self._asked_to_wait = 0.0
                failures = 0 if await self._read() else failures + 1
                pause = self._settings.catalogue_seconds
                if failures:
                    pause = min(pause, retry_delay(failures, self._draw, self._settings.min_backoff_seconds))
                pause = max(pause, self._asked_to_wait)
                if self._client.circuit.is_open:
                    pause = min(pause, self._settings.probe_seconds)
                self._due = self._clock.monotonic() + pause
            await self._details.read_wanted()
            self._compare()
            if not self.was_read:
                self.was_read = True
                self._changed(News(offer=True))
            await self._clock.wait(self._asked, self._due)

    async def _read(self) -> bool:
        """Read each part; return whether all parts could be read."""
        self._refusal = self._failure = None
        types = await self._part(DATASTORE_TYPES)
        flavors = await self._part(FLAVORS)
        parameters = await self._part(CONFIGURATION_PARAMETERS, may_be_missing=True, before=self._parameters)
        extensions = await self._part(AVAILABLE_EXTENSIONS, may_be_missing=True, before=self._extensions)
        self._types = _newest(self._types, types)
        self._flavors = _newest(self._flavors, flavors)
        self._parameters = _newest(self._parameters, parameters)
        self._extensions = _newest(self._extensions, extensions)
        self._compare()  # what is needed most does not wait for the rest
        are_user_offers_read = not self._user_offers_are_needed or await self._read_user_offers()
        if None not in (types, flavors):
            await self._details.read_all()
        return are_user_offers_read and None not in (types, flavors, parameters, extensions)

    async def _read_user_offers(self) -> bool:
        roles = await self._part(ROLES, may_be_missing=True, before=self._roles)
        settings = await self._part(USER_SETTING_PARAMETERS, may_be_missing=True, before=self._user_settings)
        self._roles = _newest(self._roles, roles)
        self._user_settings = _newest(self._user_settings, settings)
        self._compare()
        return None not in (roles, settings)

    def _rows_before(self, collection: Collection[A]) -> RowsBefore:
        place = self._client.endpoint, collection.name
        rows = self._offers[collection.name] = _OFFERS.setdefault(place, RowsBefore())
        return rows

    async def _part(
        self, collection: Collection[A], *, may_be_missing: bool = False, before: tuple[A, ...] | None = None
    ) -> tuple[A, ...] | None:
        call = replace(collection.list(), before=self._rows_before(collection))
        try:
            reply = await self._client.send(
                call, self._client.reading_priority(is_awaited=not self.catalogue.known), probe=True
            )
            if reply.value is None:
                raise OutcomeUnknown(call.operation, "the answer is empty", status=reply.status)
            require_few(call.operation, reply.value, MAX_OFFERS)
        except ApiError as error:
            if may_be_missing and isinstance(error, Forbidden):
                return ()
            if may_be_missing and error.status == 404:  # the API has none, or something before it does not find the API
                return before or ()
            self._failure = self._failure or _failure(collection, error)
            if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
                self._asked_to_wait = max(self._asked_to_wait, min(error.retry_after_seconds, MAX_CLOSED_SECONDS))
            if isinstance(error, Refused) and not isinstance(error, RateLimited | Unauthorized):
                self._refusal = Reason.REFUSED, f"the API refuses to list {collection.name}: {error.message}"
            if isinstance(error, TooLarge):
                self._refusal = (
                    Reason.SNAPSHOT_TOO_LARGE,
                    f"the list of {collection.name} is too large: {error.message}",
                )
            log.info(
                "part of the catalogue not read",
                project=self._client.name,
                part=collection.name,
                error=type(error).__name__,
                request_id=error.request_id,
            )
            return None
        return reply.value

    @property
    def _lacks_a_part(self) -> bool:
        """Whether a part that is needed was never read."""
        needed = (self._types, self._flavors, self._parameters, self._extensions)
        return None in needed or (self._user_offers_are_needed and None in (self._roles, self._user_settings))

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
            roles=self._roles,
            user_settings=self._user_settings,
            known=None not in (self._types, self._flavors, self._parameters),
            version=old.version,
        )
        trouble = self._refusal
        if self._failure is not None and self._lacks_a_part:
            new = replace(new, why_unread=self._failure[1])
            trouble = trouble or self._failure
        news = News(
            offer=new != replace(old, quotas=new.quotas, limited=new.limited),
            quotas=new.quotas != old.quotas,
            limits=frozenset(new.limited.keys() - old.limited.keys()),
            told=self.trouble != trouble or self._shown_quotas != self.shown_quotas,
        )
        if new != old:
            self.catalogue = replace(new, version=old.version + news.offer)
        if news != News():
            self.trouble = trouble
            self._shown_quotas = self.shown_quotas
            self._changed(news)


def _failure(collection: Collection[A], error: ApiError) -> tuple[Reason, str]:
    """Return why a part was not read, without what the API says: people read it who may not see the project. It stays the same
    as long as the trouble does, because each change wakes all who wait for the part.
    """
    if isinstance(error, RateLimited):
        told = f"the API allows no call to list {collection.name} at the moment (429), and will be asked again"
        return Reason.RATE_LIMITED, told
    if isinstance(error, TooLarge):
        told = f"the list of {collection.name} is too large; the DatabaseProject's conditions say more"
        return Reason.SNAPSHOT_TOO_LARGE, told
    if isinstance(error, Refused):
        told = f"the API refuses to list {collection.name}; the DatabaseProject's conditions say why"
        return Reason.REFUSED, told
    return Reason.UNREACHABLE, f"the API has not listed {collection.name} yet, and will be asked again"


def _newest(before: tuple[Offer, ...] | None, read: tuple[Offer, ...] | None) -> tuple[Offer, ...] | None:
    """Return a part as it was read, by id. It stays as it was if that failed, and if nothing differs, so as to be kept once."""
    if read is None:
        return before
    rows = tuple(sorted(read, key=lambda row: row.id))
    return before if rows == before else rows


def _by_type(parameters: Iterable[ConfigurationParameter]) -> Mapping[str, tuple[ConfigurationParameter, ...]]:
    by_type: dict[str, list[ConfigurationParameter]] = {}
    for parameter in parameters:
        if parameter.datastore_type_id is not None:
            by_type.setdefault(parameter.datastore_type_id, []).append(parameter)
    return {type_id: tuple(own) for type_id, own in by_type.items()}
