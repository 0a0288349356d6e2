"""A local Kubernetes control plane: etcd and kube-apiserver as processes, without containers, nodes or root."""

import asyncio
import shutil
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from managed_databases.controlplane.access import (
    ADMIN,
    ADMIN_GROUPS,
    ClusterUser,
    token_file_text,
    write_kubeconfig,
    write_private,
)
from managed_databases.controlplane.commands import (
    AUDIT_POLICY,
    CONTROLLERS,
    ETCD_DATA,
    LOOPBACK,
    apiserver_command,
    controller_manager_command,
    etcd_command,
    free_port,
)
from managed_databases.controlplane.processes import Processes, ProcessFailed

READY_WITHIN_SECONDS: Final = 120
POLL_SECONDS: Final = 0.1
PORT_TRIES: Final = 3

ETCD: Final = "etcd"
APISERVER: Final = "kube-apiserver"
CONTROLLER_MANAGER: Final = "kube-controller-manager"

KNOWN_PEOPLE: Final = ("operator", "alice", "bob", "attacker")


def _replace(folder: Path, other: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other, folder)


def _say_nothing(_text: str) -> None:
    """Used when nobody listens to the progress."""


class ControlPlane:
    """etcd and kube-apiserver with RBAC in a private folder, for as long as the `async with` block lasts.

    Entering raises ProcessFailed with the tail of the log when a program ends at its start, and TimeoutError when the
    server is not ready within READY_WITHIN_SECONDS. Nothing is left behind, however the block or this process ends. An
    instance is bound to no event loop: it may be entered, used and left under different ones.

    `binaries` holds the programs (see `binaries.find_binaries`). Without a controller manager a deleted namespace stays
    Terminating for ever, and nothing follows its deleted owner; `controllers` are those that it runs. `address` is
    where the API server listens: one that Pods reach, where there are nodes (see `node/`).
    """

    url: str
    ca_file: Path
    kubeconfig: Path
    """An administrator's (group system:masters)."""
    folder: Path
    audit_log: Path
    """One JSON object a line, level Metadata; absent with `audit=False`. It survives a restart of the API server."""

    def __init__(
        self,
        binaries: Path,
        *,
        say: Callable[[str], None] = _say_nothing,
        controller_manager: bool = False,
        controllers: Sequence[str] = CONTROLLERS,
        address: str = LOOPBACK,
        audit: bool = True,
    ) -> None:
        self.binaries = binaries
        self._say = say
        self._with_controller_manager = controller_manager
        self._controllers = tuple(controllers)
        self._address = address
        self._audit = audit
        self._processes = Processes()
        self._admin = ClusterUser(ADMIN, ADMIN_GROUPS)
        self._people = [self._admin, *(ClusterUser(name) for name in KNOWN_PEOPLE)]

    async def __aenter__(self) -> Self:
        try:
            await self._processes.open()
            await self._start()
        except BaseException:
            await self._processes.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say("stopping the control plane")
        await self._processes.close()

    async def user(self, name: str, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig of a user without any rights of its own: RBAC has to give them.

        The names in KNOWN_PEOPLE without groups cost nothing. For anyone else the API server, which reads its users at
        its start only, is started again, once per name and groups: everybody's connections break, as in a real outage.
        """
        person = next((one for one in self._people if (one.name, one.groups) == (name, tuple(groups))), None)
        if person is None:
            person = ClusterUser(name, tuple(groups))
            self._people.append(person)
            self._write_tokens()
            await self.stop_apiserver()
            await self.start_apiserver()
        path = self.folder / f"{'-'.join([name, *groups]).replace(':', '-').replace('/', '-')}.kubeconfig"
        return self.kubeconfig_for(person.name, person.token, path)

    def kubeconfig_for(self, name: str, token: str, path: Path) -> Path:
        """Write a kubeconfig for whoever holds `token`, such as a service account, and return its path."""
        return write_kubeconfig(path, self.url, self.ca_file, name, token)

    async def stop_apiserver(self) -> None:
        """Kill the API server. Its data stays in etcd; connections to it are refused from now on."""
        await self._processes.kill(APISERVER)

    async def start_apiserver(self) -> None:
        """Start the API server again, on the same port, and return when it is ready. Raises as entering does."""
        await self._processes.start(APISERVER, self._apiserver_command())
        await self._until_ready()

    async def back_up(self, into: Path) -> None:
        """Copy what etcd holds into a new folder; everybody's connections break meanwhile."""
        await self._without_etcd(shutil.copytree, self._data, into)

    async def restore(self, backup: Path) -> None:
        """Put what `back_up` copied in the place of what etcd holds now."""
        await self._without_etcd(_replace, self._data, backup)

    async def start_controller_manager(self) -> None:
        """Start kube-controller-manager: garbage collection, deletion of namespaces, default service accounts."""
        command = controller_manager_command(self.binaries.resolve(), self.kubeconfig, self.ca_file, self._controllers)
        await self._processes.start(CONTROLLER_MANAGER, command)

    async def stop_controller_manager(self) -> None:
        """Kill kube-controller-manager."""
        await self._processes.kill(CONTROLLER_MANAGER)

    @property
    def _data(self) -> Path:
        return self.folder / ETCD_DATA

    async def _without_etcd(self, work: Callable[..., object], *arguments: Path) -> None:
        await self.stop_apiserver()
        await self._processes.kill(ETCD)
        await asyncio.to_thread(work, *arguments)
        await self._processes.start(ETCD, etcd_command(self.binaries.resolve(), self.folder))
        await self.start_apiserver()

    async def _start(self) -> None:
        self.folder = self._processes.folder
        self.ca_file = self.folder / "certificates" / "apiserver.crt"
        self.audit_log = self.folder / "audit.log"
        self._write_tokens()
        write_private(self.folder / "audit-policy.yaml", AUDIT_POLICY)
        self._say("starting etcd and kube-apiserver")
        await self._processes.start(ETCD, etcd_command(self.binaries.resolve(), self.folder))
        await self._start_apiserver_on_a_free_port()
        self.kubeconfig = self.kubeconfig_for(ADMIN, self._admin.token, self.folder / "admin.kubeconfig")
        if self._with_controller_manager:
            await self.start_controller_manager()
        self._say(f"the Kubernetes API is ready at {self.url}")

    async def _start_apiserver_on_a_free_port(self) -> None:
        for tries_left in reversed(range(PORT_TRIES)):
            self._port = free_port()
            self.url = f"https://{self._address}:{self._port}"
            try:
                await self.start_apiserver()
            except ProcessFailed:
                # Somebody may take the port between our look and the server's.
                if not tries_left or "address already in use" not in self._processes.log_tail(APISERVER):
                    raise
                await self.stop_apiserver()
            else:
                return

    def _apiserver_command(self) -> list[str]:
        return apiserver_command(self.binaries.resolve(), self.folder, self._address, self._port, audit=self._audit)

    def _write_tokens(self) -> None:
        write_private(self.folder / "tokens", token_file_text(self._people))

    async def _until_ready(self) -> None:
        last = "it has not answered yet"
        try:
            async with asyncio.timeout(READY_WITHIN_SECONDS):
                while last != "ready":
                    await self._processes.check_runs(ETCD)
                    await self._processes.check_runs(APISERVER)
                    await asyncio.sleep(POLL_SECONDS)
                    last = await self._readiness()
        except TimeoutError:
            tail = self._processes.log_tail(APISERVER)
            raise TimeoutError(f"kube-apiserver is not ready: {last}. The end of its log:\n{tail}") from None

    async def _readiness(self) -> str:
        """Return "ready", or what is missing. The namespaces are made by the server itself, soon after /readyz."""
        if not self.ca_file.exists():
            return "it has no certificate yet"
        headers = {"Authorization": f"Bearer {self._admin.token}"}
        try:
            trust = ssl.create_default_context(cafile=self.ca_file)
            async with httpx.AsyncClient(base_url=self.url, verify=trust, headers=headers, trust_env=False) as client:
                for path in ("/readyz", "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system"):
                    answer = await client.get(path)
                    if answer.status_code != 200:
                        return f"{path} says {answer.status_code}"
        except (httpx.TransportError, ssl.SSLError) as error:
            return f"{type(error).__name__}: {error}"
        return "ready"
