"""The differences between a datastore and its spec, as calls in the order in which they are made.

A field that the cloud does not tell is no difference.
"""

from collections.abc import Callable, Iterable, Iterator

from managed_databases.api.calls import Call
from managed_databases.api.collections import (
    configure,
    export_logs,
    rename,
    set_backups,
    set_firewall,
    set_pooler,
    set_protection,
    set_security_groups,
    stop_exporting_logs,
)
from managed_databases.api.models import (
    BackupsChange,
    ConfigChange,
    Datastore,
    FirewallChange,
    LogPlatformChange,
    ProtectionChange,
    SecurityGroupsChange,
)
from managed_databases.kinds import datastore_configuration as configuration
from managed_databases.kinds import datastore_floating_ips as floating_ips
from managed_databases.kinds.datastore_catalogue import catalogue_of
from managed_databases.kinds.datastore_facts import DatastoreFacts
from managed_databases.kinds.datastore_guard import guard_of
from managed_databases.kinds.datastore_managed import (
    CONFIG,
    DEFAULT_POOLER,
    FIREWALL,
    LOG_EXPORT,
    POOLER,
    engine_parameters,
    is_ours,
    limited_parameters,
    ours,
    whole_pooler,
)
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.datastore_size import size_changes
from managed_databases.kinds.names import prefixed_name
from managed_databases.kinds.observed import SpecRefused, all_of
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall


