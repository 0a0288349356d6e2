"""`DatabaseCatalogue`: what a namespace can choose in a project. Only the operator writes it, and nobody's spec is in it.

It is no `Kind`: the operator watches none, no pass reads one, and there is nothing in the cloud that belongs to one.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from managed_databases.kinds.database_project import RangeStatus
from managed_databases.kinds.project_view import Power
from managed_databases.kinds.schema import Column, Spec

MAX_ENGINES: Final = 32
MAX_VERSIONS: Final = 64
MAX_FLAVORS: Final = 500
MAX_EXTENSIONS: Final = 300
MAX_PARAMETERS: Final = 1_000
MAX_PARAMETER_LISTS: Final = 8
MAX_SUMMARY: Final = 45
"""Characters of a column: a line of `kubectl get` shall fit 120 characters."""
MAX_LEFT: Final = 40

Name = Annotated[str, Field(max_length=128)]
Version = Annotated[str, Field(max_length=64)]


class OfferedExtension(Spec):
    """An extension of PostgreSQL."""

    name: Name = Field(description="The name for `extension` of a DatabaseExtension.")
    versions: Annotated[tuple[Version, ...], Field(max_length=MAX_VERSIONS)] = Field(
        default=(), description="The versions of the engine that have the extension; absent if all have it."
    )


class OfferedEngine(Spec):
    """An engine, with what depends on it."""

    type: Name = Field(description="The text for `engine.type`.")
    versions: Annotated[tuple[Version, ...], Field(max_length=MAX_VERSIONS)] = Field(
        description="The texts for `engine.version`."
    )
    vcpus: RangeStatus | None = Field(default=None, description="How many vCPU a node may have.")
    ram_mb: RangeStatus | None = Field(
        default=None, alias="ramMB", description="How much memory a node may have, in MB."
    )
    disk_gb: RangeStatus | None = Field(
        default=None, alias="diskGB", description="How much disk a node may have, in GB."
    )
    extensions: Annotated[tuple[OfferedExtension, ...], Field(max_length=MAX_EXTENSIONS)] = Field(
        default=(), description="The extensions that databases of this engine can have."
    )


class OfferedFlavor(Spec):
    """A size of nodes."""

    name: Name | None = Field(default=None, description="The text for `flavor.name`; absent for a size without a name.")
    vcpus: int | None = Field(default=None, description="How many vCPU a node has.")
    ram_mb: int | None = Field(default=None, alias="ramMB", description="How much memory a node has, in MB.")
    disk_gb: int | None = Field(default=None, alias="diskGB", description="How much disk a node has, in GB.")
    engines: Annotated[tuple[Name, ...], Field(max_length=MAX_ENGINES)] = Field(
        default=(), description="The engines that can have this size, some of them with a version; absent if all can."
    )


class ParameterList(Spec):
    """The configuration parameters of one engine and version."""

    engine: Name = Field(description="The engine.")
    version: Version = Field(description="Its version.")
    values: Annotated[dict[Name, Annotated[str, Field(max_length=256)]], Field(max_length=MAX_PARAMETERS)] = Field(
        description="What `config` may say: for each parameter its type, its limits or choices, its default, and whether a "
        "change takes a restart. The limits are for no size in particular: where a size has others, a refusal tells them."
    )


class QuotaLeft(Spec):
    """How much of a quota is left: `ram` in MB, `disk` in GB."""

    name: Name = Field(description="The name of the quota in the API.")
    left: int = Field(
        description="How much the project may still use, rounded down to two digits. It may be hours old where many namespaces "
        "share a project: the API decides."
    )
    limit: int = Field(description="How much the project may use in all.")


class OfferSummary(Spec):
    """What `kubectl get` shows."""

    engines: Annotated[str, Field(max_length=MAX_SUMMARY)] = Field(description="The engines on offer.")
    versions: Annotated[str, Field(max_length=1024)] = Field(description="The engines with their versions.")
    flavors: int = Field(description="How many sizes are on offer.")
    left: Annotated[str, Field(max_length=MAX_LEFT)] = Field(default="", description="What is left of the quotas.")


class CatalogueContent(Spec):
    """What a namespace can choose in the project of the same name. The operator writes it for people to read; editing it changes
    nothing.
    """

    region: Annotated[str, Field(max_length=64)] = Field(description="The region in which everything is made.")
    default: bool = Field(description="Whether this is the project of a resource that names none.")
    powers: Annotated[tuple[Power, ...], Field(max_length=2)] = Field(
        default=(),
        description="What the project lets the namespace do besides: adopt cloud objects, make metrics tokens (metrics).",
    )
    name_prefixes: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=256)] = Field(
        default=(),
        description="New datastores and metrics tokens must have names that begin with one of these; absent: any name will do.",
    )
    summary: OfferSummary = Field(description="The same in short, for `kubectl get`.")
    engines: Annotated[tuple[OfferedEngine, ...], Field(max_length=MAX_ENGINES)] = Field(
        default=(), description="The engines on offer."
    )
    flavors: Annotated[tuple[OfferedFlavor, ...], Field(max_length=MAX_FLAVORS)] = Field(
        default=(), description="The sizes on offer."
    )
    quotas: Annotated[tuple[QuotaLeft, ...], Field(max_length=64)] = Field(
        default=(), description="What is left of the project's quotas, which all namespaces of the project share."
    )
    parameters: Annotated[tuple[ParameterList, ...], Field(max_length=MAX_PARAMETER_LISTS)] = Field(
        default=(),
        description="The configuration parameters of the engines and versions of which the namespace has datastores.",
    )
    left_out: Annotated[str | None, Field(max_length=256)] = Field(
        default=None, description="What is on offer and not listed, because there is too much of it."
    )

    def written(self) -> dict[str, object]:
        """Return the content by the names of its fields in Kubernetes. Empty fields are left out; the summary is whole, because a
        merge patch would keep what it leaves out there.
        """
        summary = {"summary": self.summary.model_dump(by_alias=True)}
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | summary


@dataclass(frozen=True)
class WrittenKind:
    """A kind that the operator writes, and that people read."""

    name: str
    plural: str
    short_names: tuple[str, ...]
    content: type[Spec]
    columns: tuple[Column, ...]

    @property
    def singular(self) -> str:
        return self.name.lower()


CATALOGUE: Final = WrittenKind(
    name="DatabaseCatalogue",
    plural="databasecatalogues",
    short_names=("dbcat",),
    content=CatalogueContent,
    columns=(
        Column("Default", ".default", "boolean"),
        Column("Engines", ".summary.engines"),
        Column("Left", ".summary.left", description="What is left of the project's quotas."),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Region", ".region", wide=True),
        Column("Flavors", ".summary.flavors", "integer", wide=True),
        Column("Versions", ".summary.versions", wide=True),
    ),
)
