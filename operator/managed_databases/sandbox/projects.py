"""The sandbox's projects and regions, and the credentials that open them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

DEFAULT_PROJECT_ID: Final = "0123456789abcdef0123456789abcdef"
DEFAULT_REGION: Final = "region-1"
DEFAULT_USERNAME: Final = "sandbox"
DEFAULT_PASSWORD: Final = "sandbox-password"
DEFAULT_DOMAIN: Final = "sandbox-domain"


@dataclass(frozen=True)
class Project:
    """A project, by its id of 32 hex digits, and the one user who may use it."""

    id: str
    name: str
    username: str
    password: str
    domain: str


@dataclass(frozen=True)
class World:
    """The projects and regions of a sandbox. The first region is also served at `/v1`."""

    projects: tuple[Project, ...]
    regions: tuple[str, ...]


DEFAULT_WORLD: Final = World(
    projects=(
        Project(DEFAULT_PROJECT_ID, "sandbox", DEFAULT_USERNAME, DEFAULT_PASSWORD, DEFAULT_DOMAIN),
        Project("fedcba9876543210fedcba9876543210", "other", "other", "other-password", "other-domain"),
    ),
    regions=(DEFAULT_REGION, "region-2"),
)


def read_world(path: Path) -> World:
    """Read projects and regions from a JSON file.

    `{"regions": ["region-1"], "projects": [{"id", "name", "username", "password", "domain"}]}`; the projects must have
    different ids and different pairs of user name and domain. Raises ValueError, which says what is wrong.
    """
    try:
        told = orjson.loads(path.read_bytes())
        world = World(
            projects=tuple(Project(**project) for project in told["projects"]), regions=tuple(told["regions"])
        )
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected regions and projects: {error}") from error
    users = {(project.username, project.domain) for project in world.projects}
    if not world.regions or not world.projects or len(users) < len(world.projects):
        raise ValueError(f"{path}: at least one region and one project, each with a user of its own")
    if len({project.id for project in world.projects}) < len(world.projects):
        raise ValueError(f"{path}: two projects have the same id")
    return world
