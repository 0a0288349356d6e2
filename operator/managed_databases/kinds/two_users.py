"""Two users who take turns: what the second one is called, and which resources make it and its rights."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.schema import Spec
from managed_databases.kinds.shared_fields import Rotated, Side
from managed_databases.kinds.verdicts import OwnedResource

if TYPE_CHECKING:
    from managed_databases.kinds.database_user_spec import DatabaseUserSpec

OWN: Final[Side] = "Own"
TWIN: Final[Side] = "Twin"
TWIN_KIND: Final = "DatabaseUser"
MAX_SECRET: Final = 240
"""The most characters of the credentials Secret's name: two further Secrets are called after it."""
_MAX_USER: Final = 32
_MAX_NAME: Final = 200
_MIRRORED: Final = ("datastoreRef", "projectRef", "databaseRef", "patternType", "pattern", "allowRead", "allowWrite")


def other(side: Side) -> Side:
    return TWIN if side == OWN else OWN


def twin_name(name: str) -> str:
    """Return the name of the second user's resource."""
    return _bounded(f"{name}-twin", _MAX_NAME)


def twin_user(name: str) -> str:
    """Return the second user's name in the datastore: the API takes no longer one for a new user."""
    whole = f"{name}_twin"
    return whole if len(whole) <= _MAX_USER else f"{name[:20]}_{_digest(name)[:6]}_twin"


def own_secret(mounted: str) -> str:
    """Return the name of the Secret with the password of the own user, which nobody mounts."""
    return f"{mounted}-own"


def twin_secret(mounted: str) -> str:
    return f"{mounted}-twin"


def lock_token(rotation: Rotated) -> str:
    """Return what asks for the change by which the login before the latest turn ends."""
    return f"lock {rotation.turn or ''}".rstrip()


def wanted_token(rotation: Rotated, side: Side) -> str | None:
    """Return which change of this user's password the turn under way, or its end, asks for; None if it asks for none."""
    if rotation.turning_to is not None:
        return rotation.turn if rotation.turning_to == side else None
    is_before = rotation.active is not None and rotation.active != side
    return lock_token(rotation) if is_before and rotation.lock_at is not None else None


def needs_twin(rotation: Rotated | None, *, wants_two: bool) -> bool:
    """Return whether the second user is to be there: if the spec asks for two, or as long as its login is, or was a while ago,
    the one in the credentials Secret.
    """
    if wants_two or rotation is None or rotation.active is None:
        return wants_two
    return rotation.active == TWIN or rotation.lock_at is not None


def refusal(observed: "Observed[DatabaseUserSpec]", mounted: str) -> str | None:
    """Return why this user can have no second one; None if it can."""
    if observed.status.adopted:
        return (
            "rotation.strategy: TwoUsers is for users that the operator has made, because it does not know all rights of one "
            "that was there before: say InPlace, or make another user"
        )
    if len(mounted) > MAX_SECRET:
        return f"rotation.strategy: TwoUsers needs a name of at most {MAX_SECRET} characters for the credentials Secret"
    return None


def twin_resources(observed: "Observed[DatabaseUserSpec]", user: str, mounted: str) -> Iterator[OwnedResource]:
    """Yield the second user, which has all that the spec gives to the first, and the rights that resources of their own give."""
    spec = observed.spec
    name = twin_name(observed.name)
    given: dict[str, object] = {
        "datastoreRef": _written(spec.datastore_ref),
        "projectRef": None if spec.project_ref is None else _written(spec.project_ref),
        "name": twin_user(user),
        "secretName": twin_secret(mounted),
        "databaseRef": None if spec.database_ref is None else _written(spec.database_ref),
        "databases": None if spec.databases is None else [_written(each) for each in spec.databases],
        "access": None if spec.access is None else [_written(each) for each in spec.access],
        "roles": None if spec.roles is None else list(spec.roles),
        "settings": None if spec.settings is None else dict(spec.settings),
        "probe": spec.probe,
        "adoption": "Never",
        "driftPolicy": spec.drift_policy,
        **_end(observed),
        # What is not said of the first, nobody may say of the second either.
        "passwordSecretRef": None,
        "credentials": None,
        "rotation": None,
        "rolloutRestart": None,
    }
    yield OwnedResource(TWIN_KIND, name, given)
    yield from _mirrored(observed, name)


def _mirrored(observed: "Observed[DatabaseUserSpec]", twin: str) -> Iterator[OwnedResource]:
    """Yield for the second user what others have made for the first: each grant, each access rule, and a grant for each database
    that the first one owns.
    """
    listed = [_plain(_written(each), observed.namespace) for each in observed.spec.databases or ()]
    granted: list[object] = [*listed]
    for naming in observed.pair.naming:
        stated = {field: naming.spec[field] for field in _MIRRORED if naming.spec.get(field) is not None}
        told = {field: _plain(value, observed.namespace) for field, value in stated.items()}
        if naming.kind == "ManagedDatabase":
            told = {"datastoreRef": _written(observed.spec.datastore_ref), "databaseRef": {"name": naming.name}}
        if naming.kind == "KafkaACL":
            yield _for_twin(observed, twin, naming.kind, f"access {naming.name}", told)
        elif (database := told.get("databaseRef")) not in granted:
            # Called after its database: whoever asks for it, it is the same grant, and is not made again.
            granted.append(database)
            yield _for_twin(observed, twin, "DatabaseGrant", f"grant {database}", told)


def _for_twin(
    observed: "Observed[DatabaseUserSpec]", twin: str, kind: str, about: str, told: dict[str, object]
) -> OwnedResource:
    spec = {**told, "userRef": {"name": twin}, "adoption": "Never", **_end(observed)}
    return OwnedResource(kind, _bounded(f"{twin}-{_digest(about)}", _MAX_NAME), spec)


def _end(observed: "Observed[DatabaseUserSpec]") -> dict[str, object]:
    """Return what decides how a resource ends: as the first user does."""
    return {
        "deletionPolicy": observed.spec.deletion_policy,
        "deletionProtection": observed.spec.deletion_protection,
    }


def _plain(value: object, namespace: str) -> object:
    """Return a reference without the namespace, if that is the one it lies in: both ways name the same."""
    if not isinstance(value, Mapping) or value.get("namespace") != namespace:
        return value
    return {field: each for field, each in value.items() if field != "namespace"}


def _bounded(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 11].rstrip('-.')}-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _written(model: Spec) -> dict[str, object]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