def changes(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield a change for each difference; at the end raise SpecRefused for all differences that cannot be changed, so that these
    hold up none of the others.

    Guards (addresses to give up, firewall, security groups, protection) come first and new public addresses last: no address
    is opened before its guard is there.
    """
    parts: tuple[Callable[[ObservedDatastore], Iterable[Change]], ...] = (
        floating_ips.given_up, _firewall, _security_groups, _protection, _name, _backups, _log_export, _pooler,
        _config, size_changes, _public_addresses,
    )  # fmt: skip
    refusals: list[SpecRefused] = []
    for part in parts:
        try:
            yield from part(observed)
        except SpecRefused as refused:
            refusals.append(refused)
    if refusals:
        raise all_of(refusals)


def lift_protection(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield the change that turns the cloud's protection off: the API deletes no protected datastore."""
    if observed.external is not None and observed.external.is_protected:
        yield Change(Reason.DELETING, "the cloud's protection is lifted", _protect(observed, on=False), Risk.NONE)


def _name(observed: ObservedDatastore) -> Iterator[Change]:
    wanted, datastore = prefixed_name(observed), observed.existing
    if datastore.name == wanted:
        return
    if taken := (*(other.id for other in observed.same_key.namesakes), *observed.same_key.held):
        raise SpecRefused(
            Stall(
                Reason.CONFLICT if observed.same_key.held else Reason.ALREADY_EXISTS,
                f"cannot be renamed: {', '.join(sorted(taken))} has this name already; choose another one",
            )
        )
    message = f"the name {datastore.name} becomes {wanted}"
    yield Change(Reason.RENAMING, message, rename(datastore.id, wanted), Risk.NONE)


def _protection(observed: ObservedDatastore) -> Iterator[Change]:
    wanted, actual = observed.spec.deletion_protection, observed.existing.is_protected
    if actual is not None and actual != wanted:
        message = f"the protection against deletion is turned {'on' if wanted else 'off'}"
        yield Change(Reason.DRIFT, message, _protect(observed, on=wanted), Risk.NONE, guards=True)


def _protect(observed: ObservedDatastore, *, on: bool) -> Call[Datastore]:
    return set_protection(observed.existing.id, ProtectionChange(protection=on))


def _firewall(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield the change of the firewall. If the cloud does not show a firewall, the operator sets it, but only once."""
    wanted, datastore = observed.spec.firewall, observed.existing
    if wanted is None:
        if is_ours(observed, FIREWALL):
            if public := floating_ips.public_addresses(datastore):
                raise _unguarded(public)
            call = set_firewall(datastore.id, FirewallChange(ips=()))
            yield Change(Reason.RESETTING, "the firewall left the spec: it is emptied", call, unmanages=(FIREWALL,))
        return
    if _firewall_differs(observed):
        call = set_firewall(datastore.id, FirewallChange(ips=wanted))
        message = f"the firewall lets in {', '.join(wanted) or 'what an empty list lets in'}"
        facts = DatastoreFacts(guard=guard_of(wanted))
        yield Change(Reason.DRIFT, message, call, manages=(FIREWALL,), guards=True, facts=facts)


def _firewall_differs(observed: ObservedDatastore) -> bool:
    wanted = observed.spec.firewall
    if wanted is None:
        return False
    told = observed.existing.firewall
    if told is None:
        return observed.status.guard != guard_of(wanted)
    return guard_of(wanted) != guard_of(entry.ip for entry in told)


def _unguarded(public: Iterable[str]) -> SpecRefused:
    return SpecRefused(
        Stall(
            Reason.GUARD_NEEDED,
            f"the firewall left the spec, but it guards public addresses ({', '.join(public)}), so it stays as it is: "
            "say firewall: [] if it shall really be emptied, or give the addresses up with floatingIPs",
        )
    )


def _public_addresses(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield new public addresses, but only once the firewall of the spec is applied."""
    if not _firewall_differs(observed):
        yield from floating_ips.given(observed)


def _security_groups(observed: ObservedDatastore) -> Iterator[Change]:
    wanted, datastore = observed.spec.security_groups, observed.existing
    if wanted is not None and datastore.security_groups is not None and set(wanted) != set(datastore.security_groups):
        call = set_security_groups(datastore.id, SecurityGroupsChange(security_groups=wanted))
        yield Change(Reason.DRIFT, f"the security groups become {', '.join(wanted)}", call, guards=True)


def _backups(observed: ObservedDatastore) -> Iterator[Change]:
    wanted, datastore = observed.spec.backup_retention_days, observed.existing
    actual = datastore.backup_retention_days
    if wanted is not None and actual is not None and wanted != actual:
        call = set_backups(datastore.id, BackupsChange(backup_retention_days=wanted))
        yield Change(Reason.DRIFT, f"backups are kept {wanted} days instead of {actual}", call, Risk.NONE)


def _log_export(observed: ObservedDatastore) -> Iterator[Change]:
    wanted, datastore = observed.spec.log_export, observed.existing
    if wanted is None:
        if is_ours(observed, LOG_EXPORT):
            message = "logExport left the spec: the export of logs is turned off"
            call = stop_exporting_logs(datastore.id)
            yield Change(Reason.RESETTING, message, call, Risk.NONE, unmanages=(LOG_EXPORT,))
        return
    actual = datastore.log_platform.log_group if datastore.log_platform else None
    if "log_platform" in datastore.model_fields_set and actual != wanted.log_group:
        call = export_logs(datastore.id, LogPlatformChange(log_group=wanted.log_group))
        yield Change(Reason.DRIFT, f"logs go to {wanted.log_group}", call, Risk.NONE, manages=(LOG_EXPORT,))


def _pooler(observed: ObservedDatastore) -> Iterator[Change]:
    wanted, datastore = observed.spec.pooler, observed.existing
    if wanted is None:
        if is_ours(observed, POOLER):
            call = set_pooler(datastore.id, DEFAULT_POOLER)
            yield Change(Reason.RESETTING, "the pooler left the spec: it gets its defaults", call, unmanages=(POOLER,))
        return
    actual = datastore.pooler
    if actual is None:
        return
    whole = whole_pooler(wanted, datastore)
    if (actual.mode or whole.mode, actual.size or whole.size) != (whole.mode, whole.size):
        message = f"the pooler's mode becomes {whole.mode}, its size {whole.size}"
        yield Change(Reason.DRIFT, message, set_pooler(datastore.id, whole), manages=(POOLER,))


def _config(observed: ObservedDatastore) -> Iterator[Change]:
    """Yield one change with all parameters that differ and are valid; invalid ones do not hold up the others."""
    datastore, config = observed.existing, observed.spec.config or {}
    catalogue_of(observed)
    parameters = engine_parameters(observed)
    wanted, refusals = configuration.judged(parameters, config, limited_parameters(observed))
    left = {name.removeprefix(CONFIG) for name in ours(observed) if name.startswith(CONFIG)} - set(config)
    differing, removed, told = configuration.revision(parameters, wanted, datastore.config, left)
    if differing or removed:
        restarting = {parameter.name for parameter in parameters or () if parameter.is_restart_required}
        yield Change(
            Reason.DRIFT if differing else Reason.RESETTING,
            f"configuration: {told}",
            configure(datastore.id, ConfigChange(config={**differing, **dict.fromkeys(removed)})),
            Risk.RESTART if restarting & {*differing, *removed} else Risk.ONLINE,
            tuple(CONFIG + name for name in removed),
            tuple(CONFIG + name for name in differing),
        )
    if refusals:
        raise all_of(refusals)
