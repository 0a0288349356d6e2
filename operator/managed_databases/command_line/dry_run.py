"""How a resource would be after a manifest was applied: asked of the API server by a dry run, where that is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from managed_databases.command_line.person import Person
from managed_databases.command_line.problems import Problem
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.cache import resource_of
from managed_databases.kube.watched_collections import collection_path, object_path
from managed_databases.reconcile.packed_spec import as_values
from managed_databases.reconcile.ports import KubeError, KubeForbidden, KubeRefused, NotThere, Resource, ResourceKey

Raw = dict[str, Any]
DRY_RUN: Final = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "managed-databases-plan"}
NEW_UID: Final = "new: {}"
_NEW_VERSION: Final = "1"
NO_RIGHT: Final = "you may not write these resources, so the API server has not checked what can never change"
NO_NAMESPACE: Final = "there is no namespace {} yet, so the API server has not checked the manifests in it"


@dataclass(frozen=True)
class DryRunResult:
    """The resource as it would be. `refusal` is why the API server would not take the manifest, with the resource as it is now,
    if there is one. `unchecked` is why the API server did not check it.
    """

    resource: Resource | None
    refusal: str | None = None
    unchecked: str | None = None


async def applied(person: Person, kind: Kind, key: ResourceKey, manifest: Mapping[str, Any]) -> DryRunResult:
    """Return what a manifest would make of a resource. Nothing is stored. Raises Problem."""
    place = key.namespace or None
    now = await person.object(GROUP, VERSION, kind.plural, place, key.name)
    body = _wanted(manifest, key, now)
    if now is None:
        method, path = "POST", collection_path(GROUP, VERSION, kind.plural, place)
    else:
        method, path = "PUT", object_path(GROUP, VERSION, kind.plural, place, key.name)
    known = None if now is None else resource_of(now, key)
    try:
        answer = await person.connection.request(method, path, query=DRY_RUN, body=body)
    except KubeForbidden:
        return DryRunResult(*_by_hand(kind, key, body, known), unchecked=NO_RIGHT)
    except NotThere:
        if place is None or await person.object("", "v1", "namespaces", None, place) is not None:
            raise Problem(
                f"the API server does not know the kind {key.kind}: install its CustomResourceDefinition"
            ) from None
        return DryRunResult(*_by_hand(kind, key, body, known), unchecked=NO_NAMESPACE.format(place))
    except KubeRefused as error:
        return DryRunResult(known, refusal=_without_request(str(error)))
    except KubeError as error:
        raise Problem(f"the API server does not check {key}: {error}") from error
    return DryRunResult(_read(answer, key, known))


def namespace_as_applied(name: str, now: Raw | None, manifest: Mapping[str, Any] | None) -> Raw:
    """Return a Namespace as it would be: with the labels that it has, those of its manifest, and the one that each has."""
    told = ((manifest or {}).get("metadata") or {}).get("labels") or {}
    new: Raw = {"uid": NEW_UID.format(name), "resourceVersion": _NEW_VERSION}
    metadata: Raw = new if now is None else now["metadata"]
    labels = {**(metadata.get("labels") or {}), **told, "kubernetes.io/metadata.name": name}
    return {"metadata": {**metadata, "name": name, "labels": labels}}


def _wanted(manifest: Mapping[str, Any], key: ResourceKey, now: Raw | None) -> Raw:
    """Return the object to send: the manifest's spec, and the metadata as they are with the manifest's labels and annotations."""
    told: Mapping[str, Any] = manifest.get("metadata") or {}
    metadata: Raw = {} if now is None else dict(now["metadata"])
    metadata.pop("managedFields", None)
    for name in ("labels", "annotations"):
        if told.get(name):
            metadata[name] = {**(metadata.get(name) or {}), **told[name]}
    metadata |= {"name": key.name} | ({"namespace": key.namespace} if key.namespace else {})
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": key.kind, "metadata": metadata}
    body["spec"] = dict(manifest.get("spec") or {})
    return body if now is None else body | {"status": now.get("status") or {}}


def _read(answer: Raw, key: ResourceKey, known: Resource | None) -> Resource:
    metadata = {"uid": NEW_UID.format(key), "resourceVersion": _NEW_VERSION, "generation": 1, **answer["metadata"]}
    resource = resource_of({**answer, "metadata": metadata}, key)
    return _newer(resource, known)


def _by_hand(kind: Kind, key: ResourceKey, body: Raw, known: Resource | None) -> tuple[Resource | None, str | None]:
    """Return the same without the API server: its rules on what can never change are not checked."""
    try:
        kind.spec.model_validate(body["spec"])
    except ValidationError as error:
        told = "; ".join(
            f"spec.{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        )
        return known, told
    if known is None:
        return _read({**body, "status": {}}, key, None), None
    is_same = as_values(known.spec) == body["spec"]
    metadata = {**body["metadata"], "generation": known.generation + (not is_same)}
    return _read({**body, "metadata": metadata}, key, known), None


def _newer(resource: Resource, known: Resource | None) -> Resource:
    """Return the resource with a version above the one that is known: a cache takes nothing else."""
    version = 1 if known is None else int(known.resource_version) + 1
    return replace(resource, resource_version=str(max(version, int(resource.resource_version or 0))))


def _without_request(text: str) -> str:
    """Return the API server's own words, without the request that it was asked."""
    return text.partition(": ")[2] or text
