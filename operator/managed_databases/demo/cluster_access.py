"""What the demo does in the cluster: apply manifests, look at resources."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from managed_databases.kinds.registry import kinds
from managed_databases.kube.connection import KubeConnection
from managed_databases.reconcile.ports import AlreadyThere

APPLY = "application/apply-patch+yaml"
FIELD_MANAGER = (("fieldManager", "managed-databases-demo"), ("force", "true"))
PLURALS = {
    "CustomResourceDefinition": "customresourcedefinitions",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "Secret": "secrets",
    "Namespace": "namespaces",
}
NAMESPACED = ("Secret",)
"""Of `PLURALS`."""


class Applied(NamedTuple):
    kind: str
    namespace: str
    name: str
    path: str


class ClusterAccess:
    """Raises KubeError from every method."""

    def __init__(self, connection: KubeConnection) -> None:
        self._connection = connection

    async def apply_texts(self, texts: Iterable[str]) -> list[Applied]:
        """Apply manifests, server-side, in their order; return the resources among them."""
        applied = []
        for text in texts:
            for manifest in yaml.safe_load_all(text):
                if manifest:
                    applied.append(await self._apply(manifest))
        return applied

    async def apply_documents(self, documents: Iterable[dict[str, Any]]) -> None:
        for document in documents:
            await self._apply(document)

    async def user_name(self) -> str:
        """Return the name by which the API server knows the demo's user."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = await self._connection.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
        return str(answer["status"]["userInfo"]["username"])

    async def _apply(self, manifest: dict[str, Any]) -> Applied:
        kind, metadata = manifest["kind"], manifest["metadata"]
        ours = kinds().get(kind)
        namespaced = ours.namespaced if ours is not None else kind in NAMESPACED
        namespace = metadata.get("namespace", "default") if namespaced else ""
        plural = ours.plural if ours is not None else PLURALS[kind]
        version = manifest["apiVersion"]
        top = f"/apis/{version}" if "/" in version else f"/api/{version}"
        inside = f"/namespaces/{namespace}" if namespace else ""
        path = f"{top}{inside}/{plural}/{metadata['name']}"
        await self._connection.request("PATCH", path, query=FIELD_MANAGER, body=manifest, content_type=APPLY)
        return Applied(kind, namespace, metadata["name"], path)

    async def create_namespace(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        try:
            await self._connection.request("POST", "/api/v1/namespaces", body=body)
        except AlreadyThere:
            return

    async def put_secret(self, namespace: str, name: str, data: Mapping[str, str]) -> None:
        encoded = {key: b64encode(value.encode()).decode() for key, value in data.items()}
        await self._apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"namespace": namespace, "name": name},
                "data": encoded,
            }
        )

    async def get(self, applied: Applied) -> Any:
        return await self._connection.request("GET", applied.path)

    async def secret_keys(self, namespace: str, name: str) -> list[str]:
        secret = await self._connection.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return sorted(secret.get("data") or {})
