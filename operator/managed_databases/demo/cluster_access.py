"""What the demo does in the cluster: apply manifests, look at resources."""

import json
from base64 import b64decode, b64encode
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
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Namespace": "namespaces",
}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""What `kubectl apply` compares with: without it, it warns of each resource that people apply again."""
NAMESPACED = ("ConfigMap", "Secret")
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

    async def apply_texts(self, texts: Iterable[str]) -> None:
        """Apply manifests, server-side, in their order."""
        for text in texts:
            await self.apply_documents(yaml.safe_load_all(text))

    async def apply_examples(self, texts: Iterable[str], certificate: str | None = None) -> list[Applied]:
        """Do the same, so that people can go on with `kubectl apply`; return what was applied.

        With the name of a ConfigMap in `certificate`, its `ca.crt` is the root certificate of each project that names none.
        """
        applied = []
        for text in texts:
            for manifest in filter(None, yaml.safe_load_all(text)):
                with_mark = _with_last_applied(manifest)
                if certificate is not None and manifest["kind"] == "DatabaseProject":
                    with_mark["spec"] = {"caCertificate": {"name": certificate}} | manifest["spec"]
                applied.append(await self._apply(with_mark))
        return applied

    async def put_config_map(self, namespace: str, name: str, data: Mapping[str, str]) -> None:
        metadata = {"namespace": namespace, "name": name}
        await self._apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)})

    async def apply_documents(self, documents: Iterable[dict[str, Any]]) -> None:
        for document in filter(None, documents):
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

    async def annotate(self, applied: Applied, annotations: Mapping[str, str]) -> None:
        body = {"metadata": {"annotations": dict(annotations)}}
        await self._connection.request("PATCH", applied.path, body=body, content_type="application/merge-patch+json")

    async def secret_data(self, namespace: str, name: str) -> dict[str, str]:
        secret = await self._connection.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return {key: b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}

    async def secret_keys(self, namespace: str, name: str) -> list[str]:
        secret = await self._connection.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return sorted(secret.get("data") or {})


def _with_last_applied(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with the annotation that `kubectl apply` would write; the manifest itself stays as it is."""
    metadata = manifest["metadata"]
    annotations = {name: text for name, text in metadata.get("annotations", {}).items() if name != LAST_APPLIED}
    applied = manifest | {"metadata": metadata | {"annotations": annotations}}
    text = json.dumps(applied, separators=(",", ":"), sort_keys=True, default=str) + "\n"
    return manifest | {"metadata": metadata | {"annotations": annotations | {LAST_APPLIED: text}}}
