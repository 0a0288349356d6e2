"""Finds the project that a resource is in, and checks whether the resource's namespace may use it."""

from dataclasses import dataclass, replace
from typing import Final

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.project_view import Power, ProjectView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.observe.resolved_references import References
from managed_databases.reconcile.ports import ResourceCache, ResourceKey
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling import dependencies as dependency

MAY_BE_GONE_FOR_GOOD: Final = (Reason.CREDENTIALS_INVALID, Reason.SECRET_MISSING, Reason.ADDRESS_REFUSED)
"""Reasons why a project's credentials cannot be used, perhaps never again: the message of a deletion says how to go on without
them.
"""


@dataclass(frozen=True)
class ProjectAccess:
    cache: ResourceCache
    projects: Projects
    references: References

    def opened(self, current: Pass) -> PassInProject | Wait | Stall:
        """Return the same pass in its project; a Wait or a Stall if the project cannot be used."""
        name = self._name(current)
        return self._in_project_named(current, name) if isinstance(name, str) else name

    def _name(self, current: Pass) -> str | Wait | Stall:
        """Return the name of the resource's project: the pinned one, else the one in the spec, else the parent's, else the
        default one; a Wait or a Stall if it cannot be told.
        """
        observed, status = current.observed, current.observed.status
        if status.identity is not None and (status.pinned or observed.deleting):
            return status.identity.project
        if observed.spec.project_ref is not None:
            return observed.spec.project_ref.name
        for reference in current.kind.references:
            to = reference.of(observed.spec)
            if not reference.parent or to is None or to[0] != "name":
                continue
            parent = self.references.parent_by_name(current.resource, reference, to, current.dependencies)
            if isinstance(parent, Wait):
                return parent
            if (project := parent.told.project) is not None:
                return str(project)
            return Wait(Reason.PARENT_NOT_READY, f"waits for {parent.key}, which is not created yet")
        current.dependencies.add(dependency.default_project())
        return self.projects.default_name()

    def _in_project_named(self, current: Pass, name: str) -> PassInProject | Wait | Stall:
        current.dependencies.add(dependency.project(name))
        session, namespace = self.projects.session(name), current.resource.key.namespace
        exists = self.cache.get(ResourceKey(PROJECT.name, "", name)) is not None
        current.is_oriented = not exists or (session is not None and session.is_opened)
        way_out = (
            f", or annotate {FORCE_DELETE}: true to let go of the cloud object" if current.observed.deleting else ""
        )
        if session is None and exists:  # a process that has only started comes to it
            return Wait(Reason.PROJECT_NOT_READY, f"waits for the DatabaseProject {name}")
        if session is None:
            return Wait(
                Reason.PROJECT_MISSING, f"there is no DatabaseProject {name}: {_for_a_missing(current)}{way_out}"
            )
        powers = self.projects.granted_powers(name, namespace)
        if powers is None:
            return Stall(
                Reason.FORBIDDEN,
                f"the DatabaseProject {name} does not allow the namespace {namespace}: its "
                f"spec.allowedNamespaces must name it{way_out}",
            )
        view = _usable(current, session, way_out)
        if isinstance(view, Wait | Stall):
            return view
        current.interests.poll_seconds = current.observed.spec.poll_seconds
        current.interests.polled[current.kind.collection.name] = current.kind
        return PassInProject(
            resource=current.resource,
            kind=current.kind,
            observed=current.observed,
            context=current.context,
            checks=current.checks,
            interests=current.interests,
            is_oriented=current.is_oriented,
            session=session,
            view=_with_powers(view, powers, self.projects.name_prefixes(view.name, namespace)),
            snapshot=session.lists.snapshot(current.kind),
        )


def _for_a_missing(current: Pass) -> str:
    """Return what to do about a project that there is not: few of those who refer to one may make one."""
    to_do = "ask whoever runs the operator to create it"
    is_pinned = current.observed.status.pinned is not None or current.observed.deleting
    if is_pinned or current.observed.spec.project_ref is None:
        return to_do
    return f"correct projectRef (kubectl get dbcat lists the projects that this namespace may use), or {to_do}"


def _usable(current: Pass, session: ProjectSession, way_out: str) -> ProjectView | Wait | Stall:
    """Return the project as it is known; a Wait or a Stall if this resource cannot use it. `way_out` is added to messages."""
    name, view = session.name, session.view
    if (problem := session.problem) is not None:
        told = problem if problem.reason is Reason.PROJECT_NOT_READY else replace(problem, message=_why(name, problem))
        return replace(told, message=told.message + way_out) if problem.reason in MAY_BE_GONE_FOR_GOOD else told
    if view is None:
        return Wait(Reason.PROJECT_NOT_READY, f"waits for the DatabaseProject {name}")
    pinned = current.observed.status.pinned
    if pinned is not None and (pinned.project_id, pinned.region) != (view.project_id, view.region):
        return Stall(
            Reason.PROJECT_CHANGED,
            f"this object is in project {pinned.project_id}, region {pinned.region}; the DatabaseProject "
            f"{name} is now {view.project_id}, {view.region}: put that back",
        )
    return view


def _why(project: str, problem: Wait | Stall) -> str:
    """Return a message without details. The details name Secrets, addresses and objects of other namespaces, so they stand in the
    DatabaseProject only, for those who may read it.
    """
    return (
        f"the DatabaseProject {project} cannot be used ({problem.reason}): its own conditions say why, and what to do"
    )


def _with_powers(view: ProjectView, powers: frozenset[Power], prefixes: tuple[str, ...]) -> ProjectView:
    is_so = (view.granted_powers, view.name_prefixes) == (powers, prefixes)
    return view if is_so else replace(view, granted_powers=powers, name_prefixes=prefixes)
