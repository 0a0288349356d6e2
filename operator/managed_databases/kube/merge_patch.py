"""JSON merge patches (RFC 7396)."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7396) that turns `old` into `new`; empty if they are equal.

    The format cannot say null, so a None in `new` means absent, at any depth of mappings. Lists are replaced whole.
    """
    patch: dict[str, Any] = {name: None for name in old if new.get(name) is None}
    for name, value in new.items():
        if value is None:
            continue
        before = old.get(name)
        if not isinstance(value, Mapping):
            if value != before or isinstance(value, bool) != isinstance(before, bool):
                patch[name] = value
        elif not isinstance(before, Mapping):
            patch[name] = merge_patch({}, value)
        elif inner := merge_patch(before, value):
            patch[name] = inner
    return patch
