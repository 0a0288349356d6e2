"""Everything of a `DatabaseProject` is pinned to one cloud project and one region; nothing is done in another one."""

from collections.abc import Sequence

from managed_databases.api.models import CloudObject
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.ports import Resource


def identity_problem(
    resource: Resource, spec: DatabaseProjectSpec, view: ProjectView | None, project_id: str
) -> Stall | None:
    """Why nothing may be done with credentials for this project; None when it is the one of the spec, the status, and what
    this process has used (`view`).
    """
    name = resource.key.name
    pinned = (spec.project_id, resource.status.get("projectID"), view.project_id if view else None)
    for project in pinned:
        if project not in (None, project_id):
            return project_changed(name, str(project), project_id)
    regions = (resource.status.get("region"), view.region if view else None)
    for region in regions:
        if region not in (None, spec.region):
            return Stall(
                Reason.PROJECT_CHANGED,
                f"the resources of the DatabaseProject {name} are in region {region}, its spec says {spec.region}: "
                "put that back; for another region make another DatabaseProject",
            )
    return None


def foreign_project(objects: Sequence[CloudObject], project_id: str) -> str | None:
    """The project of the first object that says to be in another one, when none says to be in this one."""
    told = [obj.project_id for obj in objects if obj.project_id is not None]
    return next(iter(told), None) if project_id not in told else None


def project_changed(name: str, pinned: str, found: str) -> Stall:
    """The credentials lead to another project than the one that everything is pinned to."""
    return Stall(
        Reason.PROJECT_CHANGED,
        f"the credentials of the DatabaseProject {name} are for project {found}, its resources are in {pinned}: "
        "nothing is done until credentials for that project are put back; for another project make another "
        "DatabaseProject",
    )
