"""Copies of a credentials Secret: which a spec asks for, what each shall hold, and which namespaces let them in."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from managed_databases.kinds.credentials_spec import ALLOWED, COPIES_FROM, CopySpec, CredentialsSpec
from managed_databases.kinds.shared_fields import is_object_name
from managed_databases.kinds.two_users import own_secret, twin_secret

_SHAPE: Final = ("key_prefix", "endpoint", "mount_path")


class Place(NamedTuple):
    """Where a Secret is. As text it stands in statuses and messages."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def place_of(text: str) -> Place | None:
    """Return the place that a status names; None if the text names none."""
    namespace, _, name = text.partition("/")
    return Place(namespace, name) if is_object_name(namespace) and is_object_name(name) else None


def copies_of(spec: CredentialsSpec | None) -> tuple[CopySpec, ...]:
    return (spec.copies or ()) if spec is not None else ()


def as_copy(spec: CredentialsSpec | None, copy: CopySpec) -> CredentialsSpec:
    """Return how the copy looks, in the words of the Secret itself. A copy has its own labels, and no annotations: those of the
    Secret may say where tools copy it to.
    """
    own = spec or CredentialsSpec()
    shape: dict[str, object] = {name: getattr(copy, name) for name in _SHAPE if getattr(copy, name) is not None}
    if copy.presets is not None:
        shape |= {"presets": copy.presets, "template": None, "format": None}
    return own.model_copy(update={**shape, "labels": copy.labels, "annotations": None, "copies": None})


def is_reserved(mounted: str, name: str, suffix: str) -> bool:
    """Return whether the name is, or may become, that of another Secret of the resource: of the credentials Secret `mounted`, of
    those of two users who take turns, or of their new passwords, which have `suffix` behind the name.
    """
    of_users = (mounted, own_secret(mounted), twin_secret(mounted))
    return name in {*of_users, *(f"{each}{suffix}" for each in of_users)}


def lets_in(labels: Mapping[str, str], source: str) -> bool:
    """Return whether a namespace with these labels lets in copies of Secrets of the namespace `source`."""
    return labels.get(f"{COPIES_FROM}/{source}") == ALLOWED
