"""Which values of a cloud object the operator has set: only these are ever reset, once they are removed from the spec.

Values are compared by digests, so that the operator knows whether the cloud has the value that it has sent, also after a call
whose answer was lost, or whose process was killed.
"""

import hashlib
from collections.abc import Mapping

import orjson

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.parameter_values import UNSAFE_FROM


def is_ours(observed: Observed, actual: Mapping[str, str], name: str) -> bool:
    """Return whether the operator has set this value: a call has surely worked, or the cloud has the value that was sent.

    `actual` are the kind's `actual_values`.
    """
    sent = observed.status.applying.get(name)
    return name in observed.status.managed or (sent is not None and actual.get(name) == sent)


def ours(observed: Observed, actual: Mapping[str, str]) -> set[str]:
    """Return the names of all values that the operator has set."""
    return {name for name in (*observed.status.managed, *observed.status.applying) if is_ours(observed, actual, name)}


def digest(value: object) -> str:
    """Return the digest of a value, equal for values that the API may tell either way."""
    if isinstance(value, float) and value.is_integer() and abs(value) < UNSAFE_FROM:
        value = int(value)  # the API may tell 1.0 where 1 was sent
    return hashlib.sha256(orjson.dumps(value, default=str)).hexdigest()[:12]
