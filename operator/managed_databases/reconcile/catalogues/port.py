"""What the keeper of catalogues needs of Kubernetes."""

from dataclasses import dataclass
from typing import Protocol

from managed_databases.kinds.database_catalogue import CatalogueContent
from managed_databases.reconcile.ports import Resource


@dataclass(frozen=True, slots=True)
class SeenCatalogue:
    """A catalogue's metadata as listed: `digest` is what the operator has written about its content, None if nothing is.
    `is_edited`: somebody else has written a part of the content.
    """

    namespace: str
    name: str
    digest: str | None
    generation: int
    is_edited: bool


class Catalogues(Protocol):
    """The catalogues in Kubernetes. Each method raises KubeError and its subclasses, and nothing else."""

    async def list(self, namespace: str | None) -> list[SeenCatalogue]:
        """Return those of a namespace, or with None of all; their content is not read. NotThere: the definition is missing."""

    async def create(self, namespace: str, project: Resource, digest: str, content: CatalogueContent) -> int:
        """Make the project's catalogue in a namespace; return its generation. Raises AlreadyThere; NotThere if there is no such
        namespace.
        """

    async def replace(self, namespace: str, project: Resource, digest: str, content: CatalogueContent) -> int:
        """Make the whole content so, whoever has written it; return the generation. Raises NotThere."""

    async def delete(self, namespace: str, name: str) -> None:
        """That it is gone already is no error."""
