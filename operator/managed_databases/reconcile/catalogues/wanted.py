"""Which namespaces have a catalogue of which projects, and what goes into it."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson
import structlog

from managed_databases.kinds.database_catalogue import CatalogueContent
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.offer import EngineVersion, NamespaceOffer, Offer, content_for, offer
from managed_databases.kinds.registry import GROUP, cloud_kinds, kinds
from managed_databases.kinds.schema import Spec
from managed_databases.reconcile.ports import Resource, ResourceCache
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.project.session import ProjectSession

LABEL: Final = f"{GROUP}/catalogue"
"""On a namespace: "true" asks for the catalogues of all projects that let it in, "false" for none."""
_AT_ONCE: Final = 500
"""So many resources are looked at before others get their turn."""
_NAMESPACES_AT_ONCE: Final = 50
"""A project may have 256 entries of allowed namespaces, and each is compared."""

log = structlog.get_logger()


class Digest(NamedTuple):
    """What is compared to know whether a catalogue has to be written: quotas change often, and are told apart."""

    content: str
    quotas: str

    def __str__(self) -> str:
        return f"{self.content}.{self.quotas}"

    @classmethod
    def read(cls, text: str | None) -> "Digest":
        content, _, quotas = (text or "").partition(".")
        return cls(content, quotas)


@dataclass(frozen=True)
class ProjectOffer:
    """What a project offers, with the digests of its parts."""

    made_of: tuple[object, ...]
    offered: Offer
    content: str
    quotas: str
    of_parameters: dict[EngineVersion, str] = field(default_factory=dict)

    def digest(self, own: NamespaceOffer, in_use: Iterable[EngineVersion], uid: str) -> Digest:
        used = sorted(set(in_use) & self.offered.parameters.keys())
        for of in used:
            if of not in self.of_parameters:
                self.of_parameters[of] = _digest(self.offered.parameters[of])
        return Digest(_digest([uid, self.content, own, [self.of_parameters[of] for of in used]]), self.quotas)


class Wanted(NamedTuple):
    """One catalogue that is to be there. `offer` is None while the project's is not known: then whatever is there stays."""

    project: Resource
    offer: ProjectOffer | None
    own: NamespaceOffer
    in_use: frozenset[EngineVersion]

    @property
    def digest(self) -> Digest | None:
        return None if self.offer is None else self.offer.digest(self.own, self.in_use, self.project.uid)

    def content(self) -> CatalogueContent:
        assert self.offer is not None
        return content_for(self.offer.offered, self.own, self.in_use)


class Wishes:
    """Says which catalogues are wanted. `everything` returns all resources; `watched` are the namespaces that the operator
    serves, empty for all.
    """

    def __init__(
        self,
        cache: ResourceCache,
        projects: Projects,
        everything: Callable[[], Iterable[Resource]],
        watched: tuple[str, ...],
    ) -> None:
        self._cache = cache
        self._projects = projects
        self._everything = everything
        self._watched = frozenset(watched)
        self._offers: dict[str, ProjectOffer] = {}
        self._untold: frozenset[str] = frozenset()

    async def all(self) -> dict[tuple[str, str], Wanted]:
        """Return the wanted catalogues by namespace and project."""
        found: dict[tuple[str, str], Wanted] = {}
        uses, default = await self._uses(), self._projects.default_name()
        asking = set(self._cache.namespaces_labelled(LABEL, "true"))
        projects = [project for project in self._cache.of_kind(PROJECT.name) if project.deleting_since is None]
        self._untold = self._unread(projects)
        for project in projects:
            name = project.key.name
            session = self._projects.session(name)
            offered, region = await self._offer(name, session)
            of_project = uses.get(name, {})
            candidates = sorted(of_project.keys() | asking | {*self._projects.named_namespaces(name)})
            for place, namespace in enumerate(candidates):
                if place % _NAMESPACES_AT_ONCE == _NAMESPACES_AT_ONCE - 1:
                    await asyncio.sleep(0)
                powers = self._projects.granted_powers(name, namespace)
                if powers is None or not self._may_have(namespace):
                    continue
                prefixes = self._projects.name_prefixes(name, namespace)
                own = NamespaceOffer(region, name == default, tuple(sorted(powers)), prefixes)
                in_use = frozenset(of_project.get(namespace, ()))
                found[namespace, name] = Wanted(project, offered, own, in_use)
        self._untold |= self._unread(projects)  # others have had their turn meanwhile
        self._offers = {
            name: known for name, known in self._offers.items() if name in {one.key.name for one in projects}
        }
        return found

    def is_untold(self, project: str) -> bool:
        """Return whether, when `all` was called last, nothing told whom the project lets in: its catalogues stay as they are."""
        return project in self._untold

    def _unread(self, projects: Iterable[Resource]) -> frozenset[str]:
        return frozenset(one.key.name for one in projects if not self._projects.tells_allowed(one.key.name))

    def _may_have(self, namespace: str) -> bool:
        if self._watched and namespace not in self._watched:
            return False
        return (self._cache.namespace_labels(namespace) or {}).get(LABEL) != "false"

    async def _offer(self, name: str, session: ProjectSession | None) -> tuple[ProjectOffer | None, str]:
        """Return what the project offers, and its region. The offer is made anew only if something of it has changed."""
        view = None if session is None else session.view
        if session is None or view is None or not session.was_catalogue_read:  # the last parts are not read yet
            return None, ""
        if not view.catalogue.known or view.catalogue.extensions is None:
            return None, ""
        catalogue, quotas = view.catalogue, session.quotas
        known, made_of = self._offers.get(name), (session.uid, catalogue.version, quotas)
        if known is None or known.made_of != made_of:
            try:
                offered = await asyncio.to_thread(offer, catalogue, quotas)
            except Exception:  # a defect with one project's catalogue; those of others are kept
                log.exception("what a project offers could not be written down", project=name)
                return None, ""
            known = self._offers[name] = project_offer(made_of, offered)
        return known, view.region

    async def _uses(self) -> dict[str, dict[str, set[EngineVersion]]]:
        """Return for each project the namespaces with resources in it, and of which engines and versions they have datastores."""
        by_cloud = cloud_kinds(kinds())
        default = self._projects.default_name()
        found: dict[str, dict[str, set[EngineVersion]]] = {}
        for place, resource in enumerate(self._everything()):
            if place % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            kind = by_cloud.get(resource.key.kind)
            if kind is None:
                continue
            name: object = resource.told.project
            if name is None and not kind.is_inside:  # what is inside is where its datastore is
                name = resource.stated.project or default
            if not isinstance(name, str):
                continue
            versions = found.setdefault(name, {}).setdefault(resource.key.namespace, set())
            if (engine := resource.stated.engine) is not None and not kind.is_inside:
                versions.add(engine)
        return found


def project_offer(made_of: tuple[object, ...], offered: Offer) -> ProjectOffer:
    """Return the offer with its digests."""
    quotas = [*_dumped(offered.quotas), offered.summary.left]
    summary = offered.summary.model_dump(exclude={"left"})
    others = [summary, _dumped(offered.engines), _dumped(offered.flavors), offered.left_out]
    return ProjectOffer(made_of, offered, _digest(others), _digest(quotas))


def _dumped(models: Iterable[Spec]) -> list[dict[str, object]]:
    return [each.model_dump() for each in models]


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
