"""Decides what to do next about the resources that a spec lists inline."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import Observed, ObservedOwned
from managed_databases.kinds.verdicts import Arrange, OwnedResource, Reason, Stall, Verdict, Wait


def owned_step(kind: CloudKind, observed: Observed) -> Verdict | None:
    """Return the next step (make, change or delete an owned resource), or what is waited for; None if all owned resources are as
    the spec says.
    """
    return next(_steps(kind, observed), None)


def let_go_step(observed: Observed, *, retain: bool) -> Arrange | None:
    """Return the next step for the owned resources of a resource that is being deleted; None if they may follow their owner.

    Kubernetes' garbage collection deletes owned resources once their owner is gone, and nobody else would lift their
    protection. So their deletion policy becomes the owner's before that.
    """
    way = {"deletionPolicy": "Retain"} if retain else {"deletionPolicy": "Delete", "deletionProtection": False}
    for owned in observed.owned:
        stays = any(owned.spec.get(field) != value for field, value in way.items())
        if owned.is_ours and not owned.is_going and stays:
            message = (
                f"{owned.kind} {owned.name}, which is asked for here, is {'let go' if retain else 'to go'} with it"
            )
            return Arrange(Reason.DELETING, message, OwnedResource(owned.kind, owned.name, way), if_there=True)
    return None


def _steps(kind: CloudKind, observed: Observed) -> Iterator[Verdict]:
    wanted = {(owned.kind, owned.name): owned for owned in kind.owned(observed)}
    there = {(owned.kind, owned.name): owned for owned in observed.owned}
    for name, found in _under_other_names(wanted, there).items():
        wanted[found.kind, found.name] = replace(wanted.pop(name), name=found.name)
    for name, found in there.items():
        if name not in wanted and found.is_ours and not found.is_going:
            doomed = OwnedResource(found.kind, found.name, found.spec)
            yield Arrange(Reason.DRIFT, f"{found.kind} {found.name} is not asked for any more", doomed, doomed=True)
    for name, owned in wanted.items():
        yield from _one(owned, there.get(name))


def _under_other_names(
    wanted: Mapping[tuple[str, str], OwnedResource], there: Mapping[tuple[str, str], ObservedOwned]
) -> dict[tuple[str, str], ObservedOwned]:
    """Return the owned resources that are as wanted, but have a name that an earlier version of the operator chose.

    They stay, because those who use them would otherwise be cut off for a moment.
    """
    spare = [found for name, found in there.items() if name not in wanted and found.is_ours and not found.is_going]
    same: dict[tuple[str, str], ObservedOwned] = {}
    for name, owned in wanted.items():
        if name in there:
            continue
        for found in spare:
            if found.kind == owned.kind and all(found.spec.get(field) == value for field, value in owned.spec.items()):
                same[name] = found
                spare.remove(found)
                break
    return same


def _one(owned: OwnedResource, found: ObservedOwned | None) -> Iterator[Verdict]:
    label = f"{owned.kind} {owned.name}"
    if found is None:
        yield Arrange(Reason.ABSENT, f"{label} is asked for and not there yet", owned)
        return
    differs = any(found.spec.get(field) != value for field, value in owned.spec.items())
    if found.has_lost_a_mark and differs:
        message = f"{label} has lost a mark of belonging here, and is not as asked for: delete it, or do not ask for it"
        yield Stall(Reason.RESOURCE_CONFLICT, message)
    elif not found.is_ours and not found.has_lost_a_mark:
        yield Stall(Reason.RESOURCE_CONFLICT, f"{label} exists and belongs to something else: remove one of the two")
    elif found.is_going:
        yield Wait(Reason.PENDING, f"waits for the deletion of {label}, which is then made again")
    elif differs:
        yield Arrange(Reason.DRIFT, f"{label} differs from what is asked for", owned)
    elif found.has_lost_a_mark:
        yield Arrange(Reason.DRIFT, f"{label} has lost what marks it as belonging here", owned)
    elif found.trouble is not None:
        yield Wait(Reason.PENDING, f"waits for {label}: {found.trouble}")
