"""Secrets as the API server has them: how they are read, and how their values are written and masked."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from managed_databases.kinds.registry import GROUP
from managed_databases.kube.watched_collections import object_path
from managed_databases.reconcile.ports import NewSecret, SecretContent


def secret_path(namespace: str, name: str) -> str:
    """Return the path of a Secret."""
    return object_path("", "v1", "secrets", namespace, name)


def secret_content(raw: Mapping[str, Any]) -> SecretContent:
    """Return a Secret as the API server has answered it."""
    metadata = raw["metadata"]
    owners = metadata.get("ownerReferences") or ()
    return SecretContent(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        type=raw.get("type") or "Opaque",
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        # Bytes that are no UTF-8 (a keystore) survive a round trip.
        data={
            name: SecretStr(b64decode(value).decode(errors="surrogateescape"))
            for name, value in (raw.get("data") or {}).items()
        },
        owner_uids=tuple(owner["uid"] for owner in owners if _is_ours(owner)),
        other_owners=tuple(owner for owner in owners if not _is_ours(owner)),
    )


def _is_ours(owner: Mapping[str, Any]) -> bool:
    return str(owner.get("apiVersion", "")).startswith(f"{GROUP}/")


def encoded(data: Mapping[str, SecretStr]) -> dict[str, str]:
    """Return values as `data` of a Secret has them: in base64."""
    return {
        name: b64encode(value.get_secret_value().encode(errors="surrogateescape")).decode()
        for name, value in data.items()
    }


def masked_in(text: str, secret: NewSecret) -> str:
    """Return a text with the Secret's values masked, except for values that are part of the Secret's own name: these are not
    secret, and the text would not be readable without them.
    """
    values = {value.get_secret_value() for value in secret.data.values()} | set(encoded(secret.data).values())
    values = {value for value in values if value not in f"{secret.namespace}/{secret.name}"}
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, "***")
    return text
