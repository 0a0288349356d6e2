"""Puts together what runs a pass over a resource of the cloud."""

from collections.abc import Callable, Mapping
from typing import Final

from managed_databases.kinds.kind import CloudKind
from managed_databases.reconcile.act.actor import Actor
from managed_databases.reconcile.act.credentials import CredentialReader
from managed_databases.reconcile.act.given_passwords import GivenPasswords
from managed_databases.reconcile.act.letting_go import LettingGo
from managed_databases.reconcile.act.looks_by_id import LooksById
from managed_databases.reconcile.act.password_change import PasswordChange
from managed_databases.reconcile.act.retry_policy import RetryPolicy
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.act.sender import Sender
from managed_databases.reconcile.act.standing_marks import StandingMarks
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.keepers.keepers import Keepers
from managed_databases.reconcile.observe.observer import Observer
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.reading import Specs
from managed_databases.reconcile.observe.resolved_references import References
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.ports import Kube, ResourceCache, ResourceKey
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.reconciler import Interest, Reconciler
from managed_databases.reconcile.report.deferred_write import DeferredWrite
from managed_databases.reconcile.report.event_recorder import EventRecorder
from managed_databases.reconcile.report.missing_grace import MissingGrace
from managed_databases.reconcile.report.status_writer import StatusWriter

MADE_POLLS: Final = 2
"""For so many polls of pending objects the id of a new object may wait for the end of the cloud's work."""


def assembled_reconciler(
    *,
    cache: ResourceCache,
    kube: Kube,
    clock: Clock,
    settings: ControllerSettings,
    kinds: Mapping[str, CloudKind],
    draw: Callable[[], float],
    owners: OwnershipIndex,
    seals: Seals,
    specs: Specs,
    ownership: SecretOwnership,
    projects: Projects,
    keepers: Keepers,
    writer: StatusWriter,
    event_recorder: EventRecorder,
    interest: Interest,
    arranged: Callable[[ResourceKey], None],
) -> Reconciler:
    """`draw` returns a random number in [0, 1); `arranged` is called with a resource that a pass has made or changed."""
    sender = Sender(owners)
    return Reconciler(
        kube=kube,
        owners=owners,
        observer=Observer(
            cache=cache,
            owners=owners,
            projects=projects,
            references=References(cache, owners, kinds.__getitem__, specs.of),
            clock=clock,
            specs=specs,
            kind_of=kinds.__getitem__,
            pending_limit_seconds=settings.pending_limit_seconds,
            seals=seals,
        ),
        reader=CredentialReader(
            kube, cache, ownership, clock, GivenPasswords(kube, settings.accept_unlabelled_passwords)
        ),
        actor=Actor(
            cache=cache,
            kube=kube,
            writer=writer,
            owners=owners,
            clock=clock,
            settings=settings,
            sender=sender,
            passwords=PasswordChange(kube, ownership, writer, sender, clock),
            letting_go=LettingGo(kube, cache, owners, ownership, keepers.copies.is_busy),
            arranged=arranged,
        ),
        retry_policy=RetryPolicy(clock, settings, draw),
        looks=LooksById(kinds, clock, settings, draw),
        keepers=keepers,
        standing_marks=StandingMarks(kube, event_recorder),
        writer=writer,
        deferred_write=DeferredWrite(clock, MADE_POLLS * settings.pending_poll_seconds),
        missing_grace=MissingGrace(clock),
        interest=interest,
    )
