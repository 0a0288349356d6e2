"""Resources as the commands for people read them."""

from typing import Any

from managed_databases.reconcile.ports import Resource, ResourceKey

SINCE = "2026-11-29T10:00:00Z"


def told(type_: str, status: str, reason: str, message: str = "", since: str = SINCE) -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


def ready(**status: Any) -> dict[str, Any]:
    conditions = [told("Ready", "True", "Ready", "usable"), told("Synced", "True", "InSync")]
    return {"observedGeneration": 1, "id": "an-id", "conditions": conditions} | status


def waits(reason: str, message: str = "", **status: Any) -> dict[str, Any]:
    conditions = [told("Ready", "False", reason, message), told("Reconciling", "True", reason, message)]
    return {"observedGeneration": 1, "conditions": conditions} | status


def stalls(reason: str, message: str = "", **status: Any) -> dict[str, Any]:
    conditions = [told("Ready", "False", reason, message), told("Stalled", "True", reason, message)]
    return {"observedGeneration": 1, "conditions": conditions} | status


def resource(
    kind: str,
    name: str,
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    *,
    namespace: str = "shop",
    deleting_since: str | None = None,
    generation: int = 1,
) -> Resource:
    namespaced = "" if kind == "DatabaseProject" else namespace
    return Resource(
        key=ResourceKey(kind, namespaced, name),
        uid=f"uid of {kind} {namespaced}/{name}",
        resource_version="1",
        generation=generation,
        created_at=SINCE,
        deleting_since=deleting_since,
        finalizers=(),
        annotations={},
        spec=spec or {},
        status=ready() if status is None else status,
    )
