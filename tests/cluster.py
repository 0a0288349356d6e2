"""What story tests do with the local API server, and how they wait for what it becomes."""

import asyncio
import json
import os
import secrets
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, overload

import httpx
import yaml

from audit_log import AuditEvent, AuditLog
from discovered_kinds import DiscoveredKind, DiscoveredKinds
from managed_databases.controlplane.cluster import ControlPlane

PATIENCE_SECONDS: Final = 180
"""What is waited for may take that long on a machine at work elsewhere; only a test that fails takes it."""

Manifest = dict[str, Any]
Events = list[AuditEvent]

FIRST_POLL_SECONDS: Final = 0.05
LAST_POLL_SECONDS: Final = 0.2
"""Whoever waits long asks less often: all that ask share the machine with what they wait for."""
POLLS_GROW: Final = 1.25
FIELD_MANAGER: Final = "tests"
PRINTED_CHARACTERS: Final = 6_000


class Refused(Exception):
    """The API server said no. `code` is the HTTP status; the text is the server's message."""

    def __init__(self, what: str, code: int, message: str) -> None:
        super().__init__(f"{what}: {code} {message}")
        self.code = code
        self.message = message


class Cluster:
    """One identity at the local API server. Belongs to the event loop that uses it first; an `async with` closes it.

    A kind is named as for kubectl: `ManagedDatastore`, `manageddatastores`, `mds` or `manageddatastores.<group>`.
    """

    def __init__(self, control_plane: ControlPlane, kubeconfig: Path | None = None) -> None:
        self.control_plane = control_plane
        self.kubeconfig = kubeconfig or control_plane.kubeconfig
        token = yaml.safe_load(self.kubeconfig.read_text())["users"][0]["user"]["token"]
        self.http = httpx.AsyncClient(
            base_url=control_plane.url,
            verify=ssl.create_default_context(cafile=control_plane.ca_file),
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        self._kinds = DiscoveredKinds(self.http)
        self._audit_log = AuditLog(control_plane.audit_log)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl as a person would and return what it printed; with `check=False` its errors as well."""
        process = await asyncio.create_subprocess_exec(
            str(self.control_plane.binaries.resolve() / "kubectl"),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.control_plane.folder),
                "KUBECONFIG": str(self.kubeconfig),
            },
        )
        output, errors = await process.communicate((stdin or "").encode())
        said = f"kubectl {' '.join(arguments)} ended with {process.returncode}: {errors.decode()}"
        assert process.returncode == 0 or not check, said
        return output.decode() + ("" if check else errors.decode())

    async def namespace(self, prefix: str, labels: dict[str, str] | None = None) -> str:
        """Make a namespace of a name that was never used before, and return the name."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        metadata = {"name": name, "labels": labels or {}}
        await self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return name

    @overload
    async def apply(self, manifest: Manifest, *, check: bool = True) -> Manifest: ...
    @overload
    async def apply(self, manifest: list[Manifest] | str, *, check: bool = True) -> list[Manifest]: ...
    async def apply(
        self, manifest: Manifest | list[Manifest] | str, *, check: bool = True
    ) -> Manifest | list[Manifest]:
        """Server-side apply of one object, a list, or YAML text; with `metadata.generateName` it creates.

        Returns what the server answered, in the same form. A CustomResourceDefinition is waited for until it is
        served. Raises Refused; with `check=False` the server's Status (`code`, `message`) is returned instead.
        """
        if isinstance(manifest, dict):
            return await self._apply_one(manifest, check)
        documents = [one for one in yaml.safe_load_all(manifest) if one] if isinstance(manifest, str) else manifest
        return [await self._apply_one(one, check) for one in documents]

    async def create(self, manifest: Manifest, *, check: bool = True) -> Manifest:
        """POST one object: unlike `apply` it is a 409 when the object exists."""
        kind = await self._kinds.of_manifest(manifest)
        return await self._ask("POST", self._path(kind, None, manifest["metadata"].get("namespace")), manifest, check)

    async def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Raises Refused with code 404 when there is none."""
        return await self._ask("GET", self._path(await self._kinds.named(kind), name, namespace))

    async def exists(self, kind: str, name: str, namespace: str | None = None) -> bool:
        try:
            await self.get(kind, name, namespace)
        except Refused as refused:
            if refused.code == 404:
                return False
            raise
        return True

    async def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        """List one namespace, or all; `labels` is a label selector."""
        path = self._path(await self._kinds.named(kind), None, namespace)
        answer = await self._ask("GET", path, query={"labelSelector": labels} if labels else {})
        items: list[Manifest] = answer["items"]
        return items

    async def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        merge_patch: Manifest,
        subresource: str | None = None,
        *,
        check: bool = True,
    ) -> Manifest:
        """JSON merge patch: null removes a field."""
        path = self._path(await self._kinds.named(kind), name, namespace, subresource)
        return await self._ask("PATCH", path, merge_patch, check, "application/merge-patch+json")

    async def delete(
        self, kind: str, name: str, namespace: str | None = None, *, wait: bool = False, check: bool = True
    ) -> Manifest:
        """Ask for deletion; with `wait` return once the object is gone."""
        path = self._path(await self._kinds.named(kind), name, namespace)
        answer = await self._ask("DELETE", path, check=check)
        if wait:

            async def gone() -> bool:
                return not await self.exists(kind, name, namespace)

            await self.wait_until(f"{kind} {name} is gone", gone)
        return answer

    async def service_account(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig of a service account that exists, with a token of an hour, as its Pod would have."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = await self._ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", request)
        path = self.control_plane.folder / f"{namespace}-{name}-{secrets.token_hex(4)}.kubeconfig"
        return self.control_plane.kubeconfig_for(name, answer["status"]["token"], path)

    async def wait_until(
        self, what: str, check: Callable[[], Awaitable[object]], seconds: float = PATIENCE_SECONDS
    ) -> Any:
        """Ask `check` until it returns something true, and return that; else fail with what it said last.

        A refusal, a missing key and an API server that is away are "not yet". So is a failed `assert` in the check.
        """
        last: object = None
        pause = FIRST_POLL_SECONDS
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        last = await check()
                    except (Refused, LookupError, AssertionError, httpx.TransportError) as error:
                        last = f"{type(error).__name__}: {error}"
                    else:
                        if last:
                            return last
                    await asyncio.sleep(pause)
                    pause = min(pause * POLLS_GROW, LAST_POLL_SECONDS)
        except TimeoutError:
            shown = last if isinstance(last, str) else json.dumps(last, indent=2, default=repr)
            raise AssertionError(f"not within {seconds} s: {what}. Last: {shown[:PRINTED_CHARACTERS]}") from None

    def audit(self, **wanted: object) -> Events:
        """Return the requests that the API server answered since this Cluster was made, oldest first.

        Filter by AuditEvent's fields: `audit(user="operator", verb=("create", "patch"), code=403)`; a tuple means any
        of. A watch appears once, when it starts.
        """
        return self._audit_log.events(**wanted)

    async def _apply_one(self, manifest: Manifest, check: bool) -> Manifest:
        if "generateName" in manifest["metadata"]:
            return await self.create(manifest, check=check)
        kind = await self._kinds.of_manifest(manifest)
        path = self._path(kind, manifest["metadata"]["name"], manifest["metadata"].get("namespace"))
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        answer = await self._ask("PATCH", path, manifest, check, "application/apply-patch+yaml", query)
        if kind.plural == "customresourcedefinitions" and answer.get("kind") == "CustomResourceDefinition":
            await self._until_served(answer)
        return answer

    async def _until_served(self, crd: Manifest) -> None:
        spec = crd["spec"]
        served = [version["name"] for version in spec["versions"] if version["served"]]

        async def is_served() -> bool:
            for version in served:
                await self._ask(
                    "GET", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}", query={"limit": "1"}
                )
            self._kinds.forget()
            await self._kinds.named(f"{spec['names']['plural']}.{spec['group']}")
            return True

        await self.wait_until(f"{crd['metadata']['name']} is served", is_served)

    @staticmethod
    def _path(kind: DiscoveredKind, name: str | None, namespace: str | None, subresource: str | None = None) -> str:
        assert kind.is_namespaced or namespace is None, f"{kind.plural} has no namespaces"
        assert not kind.is_namespaced or namespace or name is None, f"{kind.plural} needs a namespace"
        parts = [kind.root, f"namespaces/{namespace}" if namespace else "", kind.plural, name, subresource]
        return "/".join(part for part in parts if part)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        check: bool = True,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Manifest:
        content = None if body is None else json.dumps(body)
        answer = await self.http.request(
            method, path, params=query or {}, content=content, headers={"Content-Type": content_type}
        )
        parsed: Manifest = {"code": answer.status_code, "message": answer.text}
        if answer.headers.get("content-type", "").startswith("application/json"):  # a path not served is plain text
            parsed = answer.json()
        if check and not answer.is_success:
            raise Refused(f"{method} {path}", answer.status_code, parsed.get("message", answer.text))
        return parsed
