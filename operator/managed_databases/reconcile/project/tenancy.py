"""Finds the default project, and what a namespace may do in a project."""

from collections.abc import Iterable, Mapping
from typing import Final

from managed_databases.kinds.database_project import AllowedNamespace
from managed_databases.kinds.project_view import Power
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.ports import Resource

EVERY_NAMESPACE: Final = "*"
_SHOWN = 10


def default_project(projects: Iterable[Resource]) -> str | Wait:
    """Return the name of the one default project, or the wait that says what to do if there is not exactly one."""
    names = sorted(project.key.name for project in projects if project.stated.is_default)
    if len(names) == 1:
        return names[0]
    if not names:
        return Wait(
            Reason.PROJECT_MISSING,
            "no project is named and no DatabaseProject is the default: set spec.projectRef, or spec.default: true "
            "on one DatabaseProject",
        )
    return Wait(
        Reason.PROJECT_MISSING,
        f"no project is named and several are marked default ({', '.join(names[:_SHOWN])}): set spec.projectRef, or "
        "leave spec.default on one of them",
    )


def granted_powers(
    allowed: Iterable[AllowedNamespace], namespace: str, labels: Mapping[str, str] | None
) -> frozenset[Power] | None:
    """Return the powers of a namespace, from all entries that match it; None if no entry does: it may not use the project.

    `labels` are the namespace's; with None (they cannot be known) no selector matches.
    """
    matching = [entry for entry in allowed if _is_for(entry, namespace, labels)]
    if not matching:
        return None
    return frozenset(power for entry in matching for power in entry.powers)


def name_prefixes(
    allowed: Iterable[AllowedNamespace], namespace: str, labels: Mapping[str, str] | None
) -> tuple[str, ...]:
    """Return the prefixes that new names of the namespace may have; none (any name) if a matching entry has no `namePrefix`."""
    matching = [entry.name_prefix for entry in allowed if _is_for(entry, namespace, labels)]
    if None in matching:
        return ()
    return tuple(sorted({str(prefix).replace("{namespace}", namespace) for prefix in matching}))


def named_namespaces(allowed: Iterable[AllowedNamespace]) -> tuple[str, ...]:
    """Return the namespaces that are allowed by their names."""
    return tuple(sorted({entry.name for entry in allowed if entry.name} - {EVERY_NAMESPACE}))


def _is_for(entry: AllowedNamespace, namespace: str, labels: Mapping[str, str] | None) -> bool:
    if entry.name is not None:
        return entry.name in (EVERY_NAMESPACE, namespace)
    if entry.selector is None or labels is None:
        return False
    return all(labels.get(label) == value for label, value in entry.selector.match_labels.items())
