"""What a change is for: a fight is about the same thing again and again, not about many things of one sort."""

from typing import Any

from managed_databases.api.calls import Call


def aim(call: Call[Any]) -> object:
    """Names what a call would change: the object, the fields, and what these point to. Values do not count: whoever fights
    may ask for another one each time.
    """
    body = {} if call.body is None else call.body.model_dump(mode="json", exclude_unset=True)
    fields = sorted((name, value if name.endswith("_id") else None) for name, value in body.items())
    return call.operation, call.path, tuple(fields)
