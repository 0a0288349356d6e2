"""Which kinds the API server serves, and under which paths: aggregated discovery, read when a name is not known yet."""

from dataclasses import dataclass
from typing import Any, Final

import httpx

ACCEPT: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True)
class DiscoveredKind:
    """One kind in one version."""

    root: str
    """`/api/v1` or `/apis/<group>/<version>`."""
    plural: str
    is_namespaced: bool


class DiscoveredKinds:
    """The kinds by every name that people use for them. Raises KeyError for a name that is not served."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._by_name: dict[str, DiscoveredKind] = {}

    def forget(self) -> None:
        """Read again at the next use."""
        self._by_name = {}

    async def named(self, name: str) -> DiscoveredKind:
        """By kind, plural, singular, short name or plural.group, in any case; the core group wins."""
        return await self._find(name.lower())

    async def of_manifest(self, manifest: dict[str, Any]) -> DiscoveredKind:
        """By `apiVersion` and `kind`."""
        return await self._find(f"{manifest['apiVersion']}/{manifest['kind']}".lower())

    async def _find(self, name: str) -> DiscoveredKind:
        if name not in self._by_name:
            found: dict[str, DiscoveredKind] = {}
            for root in ("/api", "/apis"):
                answer = (await self._http.get(root, headers={"Accept": ACCEPT})).raise_for_status()
                for group in answer.json()["items"]:
                    _learn(found, root, group)
            self._by_name = found
        if name not in self._by_name:
            raise KeyError(f"the API server serves nothing called {name}")
        return self._by_name[name]


def _learn(found: dict[str, DiscoveredKind], root: str, group: dict[str, Any]) -> None:
    group_name = group["metadata"].get("name", "")
    for version in group["versions"]:
        api_version = f"{group_name}/{version['version']}" if group_name else version["version"]
        for resource in version["resources"]:
            kind = DiscoveredKind(f"{root}/{api_version}", resource["resource"], resource["scope"] == "Namespaced")
            kind_name = resource["responseKind"]["kind"]
            names = [
                f"{api_version}/{kind_name}",
                kind_name,
                resource["resource"],
                resource.get("singularResource", ""),
                f"{resource['resource']}.{group_name}",
                *resource.get("shortNames", ()),
            ]
            for name in names:
                found.setdefault(name.lower(), kind)
