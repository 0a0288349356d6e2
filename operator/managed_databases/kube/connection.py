"""The connection to the API server: its address, the operator's credentials, and requests."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from kubernetes.aio import client, config
from kubernetes.aio.config.config_exception import ConfigException
from pydantic import SecretStr

from managed_databases.kube import kubeconfig
from managed_databases.kube.kubeconfig import MemoryFiles
from managed_databases.kube.pages import Light, read_page
from managed_databases.kube.refusals import error_for
from managed_databases.reconcile.ports import KubeUnreachable

REQUEST_LIMIT_SECONDS: Final = 10.0
READ_AGAIN_SECONDS: Final = 60.0
"""A token may be replaced in its file at any time; Kubernetes does so well before the old one expires."""

NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
"""A request has its limit already."""

FIELD_MANAGER: Final = "managed-databases-operator"
"""The User-Agent of all requests: the API server records the part before the first slash as the manager of fields."""
JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"


class NotConfigured(KubeUnreachable):
    """There is no usable kubeconfig or ServiceAccount that gives the API server's address and the operator's credentials."""


class KubeConnection:
    """A connection to one API server as one identity. Make it with `in_cluster` or `from_kubeconfig`, and close it when done.

    Nothing is read before the first use. A kubeconfig of the environment (`$KUBECONFIG`, `~/.kube/config`) is never used.
    """

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._loading = asyncio.Lock()
        self._read_at = 0.0
        self._api: client.ApiClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._files = MemoryFiles()
        self._token: SecretStr | None = None

    @classmethod
    def in_cluster(cls) -> "KubeConnection":
        """Return the connection of the Pod's own ServiceAccount."""
        return cls(None, None)

    @classmethod
    def from_kubeconfig(cls, path: Path, context: str | None = None) -> "KubeConnection":
        """Return the connection that a kubeconfig file describes; without `context`, by its current context."""
        return cls(path, context)

    async def api(self) -> client.ApiClient:
        """Return the client of the `kubernetes` package. Raises NotConfigured if the configuration cannot be used."""
        async with self._loading:
            if self._closed:
                raise KubeUnreachable("the connection is closed")
            if self._api is None:
                configuration = client.Configuration()
                await self._load(configuration)
                try:
                    self._api = client.ApiClient(configuration)
                except OSError as error:  # what TLS cannot read is one as well
                    raise NotConfigured(f"the certificates for Kubernetes cannot be used: {error}") from error
                self._session = await self._new_session(self._api)
            return self._api

    @property
    def source(self) -> str:
        """Where the address and the credentials come from, in words."""
        return f"the kubeconfig {self._kubeconfig}" if self._kubeconfig else "the Pod's service account"

    async def server(self) -> str:
        """Return the API server's address, without a slash at its end."""
        return str((await self.api()).configuration.host).rstrip("/")

    async def authorization(self) -> str | None:
        """Return the present Authorization header; None with a client certificate. Raises KubeUnreachable."""
        configuration = (await self.api()).configuration
        try:
            value = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        except (ConfigException, OSError) as error:
            raise KubeUnreachable(f"the credentials cannot be read: {error}") from error
        if value:
            self._token = SecretStr(str(value).split()[-1])  # as a secret, so that log lines never show it
        return str(value).strip() if value else None

    def distrust_token(self) -> None:
        """Read the token again before the next request: the API server did not accept it."""
        self._read_at = float("-inf")

    async def open_session(self, **options: Any) -> aiohttp.ClientSession:
        """Return a new session with the connection's TLS and proxy, for code that sends requests itself. The caller closes it."""
        return await self._new_session(await self.api(), **options)

    async def _new_session(self, api: client.ApiClient, **options: Any) -> aiohttp.ClientSession:
        rest = api.rest_client
        connector = aiohttp.TCPConnector(limit=0, ssl=rest.ssl_context)
        # Without trust_env: aiohttp would look for a proxy, and read ~/.netrc, in a thread and for every request.
        proxy = rest.proxy or proxy_of_environment(api.configuration.host)
        headers = {"User-Agent": FIELD_MANAGER}
        return aiohttp.ClientSession(connector=connector, proxy=proxy, headers=headers, **options)

    async def tls_server_name(self) -> str | None:
        """Return the name to expect in the server's certificate, if the kubeconfig sets one; else None."""
        return (await self.api()).configuration.tls_server_name or None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
        limit_seconds: float = REQUEST_LIMIT_SECONDS,
        items: Light | None = None,
    ) -> Any:
        """Send one request, once, and return the parsed answer. Raises the errors of `reconcile.ports`, no others.

        A list is read item by item when `items` says what is kept of each.
        """
        api = await self.api()
        assert self._session is not None
        headers = {"Accept": accept, "Content-Type": content_type}
        if items is not None:
            headers["Accept-Encoding"] = "identity"  # a little may unpack to a lot
        if authorization := await self.authorization():
            headers["Authorization"] = authorization
        url = str(api.configuration.host).rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        what = f"{method} {path}"
        try:
            async with (
                asyncio.timeout(limit_seconds),
                self._session.request(
                    method,
                    url,
                    data=None if body is None else orjson.dumps(body),
                    headers=headers,
                    server_hostname=api.configuration.tls_server_name or None,
                    timeout=NO_TIMEOUT,
                ) as answer,
            ):
                if items is not None and answer.status < 400:
                    return await read_page(answer.content, items)
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeUnreachable(f"{what}: {type(error).__name__}") from error
        if answer.status == 401:
            self.distrust_token()
        if answer.status >= 400:
            raise error_for(what, answer.status, content)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise KubeUnreachable(f"{what}: the answer is not JSON") from error

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()
        if self._api is not None:
            await self._api.close()  # type: ignore[no-untyped-call]
        self._files.close()

    async def _load(self, configuration: client.Configuration) -> None:
        try:
            if self._kubeconfig is None:
                config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
                return
            if not self._kubeconfig.is_file():
                raise NotConfigured(f"there is no kubeconfig file {self._kubeconfig}: --kubeconfig names one")
            await self._read_kubeconfig(configuration)
        except (ConfigException, OSError) as error:
            where = f"of {self._kubeconfig}" if self._kubeconfig else "of a Pod's service account"
            otherwise = "" if self._kubeconfig else "; outside of a Pod name a file with --kubeconfig"
            raise NotConfigured(f"the connection to Kubernetes {where} cannot be used: {error}{otherwise}") from error
        configuration.refresh_api_key_hook = self._read_token_again  # type: ignore[assignment]

    async def _read_kubeconfig(self, configuration: client.Configuration) -> None:
        assert self._kubeconfig is not None
        await kubeconfig.load(self._kubeconfig, self._context, configuration, self._files)
        self._read_at = time.monotonic()

    async def _read_token_again(self, configuration: client.Configuration) -> None:
        if "BearerToken" in configuration.api_key and time.monotonic() - self._read_at >= READ_AGAIN_SECONDS:
            await self._read_kubeconfig(configuration)


def proxy_of_environment(server: str) -> str | None:
    """Return the proxy for this address by the present environment (HTTPS_PROXY, NO_PROXY); None if there is none."""
    address = urlsplit(server)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)
