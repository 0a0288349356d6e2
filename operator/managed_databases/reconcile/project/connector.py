"""Opens a project's session: reads the credentials, asks the identity service for their project, and refuses any other."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from managed_databases.api.calls import Call
from managed_databases.api.client import CallRecord, Client
from managed_databases.api.collections import DATASTORE_TYPES, DATASTORES
from managed_databases.api.errors import ApiError, Misdirected, Refused, TooLarge, Unauthorized
from managed_databases.api.identity_service import ApiIdentity
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.ports import Kube, Resource, SecretContent
from managed_databases.reconcile.project.addresses import endpoint_problem, label
from managed_databases.reconcile.project.pinned_identity import foreign_project, identity_problem, project_changed
from managed_databases.reconcile.project.project_client import credentials_refused
from managed_databases.reconcile.project.project_credentials import ProjectCredentials, read_project_credentials
from managed_databases.reconcile.project.reaching import Known, Reached, credentials_version, where_they_are_not
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.backoff import retry_delay
from managed_databases.reconcile.told import ToldProject

log = structlog.get_logger()

ClientFactory = Callable[..., Client]
"""Makes a client, with the arguments of `Client`."""

_LOOK_AGAIN_SECONDS = 30.0
"""Seconds until a Secret or ConfigMap is read again while it is missing or wrong: without the operator's label, no event tells
of a change."""

_LASTING_SECONDS = 300.0
"""Seconds that a connection must have worked before the next failure counts as the first one."""


@dataclass
class Opening:
    """The state of opening one session. `access` are the credentials of its connection, `tried` those that were tried last, and
    `failures` counts the recent failures.
    """

    session: ProjectSession
    access: ProjectCredentials | None = None
    endpoint: str | None = None
    tried: ProjectCredentials | None = None
    failures: int = 0
    again_at: float = 0.0
    note: Wait | Stall | None = None
    ca_certificate: str | None = None
    reached: Reached | None = None
    way: str = ""
    secret: SecretContent | None = None
    warning: str | None = None


class Connector:
    """Opens sessions. With credentials that are not checked yet it sends only the requests of the check."""

    def __init__(
        self,
        kube: Kube,
        clock: Clock,
        settings: ControllerSettings,
        draw: Callable[[], float],
        *,
        client_factory: ClientFactory,
        before_send: Callable[[Call[Any]], Awaitable[None]] | None,
        observer: Callable[[str, CallRecord], None] | None,
        known: Callable[[str], Known],
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._settings = settings
        self._draw = draw
        self._client_factory = client_factory
        self._before_send = before_send
        self._observer = observer
        self._known = known

    async def open(
        self, opening: Opening, resource: Resource, spec: DatabaseProjectSpec, *, at_once: bool
    ) -> float | None:
        """Open or change the session as the resource says; return the seconds until the next try.

        After a failure the same credentials are not tried again for a while, unless `at_once`. Raises KubeError.
        """
        session = opening.session
        session.lists.poll_every(spec.poll_seconds, spec.poll_seconds_of)
        access = await self._read_credentials(opening, resource.key.name, spec)
        if not isinstance(access, ProjectCredentials):
            opening.access = opening.tried = opening.note = None
            session.block(access)
            return _LOOK_AGAIN_SECONDS
        is_in_use = access == opening.access and session.problem is None
        may_have_moved = session.circuit.is_open and access.endpoint is None
        if is_in_use and session.view is not None and not may_have_moved:
            opening.note = None
            if opening.endpoint is not None:
                opening.reached = Reached(opening.endpoint, opening.way)
            if self._clock.monotonic() - opening.again_at > _LASTING_SECONDS:
                opening.failures = 0
            session.show(self._view(opening, resource, spec, session.view.project_id))
            return self._rest_seconds(spec)
        now = self._clock.monotonic()
        if access == opening.tried and now < opening.again_at and not at_once:
            return min(opening.again_at - now, _LOOK_AGAIN_SECONDS)
        opening.failures = opening.failures + 1 if access == opening.tried else 1
        opening.tried = access
        opening.again_at = now + retry_delay(opening.failures, self._draw, self._settings.min_backoff_seconds)
        await self._connect(opening, resource, spec, access)
        if session.problem is None and opening.note is None:
            return self._rest_seconds(spec)
        return min(max(opening.again_at - self._clock.monotonic(), 0.0), _LOOK_AGAIN_SECONDS)

    def _rest_seconds(self, spec: DatabaseProjectSpec) -> float | None:
        """Return the seconds until the next look. A ConfigMap with a certificate is not watched, so it is read as often as the
        cloud is listed.
        """
        return None if spec.ca_certificate is None else self._settings.poll_seconds

    # --- what Kubernetes says ---

    async def _read_credentials(
        self, opening: Opening, name: str, spec: DatabaseProjectSpec
    ) -> ProjectCredentials | Wait | Stall:
        namespace = self._settings.operator_namespace
        secret = await self._kube.read_secret(namespace, spec.credentials_secret_ref.name)
        if secret is None:
            return Wait(
                Reason.SECRET_MISSING,
                f"the DatabaseProject {name} waits for its Secret {namespace}/{spec.credentials_secret_ref.name}: "
                "create it with the project's credentials",
            )
        ref = spec.ca_certificate
        if ref is None:
            opening.ca_certificate = None
        else:
            content = await self._kube.read_config_map(namespace, ref.name)
            # What was read before outlives its ConfigMap: applications would lose the certificate otherwise.
            opening.ca_certificate = (content or {}).get(ref.key) or opening.ca_certificate
            if opening.ca_certificate is None:
                return Wait(
                    Reason.SECRET_MISSING,
                    f"the DatabaseProject {name} waits for the key {ref.key} of the ConfigMap {namespace}/{ref.name}",
                )
        opening.way = credentials_version(secret, spec.identity_url, spec.endpoint, spec.region)
        opening.secret = secret
        return read_project_credentials(name, spec, secret, trusts_spec=self._settings.trust_project_addresses)

    def _view(self, opening: Opening, resource: Resource, spec: DatabaseProjectSpec, project_id: str) -> ProjectView:
        ports = PortNumbers() if spec.ports is None else PortNumbers(**spec.ports.model_dump())
        return ProjectView(
            name=resource.key.name,
            project_id=project_id,
            region=spec.region,
            name_prefix=spec.name_prefix or "",
            ca_certificate=opening.ca_certificate,
            ports=ports,
            endpoint=opening.endpoint,
            probes=bool(spec.probe),
        )

    # --- what the cloud says ---

    async def _connect(
        self, opening: Opening, resource: Resource, spec: DatabaseProjectSpec, access: ProjectCredentials
    ) -> None:
        name, session = resource.key.name, opening.session
        observer = self._observer
        client = self._client_factory(
            access.tokens,
            endpoint=access.endpoint,
            region=access.region,
            call_limit_seconds=self._settings.call_limit_seconds,
            max_connections=self._settings.connections,
            read_attempts=1,  # passes and lists pace their own repeats, within the promised number of calls
            before_send=self._before_send,
            observer=None if observer is None else lambda record: observer(name, record),
        )
        is_used = False
        try:
            identity = await client.identify()
            project_id = identity.project_id or access.stated_project or ""
            problem: Stall | Wait | None = identity_problem(resource, spec, session.view, project_id)
            if problem is None and opening.secret is not None:
                stated = access.endpoint if access.is_endpoint_stated else None
                problem = endpoint_problem(
                    name, opening.secret, identity, identity_url=access.identity_url, stated=stated
                )
            if problem is None:
                problem = await self._verify(client, session, identity, project_id)
            reached = Reached(identity.endpoint, opening.way)
            if problem is None and not self._is_known_way(opening, resource, reached):
                before = opening.reached.endpoint if opening.reached else ToldProject(resource.status).endpoint_reached
                problem = await where_they_are_not(name, client, identity.endpoint, self._known(name), before)
            if problem is not None:
                self._refuse(opening, problem)
                return
            opening.access, opening.endpoint, opening.note = access, identity.endpoint, None
            opening.warning = self._warning(name, opening.secret, access)
            opening.reached = reached
            is_used = True
            view = self._view(opening, resource, spec, project_id)
            await session.open(client, view, is_identity_stated=identity.project_id is None)
        except Unauthorized as error:
            self._refuse(opening, credentials_refused(name, error))
        except Misdirected as error:
            self._hinder(
                opening,
                Stall(
                    Reason.INVALID_SPEC,
                    f"the DatabaseProject {name} leads nowhere: {error.message}. Correct spec.region, or the endpoint",
                ),
            )
        except ApiError as error:
            self._unreachable(opening, name, error)
        finally:
            if not is_used:
                await client.close()

    def _is_known_way(self, opening: Opening, resource: Resource, reached: Reached) -> bool:
        """Return whether an object has already answered at this endpoint with the same spec and Secret, and no other endpoint
        was used since.
        """
        return asdict(opening.reached or reached) == asdict(reached) == ToldProject(resource.status).reached

    async def _verify(
        self, client: Client, session: ProjectSession, identity: ApiIdentity, project_id: str
    ) -> Stall | None:
        """Check with the API itself what the identity service does not tell. Raises ApiError."""
        if identity.project_id is None:
            reply = await client.send(DATASTORES.list())
            foreign = foreign_project(reply.value or (), project_id)
            return None if foreign is None else project_changed(session.name, project_id, foreign)
        if session.problem is not None and session.problem.reason is Reason.CREDENTIALS_INVALID:
            try:
                await client.send(DATASTORE_TYPES.list())
            except Unauthorized:
                raise
            except Refused:
                return None  # the token is good, whatever it may not do
        return None

    def _warning(self, name: str, secret: SecretContent | None, access: ProjectCredentials) -> str | None:
        """Return the warning about addresses that are believed only because of a setting; None if there are none."""
        if not access.believed or secret is None:
            return None
        keys = " and ".join(access.believed)
        log.warning(
            "addresses are believed that the Secret does not name", project=name, secret=label(secret), add=keys
        )
        return (
            f"believed only because of MANAGED_DATABASES_TRUST_PROJECT_ADDRESSES, which ends with the next release: add "
            f"{keys} to the Secret {label(secret)}"
        )

    def _refuse(self, opening: Opening, problem: Stall | Wait) -> None:
        opening.access = opening.note = None
        opening.session.block(problem)

    def _unreachable(self, opening: Opening, name: str, error: ApiError) -> None:
        """Note that the credentials could not be checked; a connection in use stays in use."""
        reason = Reason.SNAPSHOT_TOO_LARGE if isinstance(error, TooLarge) else Reason.UNREACHABLE
        self._hinder(opening, Wait(reason, f"the DatabaseProject {name} cannot be opened: {error.message}"))

    def _hinder(self, opening: Opening, why: Wait | Stall) -> None:
        if opening.session.problem is None:
            opening.note = why
            return
        opening.access = None
        opening.session.block(why)
