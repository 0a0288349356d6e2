"""Checks that a new connection leads to the API that has the project's objects: one of these objects has to answer there.

Another endpoint, other credentials or another identity service may lead to the same project in another region, which has none
of the objects: all of them would look deleted.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from managed_databases.api.calls import ObjectCollection
from managed_databases.api.client import Client
from managed_databases.api.errors import Forbidden, NotFound
from managed_databases.kinds.kind import CloudKind, Kind
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.ports import Resource, SecretContent

_MAX_MISSING = 8
"""So many objects that the API does not have are enough; the first one that answers is enough as well."""
_MAX_UNTOLD = 8
"""So many answers of a section are enough that tell neither: permissions are those of a section, which may have many objects."""
_MAX_NAMED = 8
"""The most open attempts that a message names."""


@dataclass(frozen=True)
class KnownObject:
    """An object that a resource holds."""

    collection: ObjectCollection
    id: str


@dataclass(frozen=True)
class OpenAttempt:
    """A creation whose outcome is not known: its resource, as messages name it, and the address of the API where it was made, if
    that is known.
    """

    resource: str
    endpoint: str | None = None


@dataclass(frozen=True)
class Known:
    """What the API of a project must have: the `objects` that resources hold, and whatever the open `attempts` have made, which
    only a list of the same API can tell.
    """

    objects: Iterable[KnownObject] = ()
    attempts: tuple[OpenAttempt, ...] = ()


@dataclass(frozen=True)
class Reached:
    """Where a project was found: the API's address, and the version of the spec and Secret that led there."""

    endpoint: str
    access: str


def credentials_version(secret: SecretContent, *told: str | None) -> str:
    """Return a version of the Secret and of the spec's addresses, without any content of the Secret."""
    whole = "\n".join((secret.name, secret.resource_version, *(part or "" for part in told)))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def known_in(project: str, kinds: Mapping[str, Kind], resources: Iterable[Resource]) -> Known:
    held = [each for each in resources if each.told.project == project]
    attempts = [
        OpenAttempt(str(each.key), each.told.begun_at)
        for each in sorted(held, key=lambda each: str(each.key))
        if each.told.has_intent and not each.told.id
    ]
    return Known(_known_objects(kinds, held), tuple(attempts))


def _known_objects(kinds: Mapping[str, Kind], held: Iterable[Resource]) -> Iterator[KnownObject]:
    """Return the objects that these resources hold and the API has not said to be gone; datastores first."""
    held = tuple(held)
    gone = {each.told.id for each in held if each.told.has_reason(Reason.GONE)}
    found: list[tuple[bool, str, KnownObject]] = []
    for resource in held:
        kind, id_ = kinds[resource.key.kind], resource.told.id
        if not isinstance(kind, CloudKind) or not id_ or gone & {id_, resource.told.datastore_id}:
            continue
        found.append((kind.is_inside, id_, KnownObject(kind.collection, id_)))
    return (known for _, _, known in sorted(found, key=lambda each: each[:2]))


async def where_they_are_not(
    name: str, client: Client, endpoint: str, known: Known, before: str | None
) -> Stall | None:
    """Ask for objects until one answers; return the stall if the API has none of them, else None. Raises ApiError.

    If no object is held, the outcome of an open attempt can only be seen at the API where the attempt was made, whose address is
    in the resource's status and so outlives the project's status. For an attempt without that address, `before` counts: the
    address at which the project was last found.
    """
    missing: list[str] = []
    untold = Counter[str]()
    for each in known.objects:
        if len(missing) == _MAX_MISSING:
            break
        if untold[each.collection.one] == _MAX_UNTOLD:
            continue
        try:
            reply = await client.send(each.collection.get(each.id))
        except NotFound as error:
            if not error.is_about(each.collection.words, each.id):
                raise
            missing.append(f"{each.collection.one} {each.id}")
            continue
        except Forbidden:  # what may not be looked at cannot be listed either
            untold[each.collection.one] += 1
            continue
        if reply.value is not None and reply.value.id == each.id:
            return None
        untold[each.collection.one] += 1
    if not missing:
        return _begun_elsewhere(name, endpoint, known.attempts, before)
    return Stall(
        Reason.PROJECT_CHANGED,
        f"the API at {endpoint} has none of what the resources of the DatabaseProject {name} hold (asked for "
        f"{', '.join(missing)}): put the endpoint, the identity service and the credentials back that lead to them; for "
        "another region make another DatabaseProject",
    )


def _begun_elsewhere(name: str, endpoint: str, attempts: Iterable[OpenAttempt], before: str | None) -> Stall | None:
    begun = [(each.resource, each.endpoint or before) for each in attempts]
    elsewhere = [(resource, where) for resource, where in begun if where not in (None, endpoint)]
    if not elsewhere:
        return None
    told = ", ".join(resource for resource, _ in elsewhere[:_MAX_NAMED])
    return Stall(
        Reason.PROJECT_CHANGED,
        f"the DatabaseProject {name} led to {elsewhere[0][1]} when {told} began to be made, and leads to {endpoint} now, where "
        "what was made may not be: put the endpoint, the identity service and the credentials back until the outcome is known",
    )
