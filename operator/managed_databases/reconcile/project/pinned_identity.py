"""Checks that a `DatabaseProject` still leads to the cloud project and region that it is pinned to.

The operator does nothing in any other project or region.
"""

from collections.abc import Sequence

from managed_databases.api.models import CloudObject
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.told import ToldProject


def identity_problem(
    resource: Resource, spec: DatabaseProjectSpec, view: ProjectView | None, project_id: str
) -> Stall | None:
    """Return why these credentials may not be used: they are for another project than the spec, the status, or the connection
    of this process (`view`) says. None if all agree.
    """
    name, told = resource.key.name, ToldProject(resource.status)
    pinned = (spec.project_id, told.project_id, view.project_id if view else None)
    for project in pinned:
        if project not in (None, project_id):
            return project_changed(name, str(project), project_id)
    regions = (told.region, view.region if view else None)
    for region in regions:
        if region not in (None, spec.region):
            return Stall(
                Reason.PROJECT_CHANGED,
                f"the resources of the DatabaseProject {name} are in region {region}, its spec says {spec.region}: "
                "put that back; for another region make another DatabaseProject",
            )
    return None


def foreign_project(objects: Sequence[CloudObject], project_id: str) -> str | None:
    """Return the project id of the first object that says to be in another project, if no object says to be in this one."""
    told = [obj.project_id for obj in objects if obj.project_id is not None]
    return next(iter(told), None) if project_id not in told else None


def project_changed(name: str, pinned: str, found: str) -> Stall:
    """Return the stall for credentials that lead to another project (`found`) than the pinned one."""
    return Stall(
        Reason.PROJECT_CHANGED,
        f"the credentials of the DatabaseProject {name} are for project {found}, its resources are in {pinned}: "
        "nothing is done until credentials for that project are put back; for another project make another "
        "DatabaseProject",
    )
