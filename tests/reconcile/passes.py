"""Passes as they stand after a look, for tests of what goes on with them."""

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.current_pass import PassContext, PassInProject
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.reading import Specs, read_status
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.work_queue import Priority

KINDS = cloud_kinds(kinds())


def observed(resource: Resource, view: ProjectView) -> Observed:
    """What a look sees in the resource alone."""
    kind = KINDS[resource.key.kind]
    return Observed(
        namespace=resource.key.namespace,
        name=resource.key.name,
        uid=resource.uid,
        generation=resource.generation,
        annotations=resource.annotations,
        deleting=resource.deleting_since is not None,
        spec=Specs().of(kind, resource),
        status=read_status(kind, resource.status),
        project=view,
    )


def pass_in_project(resource: Resource, session: ProjectSession, view: ProjectView) -> PassInProject:
    kind = KINDS[resource.key.kind]
    return PassInProject(
        resource=resource,
        kind=kind,
        observed=observed(resource, view),
        context=PassContext(memory=Memory(resource.uid), woken_by=Priority.LOW),
        checks=PasswordChecks(Seals(OwnershipKey.generate())),
        session=session,
        view=view,
        snapshot=session.lists.snapshot(kind),
    )
