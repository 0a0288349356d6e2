"""The keeper writes what is missing or differs, nothing at rest, and lets what is refused rest."""

import pytest

from kinds.builders import CATALOGUE
from managed_databases.api.models import Quota
from managed_databases.kinds.database_catalogue import CatalogueContent
from managed_databases.kinds.offer import NamespaceOffer, content_for, offer
from managed_databases.reconcile.catalogues.catalogue_keeper import (
    LOOK_SECONDS,
    PAUSE_SECONDS,
    QUOTA_SECONDS,
    CatalogueKeeper,
)
from managed_databases.reconcile.catalogues.failed_tries import AWAY_SECONDS, REST_SECONDS
from managed_databases.reconcile.catalogues.port import SeenCatalogue
from managed_databases.reconcile.catalogues.wanted import Wanted, project_offer
from managed_databases.reconcile.ports import (
    AlreadyThere,
    KubeError,
    KubeForbidden,
    KubeUnreachable,
    NotThere,
    Resource,
)
from reconcile.fake_cache import resource
from reconcile.manual_clocks import StillClock

PROJECT = resource("DatabaseProject", "team", "")


ANYTHING = content_for(offer(CATALOGUE, ()), NamespaceOffer("region-1", default=True), ())


class FakeCatalogues:
    """Catalogues by namespace and name: digest, generation, content."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], tuple[str, int, CatalogueContent]] = {}
        self.calls: list[tuple[str, str]] = []
        self.fails: dict[str, KubeError] = {}
        self.edited: set[str] = set()
        self.answers_get_lost = False

    def _called(self, what: str, namespace: str) -> None:
        self.calls.append((what, namespace))
        if (error := self.fails.get(f"{what} {namespace}") or self.fails.get(what)) is not None:
            raise error

    async def list(self, namespace: str | None) -> list[SeenCatalogue]:
        self._called("list", namespace or "")
        return [
            SeenCatalogue(place, name, digest, generation, place in self.edited)
            for (place, name), (digest, generation, _) in self.there.items()
            if namespace in (None, place)
        ]

    async def create(self, namespace: str, project: Resource, digest: str, content: CatalogueContent) -> int:
        self._called("create", namespace)
        if (namespace, project.key.name) in self.there:
            raise AlreadyThere("create")
        self.there[namespace, project.key.name] = digest, 1, content
        if self.answers_get_lost:
            raise KubeUnreachable("no answer")
        return 1

    async def replace(self, namespace: str, project: Resource, digest: str, content: CatalogueContent) -> int:
        self._called("replace", namespace)
        key = namespace, project.key.name
        if key not in self.there:
            raise NotThere("replace")
        self.there[key] = digest, self.there[key][1] + 1, content
        return self.there[key][1]

    async def delete(self, namespace: str, name: str) -> None:
        self._called("delete", namespace)
        self.there.pop((namespace, name), None)


class FakeWishes:
    def __init__(self, *namespaces: str) -> None:
        self.namespaces = set(namespaces)
        self.quota = 10
        self.in_use: frozenset[tuple[str, str]] = frozenset()
        self.is_known = True
        self.untold: set[str] = set()
        """Projects of which nothing tells whom they let in."""

    def is_untold(self, project: str) -> bool:
        return project in self.untold

    async def all(self) -> dict[tuple[str, str], Wanted]:
        quotas = (Quota.model_validate({"name": "vcpus", "used": 0, "limit": self.quota}),)
        known = project_offer((), offer(CATALOGUE, quotas)) if self.is_known else None
        own = NamespaceOffer("region-1", default=True)
        return {(each, "team"): Wanted(PROJECT, known, own, self.in_use) for each in sorted(self.namespaces)}


class Harness:
    def __init__(self, *namespaces: str, watched: tuple[str, ...] = ()) -> None:
        self.kube, self.wishes, self.clock = FakeCatalogues(), FakeWishes(*namespaces), StillClock()
        self.told = 0
        self.watched = watched
        self.begin()

    def begin(self) -> None:
        """As a process does that knows nothing."""

        def told() -> None:
            self.told += 1

        self.keeper = CatalogueKeeper(self.kube, self.wishes, self.clock, self.watched, told)  # type: ignore[arg-type]

    async def look(self) -> list[tuple[str, str]]:
        """Look once, and return what was done, but for lists."""
        self.kube.calls.clear()
        await self.keeper.look()
        return [call for call in self.kube.calls if call[0] != "list"]


async def test_it_makes_what_is_missing_and_rests() -> None:
    harness = Harness("a", "b")
    assert await harness.look() == [("create", "a"), ("create", "b")]
    for _ in range(5):
        harness.clock.moment += LOOK_SECONDS
        assert await harness.look() == []
    harness.begin()
    assert await harness.look() == [], "another process finds them as they are"


async def test_it_follows_what_is_offered_used_and_allowed() -> None:
    harness = Harness("a", "b")
    await harness.look()
    harness.wishes.in_use = frozenset({("postgresql", "16")})
    assert await harness.look() == [("replace", "a"), ("replace", "b")]
    assert harness.kube.there["a", "team"][2].parameters
    harness.wishes.in_use = frozenset({("postgresql", "16"), ("redis", "7")})
    assert await harness.look() == [], "of Redis no parameters are known"
    harness.wishes.namespaces = {"b"}
    assert await harness.look() == [("delete", "a")]
    assert harness.kube.there.keys() == {("b", "team")}


async def test_quotas_alone_are_written_slowly() -> None:
    harness = Harness("a")
    await harness.look()
    written = harness.clock.moment
    for quota in range(11, 40):
        harness.wishes.quota = quota
        harness.clock.moment += QUOTA_SECONDS / 30
        assert await harness.look() == []
    harness.clock.moment = written + QUOTA_SECONDS
    assert await harness.look() == [("replace", "a")]
    assert harness.kube.there["a", "team"][2].quotas[0].left == 39


async def test_thousands_of_namespaces_are_written_for_quotas_more_slowly_still() -> None:
    harness = Harness(*(f"n{number}" for number in range(3_000)))
    assert len(await harness.look()) == 3_000
    harness.wishes.quota = 11
    harness.clock.moment += 2_999
    assert await harness.look() == []
    harness.clock.moment += 1
    assert len(await harness.look()) == 3_000


async def test_what_is_not_known_stays() -> None:
    harness = Harness("a")
    await harness.look()
    harness.begin()
    harness.wishes.is_known = False
    assert await harness.look() == []
    assert harness.kube.there
    harness.wishes.namespaces, harness.wishes.untold = set(), {"team"}
    assert await harness.look() == [], "nor where nothing tells whether the namespace may use the project"
    harness.wishes.untold = set()
    assert await harness.look() == [("delete", "a")], "but not where the namespace may not use the project"


async def test_what_somebody_edits_or_deletes_is_put_right() -> None:
    harness = Harness("a", "b")
    await harness.look()
    digest, generation, content = harness.kube.there["a", "team"]
    harness.kube.there["a", "team"] = digest, generation + 1, content
    del harness.kube.there["b", "team"]
    assert await harness.look() == [], "nothing is watched"
    harness.clock.moment += LOOK_SECONDS
    assert await harness.look() == [("replace", "a"), ("create", "b")]
    harness.clock.moment += LOOK_SECONDS
    assert await harness.look() == []
    harness.kube.edited.add("a")
    harness.begin()
    assert await harness.look() == [("replace", "a")], "nor what was edited while no process ran"


async def test_a_namespace_that_goes_is_no_trouble() -> None:
    harness = Harness("a", "b", "c")
    harness.kube.fails["create a"] = KubeForbidden("403: namespace a because it is being terminated")
    harness.kube.fails["create b"] = NotThere("no such namespace")
    assert await harness.look() == [("create", "a"), ("create", "b"), ("create", "c")]
    assert harness.keeper.trouble is None
    assert await harness.look() == [], "they rest"


async def test_a_missing_right_is_told_and_rests() -> None:
    harness = Harness("a", "b", "c", "d", "e")
    harness.kube.fails["create"] = KubeForbidden("may not create databasecatalogues")
    assert len(await harness.look()) == 3, "no hundreds of refusals"
    assert "may not create databasecatalogues" in (harness.keeper.trouble or "")
    assert harness.told == 1
    assert await harness.look() == []
    harness.clock.moment += PAUSE_SECONDS
    assert len(await harness.look()) == 2, "others get their turn"
    assert harness.told == 1
    del harness.kube.fails["create"]
    harness.clock.moment += REST_SECONDS
    assert len(await harness.look()) == 5
    assert harness.keeper.trouble is None
    assert harness.told == 2


@pytest.mark.parametrize("error", [NotThere("no such kind"), KubeForbidden("may not list databasecatalogues")])
async def test_without_definition_or_right_to_list_nothing_is_written(error: KubeError) -> None:
    harness = Harness("a")
    harness.kube.fails["list"] = error
    assert await harness.look() == []
    assert harness.keeper.trouble
    harness.kube.fails.clear()
    harness.clock.moment += REST_SECONDS
    assert await harness.look() == [("create", "a")]
    assert harness.keeper.trouble is None


async def test_a_served_namespace_that_cannot_be_listed_is_left_alone() -> None:
    harness = Harness("a", "b", watched=("a", "b"))
    harness.kube.fails["list b"] = KubeForbidden("may not list in b")
    assert await harness.look() == [("create", "a")]
    assert "in b" in (harness.keeper.trouble or "")


async def test_an_api_server_that_is_away_is_no_trouble() -> None:
    harness = Harness("a")
    harness.kube.fails["create"] = KubeUnreachable("away")
    assert await harness.look() == [("create", "a")]
    assert harness.keeper.trouble is None
    harness.kube.fails.clear()
    harness.clock.moment += AWAY_SECONDS
    assert await harness.look() == [("replace", "a"), ("create", "a")], "it may have been made"


async def test_a_catalogue_that_comes_or_goes_in_between_is_written() -> None:
    harness = Harness("a")
    await harness.look()
    del harness.kube.there["a", "team"]
    harness.wishes.in_use = frozenset({("postgresql", "16")})
    assert await harness.look() == [("replace", "a"), ("create", "a")]
    harness.kube.there["b", "team"] = "other", 7, ANYTHING
    harness.wishes.namespaces.add("b")
    assert await harness.look() == [("create", "b"), ("replace", "b")]
