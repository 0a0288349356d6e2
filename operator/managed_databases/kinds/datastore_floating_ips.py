"""Public addresses of a datastore's nodes: given last, behind the firewall; taken first; never moved by themselves.

A role can move to another node, with the address staying where it is. Whoever has the address in a firewall or in a DNS
zone would lose it by a "correction", so only a change of the spec changes addresses: `status.floatingIPs` remembers the
wish that was fulfilled last, and while the spec says the same, a difference is only told.
"""

from collections.abc import Iterator, Mapping

from managed_databases.api.collections import add_floating_ip, remove_floating_ip
from managed_databases.api.models import Datastore, FloatingIPChange, Instance
from managed_databases.kinds.datastore_catalogue import invalid, natural
from managed_databases.kinds.datastore_endpoints import is_master
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.managed_datastore_status import FloatingIPsStatus
from managed_databases.kinds.not_told import SETTLED
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Change, Reason, Risk, Wait


def at_creation(spec: ManagedDatastoreSpec) -> Mapping[str, int] | None:
    """Return what the creation asks for: nothing while a firewall is still to come. Raises SpecRefused."""
    wish = spec.floating_ips
    if wish is None:
        return None
    nodes = spec.node_count or 1
    if (wish.replicas or 0) > nodes - 1:
        raise _too_many(wish.replicas or 0, nodes - 1)
    if spec.firewall is not None:
        return None
    counts = {"master": int(wish.master or False), "replica": wish.replicas or 0}
    return counts if any(counts.values()) else None


def given_up(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield the first address that a changed spec does not want any more."""
    for instances, wanted in _changed_roles(observed):
        with_one = [instance for instance in instances if instance.floating_ip]
        for instance in with_one[wanted:]:
            yield Change(
                Reason.DRIFT,
                f"{_name(instance)} gives up its public address {instance.floating_ip}",
                remove_floating_ip(FloatingIPChange(instance_id=instance.id or "")),
                Risk.DESTRUCTIVE,
                guards=True,
            )


def given(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield the addresses that a changed spec wants. Raises SpecRefused when there are fewer nodes than that, and while the
    API does not tell the nodes.
    """
    if not _is_remembered(observed) and not observed.existing.tells("instances"):
        message = "the API does not tell the datastore's nodes: floatingIPs waits until it does"
        raise SpecRefused(Wait(Reason.NOT_TOLD, message))
    for instances, wanted in _changed_roles(observed):
        missing = wanted - sum(bool(instance.floating_ip) for instance in instances)
        for instance in [instance for instance in instances if not instance.floating_ip][: max(missing, 0)]:
            yield Change(
                Reason.DRIFT,
                f"{_name(instance)} gets a public address",
                add_floating_ip(FloatingIPChange(instance_id=instance.id or "")),
            )
        if wanted > len(instances):
            raise _too_many(wanted, len(instances))


def fulfilled(observed: ObservedDatastore) -> FloatingIPsStatus | None:
    """Return the wish to remember: the spec's, once the addresses are as it says, and until it says something else."""
    wish = observed.spec.floating_ips
    if wish is None:
        return None
    if not _is_remembered(observed) and (
        observed.external is None or not observed.external.tells("instances") or any(_deviations(observed))
    ):
        return None
    return FloatingIPsStatus(master=wish.master, replicas=wish.replicas)


def on_other_role(observed: ObservedDatastore) -> str | None:
    """Return what to say when the addresses were as the spec says, and are not any more."""
    if observed.external is None or observed.external.status not in SETTLED or not _is_remembered(observed):
        return None
    deviations = list(_deviations(observed))
    if not deviations:
        return None
    return (
        f"{'; '.join(deviations)}: a node has changed its role or has lost its address, and addresses are not moved by "
        "themselves. Connect to where they are now; or have them made anew by taking spec.floatingIPs away and putting "
        "it back, which gives up the present ones"
    )


def public_addresses(datastore: Datastore) -> list[str]:
    return [instance.floating_ip for instance in datastore.instances or () if instance.floating_ip]


def _changed_roles(observed: ObservedDatastore) -> Iterator[tuple[list[Instance], int]]:
    if not _is_remembered(observed):
        yield from _roles(observed)


def _roles(observed: ObservedDatastore) -> Iterator[tuple[list[Instance], int]]:
    """The instances of each role that the spec speaks of, and how many of them shall have an address."""
    wish, datastore = observed.spec.floating_ips, observed.external
    if wish is None or datastore is None or not datastore.tells("instances"):
        return
    known = sorted(
        (instance for instance in datastore.instances or () if instance.id),
        key=lambda one: (natural(one.role_name or ""), one.id or ""),
    )
    if wish.master is not None:
        yield [instance for instance in known if is_master(instance)], int(wish.master)
    if wish.replicas is not None:
        yield [instance for instance in known if not is_master(instance)], wish.replicas


def _deviations(observed: ObservedDatastore) -> Iterator[str]:
    for instances, wanted in _roles(observed):
        there = [instance for instance in instances if instance.floating_ip]
        if len(there) != wanted:
            role = "the master" if not instances or is_master(instances[0]) else "replicas"
            where = f" ({', '.join(f'{one.floating_ip} on {_name(one)}' for one in there)})" if there else ""
            yield f"public addresses on {role}: {len(there)} instead of {wanted}{where}"


def _is_remembered(observed: ObservedDatastore) -> bool:
    wish, remembered = observed.spec.floating_ips, observed.status.floating_ips
    if wish is None or remembered is None:
        return wish is None
    return (wish.master, wish.replicas) == (remembered.master, remembered.replicas)


def _name(instance: Instance) -> str:
    return instance.role_name or instance.role or instance.id or "a node"


def _too_many(wanted: int, replicas: int) -> SpecRefused:
    return invalid(
        f"floatingIPs.replicas: {wanted} asked for, but there {'is' if replicas == 1 else 'are'} {replicas or 'no'} "
        f"{'replica' if replicas == 1 else 'replicas'}: say fewer, or raise nodeCount"
    )
