"""The settings of a sandbox, all of which can be changed while it runs.

What public evidence says twice, or not at all, is a setting (`Unsettled`): the sandbox behaves either way, and a client has to be
right with both. docs/sandbox.md lists these settings with the evidence; a test compares that table with this module.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, get_args, get_type_hints

DEFAULT_QUOTA: Final = {"datastores": 1000, "vcpus": 16_000, "ram": 64_000_000, "disk": 1_000_000}
"""Per project and region; `ram` in MB, `disk` in GB. Made up."""


@dataclass(kw_only=True)
class Unsettled:
    """What the evidence leaves open. The default is what the cloud's own clients need, and else what the newest or the surest
    evidence says.
    """

    busy_children: bool = False
    """Changes of objects in a datastore are refused while the datastore is at work, and not only until it is created."""
    config_defaults: bool = False
    """A datastore's `config` shows every parameter, not only those that were set."""
    creation_status: Literal["mixed", "200", "201"] = "mixed"
    """The status of the answer to a creation; `mixed`: 201 and 200 by turns."""
    default_group_shown: bool = False
    """A datastore that was created without security groups shows the id of its default group, instead of `[]`."""
    dependents_listed: bool = False
    """`dependency_ids` of an available extension are the extensions that need it, not those that it needs."""
    groups_pending: bool = False
    """A change of security groups makes the datastore pending, as all other changes do; else it is done at once."""
    long_user_names: bool = True
    """A PostgreSQL user's name has up to 63 characters instead of 32."""
    microseconds: bool = True
    """Times have microseconds."""
    prose_refusals: bool = False
    """What the state of an object does not allow is refused as `400 Validation failure: datastore cannot be resized`, not by a
    409."""
    reads_at_once: int = 0
    """The most GETs of a project that are answered at a time, if each of them takes a moment; a further one gets a 503. 0: as
    many as there are."""
    text_limits: bool = False
    """`min` and `max` of a configuration parameter are text instead of numbers."""
    unset_log_group: Literal["object", "null", "absent"] = "object"
    """How a datastore without a log group shows `log_platform`: `{"log_group": null}`, `null`, or not at all."""
    user_offers: bool = False
    """Users of PostgreSQL have roles and settings."""


@dataclass(kw_only=True)
class Settings(Unsettled):
    """`delay_seconds` is how long a change takes; with `manual` a change ends only when `complete` is called; with `realistic` a
    change of a datastore takes 5 to 15 minutes. `parameters_of` are the ids of the datastore types whose parameters the whole
    list has; empty: of all.
    """

    delay_seconds: float = 0.3
    realistic: bool = False
    manual: bool = False
    token_seconds: float = 24 * 3600
    parameters_of: list[str] = field(default_factory=list)
    quota: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_QUOTA))


UNSETTLED: Final[dict[str, Any]] = {each.name: each.default for each in fields(Unsettled)}
"""The settings for what is open, with their defaults."""

OTHER_CLOUD: Final[dict[str, Any]] = {
    "busy_children": True,
    "config_defaults": True,
    "creation_status": "200",
    "default_group_shown": True,
    "dependents_listed": True,
    "groups_pending": True,
    "long_user_names": False,
    "microseconds": False,
    "prose_refusals": True,
    "reads_at_once": 8,
    "text_limits": True,
    "unset_log_group": "null",
    "user_offers": True,
}
"""Every setting for what is open, the other way: a cloud that the same evidence allows as well."""


def choices(name: str) -> tuple[Any, ...]:
    """Return the values that one of `UNSETTLED` can have; for a number none."""
    kind = get_type_hints(Unsettled)[name]
    if kind is bool:
        return (False, True)
    return get_args(kind)


def parsed(told: str) -> tuple[str, Any]:
    """Return name and value of a setting that is written as `name=value`. Raises ValueError, which says what is possible."""
    name, _, text = told.partition("=")
    if name not in UNSETTLED:
        raise ValueError(f"there is no setting {name!r}; there are {', '.join(UNSETTLED)}")
    possible = choices(name)
    if not possible:
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"{name} is a whole number, not {text!r}")
        return name, int(text)
    written = {str(value).lower(): value for value in possible}
    if text not in written:
        raise ValueError(f"{name} is one of {', '.join(written)}, not {text!r}")
    return name, written[text]
