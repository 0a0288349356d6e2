"""What the operator has written into a Secret beside the login, as an annotation of the Secret says: only that may it remove."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from managed_databases.reconcile.annotations import WRITTEN
from managed_databases.reconcile.ports import SecretContent


@dataclass(frozen=True)
class Written:
    """Names of keys, labels and annotations of a Secret."""

    keys: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()

    def annotation(self) -> Mapping[str, str]:
        """Return the annotation that says so; none if there is nothing to say."""
        named = {"annotations": self.annotations, "keys": self.keys, "labels": self.labels}
        told = {what: sorted(names) for what, names in named.items() if names}
        return {WRITTEN: json.dumps(told, separators=(",", ":"))} if told else {}


def written_into(secret: SecretContent | None) -> Written:
    """Return what the annotation of the Secret says; nothing if it is missing or cannot be read: then all belongs to others."""
    text = None if secret is None else secret.annotations.get(WRITTEN)
    if text is None:
        return Written()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return Written()
    if not isinstance(told, dict):
        return Written()
    return Written(_names(told.get("keys")), _names(told.get("labels")), _names(told.get("annotations")))


def _names(told: object) -> frozenset[str]:
    return frozenset(name for name in told if isinstance(name, str)) if isinstance(told, list) else frozenset()


def keys_of_others(secret: SecretContent, ours: Iterable[str], wanted: Mapping[str, str]) -> frozenset[str]:
    """Return the keys of the Secret that are none of `ours`, and that the annotation does not name.

    A key with the very value that the operator would write (`wanted`) counts as the operator's: the annotation may have been
    lost, and a key that nobody renews would keep an old password.
    """
    foreign = secret.data.keys() - {*ours} - written_into(secret).keys
    return frozenset(key for key in foreign if secret.data[key].get_secret_value() != wanted.get(key))


def marks_of_others(wanted: Mapping[str, str], there: Mapping[str, str], ours: frozenset[str]) -> frozenset[str]:
    """Return the wanted labels or annotations that the Secret has with another value, not written by the operator."""
    return frozenset(name for name, value in wanted.items() if name not in ours and there.get(name, value) != value)
