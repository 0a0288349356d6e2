"""Which project a command is about, and with which credentials it asks the cloud."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from pydantic import SecretStr

from managed_databases.command_line.person import Person
from managed_databases.command_line.problems import BadUsage, MissingRight, NoDefault, Problem
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.verdicts import Wait
from managed_databases.reconcile.annotations import ALLOW_INSECURE
from managed_databases.reconcile.ports import Resource, ResourceKey, SecretContent
from managed_databases.reconcile.project.tenancy import EVERY_NAMESPACE, default_project

USUAL_NAMESPACE: Final = "managed-databases-system"
ENVIRONMENT: Final = "environment"
"""The name of a Secret that is none: what the environment variables say."""
_REGIONS: Final = ("INFRA_REGION", "OS_REGION_NAME")
_TAKEN: Final = ("OS_", "INFRA_")


@dataclass(frozen=True)
class Choice:
    """The project. `secret` holds the credentials of the environment; None: the project's own Secret is read. `notes` say what
    is not as the operator has it.
    """

    resource: Resource
    secret: SecretContent | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.resource.key.name


async def chosen_project(
    person: Person,
    name: str | None,
    environment: Mapping[str, str] | None,
    given: Mapping[str, Resource] = MappingProxyType({}),
    resources: Iterable[Resource] = (),
) -> Choice:
    """Return the project of that name, or the default one; `given` are projects that stand for those of the cluster.

    With `environment` its credentials are those of OS_... variables. Whoever may read no DatabaseProject still gets one then,
    made of them, with the name by which the statuses of `resources` call it. Raises Problem.
    """
    secret = None if environment is None else credentials_of(environment)
    try:
        resource = given[name] if name is not None and name in given else await read_project(person, name)
    except MissingRight as missing:
        if environment is None:
            raise Problem(
                f"{missing}. With credentials of the cloud of your own in the environment (OS_AUTH_URL, OS_USERNAME, ...), "
                "--env uses them, and needs no DatabaseProject"
            ) from None
        told = next((environment[each] for each in _REGIONS if environment.get(each)), None)
        if told is None:
            raise BadUsage("set INFRA_REGION: the DatabaseProject, which says the region, may not be read") from None
        note = (
            "you may not read DatabaseProjects: that this one allows your namespace is taken for granted, and its namePrefix "
            "is not known"
        )
        return Choice(_made_up(name or _name_in(resources), told), secret, (note,))
    if secret is None:
        return Choice(resource)
    return Choice(_with_secret(resource), secret)


def _name_in(resources: Iterable[Resource]) -> str:
    names = sorted({str(each.told.project) for each in resources if each.told.project is not None})
    if len(names) > 1:
        raise BadUsage(f"name a project with --project: your resources are in {', '.join(names)}")
    return names[0] if names else ENVIRONMENT


async def read_project(person: Person, name: str | None) -> Resource:
    """Return the named DatabaseProject, or the default one. Raises MissingRight, NoDefault, and BadUsage for a name that there
    is not.
    """
    if name is not None:
        found = await person.resource(PROJECT, "", name)
        if found is None:
            raise BadUsage(f"there is no DatabaseProject {name}")
        return found
    everyone = await person.resources(PROJECT, None)
    default = default_project(everyone)
    if isinstance(default, Wait):
        names = ", ".join(sorted(each.key.name for each in everyone)) or "none"
        raise NoDefault(f"name a project with --project: not exactly one is the default (there are: {names})")
    return next(each for each in everyone if each.key.name == default)


def credentials_of(environment: Mapping[str, str]) -> SecretContent:
    """Return the OS_... and INFRA_... variables as the Secret of a project. Whoever has set them decides where they are sent."""
    given = {key: SecretStr(value) for key, value in environment.items() if key.startswith(_TAKEN) and value}
    if "OS_AUTH_URL" not in given:
        raise BadUsage(
            "the environment has no credentials of the cloud: set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, ..."
        )
    return SecretContent(
        namespace="the",
        name=ENVIRONMENT,
        uid=ENVIRONMENT,
        resource_version="1",
        type="Opaque",
        labels={},
        annotations={ALLOW_INSECURE: "true"},
        data=given,
    )


def _with_secret(resource: Resource) -> Resource:
    """Return the project with the environment's credentials: its own addresses do not count, as they belong to its Secret."""
    spec: dict[str, Any] = {**resource.spec, "credentialsSecretRef": {"name": ENVIRONMENT}}
    return replace(resource, spec={key: each for key, each in spec.items() if key not in ("identityURL", "endpoint")})


def _made_up(name: str, region: str) -> Resource:
    spec = {
        "region": region,
        "credentialsSecretRef": {"name": ENVIRONMENT},
        "default": True,
        "allowedNamespaces": [{"name": EVERY_NAMESPACE, "powers": ["adopt", "metrics"]}],
    }
    return Resource(
        key=ResourceKey(PROJECT.name, "", name),
        uid=f"made up: {name}",
        resource_version="1",
        generation=1,
        created_at="",
        deleting_since=None,
        finalizers=(),
        annotations={},
        spec=spec,
        status={},
    )
